/** A kernel with one disk in it, which was not mounted yet. */
import type { MountArgs } from '@anykernel/lib-sys';
import type { Kernel } from '@anykernel/rumpkern';

export interface Machine {
  readonly k: Kernel;
  /** The file system's type and what mount(2) takes for it. */
  readonly type: string;
  readonly args: MountArgs;
  /** Whether it is mounted for writing, and written to. */
  readonly writable: boolean;
  /** Bytes of the host's memory that the kernel has; after it was halted, none may be left. */
  allocated(): number;
}
