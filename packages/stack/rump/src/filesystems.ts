/** The file systems that the command brings along. */
import { ext2fs } from '@anykernel/ext2fs';
import type { AnyComponent } from '@anykernel/lib-component';

/** Those that live on a disk. */
export const DISK_FILE_SYSTEMS: readonly AnyComponent[] = [ext2fs];
