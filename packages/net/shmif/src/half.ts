/** The host's half: the memory that the participants of a bus share, and a bell. */
import type { HostHalf } from '@anykernel/host-rumpuser';

/** A bus as the host has opened it. */
export interface BusPort {
  /** The whole bus, in the layout of bus.ts. Shared: only the holder of its lock may change it. */
  readonly memory: Uint8Array;
  /** Whether packets keep what is only known in memory (checksums that need not be computed, large segments): nobody but kernels of ours is on it. */
  readonly native: boolean;
  /** Wakes the other participants. */
  ring(): void;
  /** `fn` is called from the event loop when another participant has rung, at once or a little later, and once for several. */
  listen(fn: () => void): void;
  close(): void;
}

export interface ShmifHalf {
  /**
   * Opens the bus `name`, and makes it if it is not there: a name with a slash is a file of NetBSD's layout, any other one a bus in memory.
   * ENOENT, EACCES ...; EINVAL: it is there, and no bus.
   */
  open(name: string): BusPort;
}

export const SHMIF_HALF: HostHalf<ShmifHalf> = { name: 'shmif', revision: 1 };
