/** The host's half: a packet device. */
import type { HostHalf } from '@anykernel/host-rumpuser';

export interface VirtPort {
  /** The device's name on the host. */
  readonly name: string;
  /** Each frame, both ways, has a virtio_net_hdr (10 bytes, little-endian) in front: unfinished checksums and large segments pass. */
  readonly offload: boolean;
  /** Reads the next frame into `into`, at least 65 560 bytes: its length; 0: there is none now. */
  read(into: Uint8Array): number;
  /** Sends the first `count` of `pieces` as one frame. false: the device did not take it. */
  write(pieces: readonly Uint8Array[], count: number): boolean;
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
