/** The host's half: a packet device. */
import type { HostHalf } from '@anykernel/host-rumpuser';

export interface VirtPort {
  /** The device's name on the host. */
  readonly name: string;
  /** Each frame, both ways, has a virtio_net_hdr (10 bytes, little-endian) in front: unfinished checksums and large segments pass. */
  readonly offload: boolean;
  /** Memory of frames that come. */
  readonly in: Uint8Array;
  /** Where in it the last frame begins, until the next read(). */
  readonly inAt: number;
  /** Takes the next frame: its length, at most 65 560; 0: there is none now. */
  read(): number;
  /** Memory of frames that go. */
  readonly out: Uint8Array;
  /** Where in it a frame of `len` bytes is to be written, before anything else is called; it waits for flush(), at most. -1: it is too long. */
  reserve(len: number): number;
  /** Sends all that waits. Returns how many frames the device did not take since the last call. */
  flush(): number;
  /** What the host may leave undone in the frames that it gives, at first both: `checksums`, and cutting large `segments`. Without it, nothing can be said. */
  accept?(checksums: boolean, segments: boolean): void;
  /** `fn` is called from the event loop when there may be frames, and says how many it has read. */
  listen(fn: () => number): void;
  close(): void;
}

export interface VirtifHalf {
  /** Opens a device, and makes it if the host can. ENODEV: the host has none of that kind. EPERM, EBUSY, EINVAL ... */
  open(name: string): VirtPort;
}

export const VIRTIF_HALF: HostHalf<VirtifHalf> = { name: 'virtif', revision: 1 };
