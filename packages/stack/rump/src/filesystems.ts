/** The file systems that the command brings along. */
import { ext2fs } from '@anykernel/ext2fs';
import type { AnyComponent } from '@anykernel/lib-component';
import { msdosfs } from '@anykernel/msdosfs';
import { tmpfs } from '@anykernel/tmpfs';

/** Those that live on a disk. */
export const DISK_FILE_SYSTEMS: readonly AnyComponent[] = [ext2fs, msdosfs];

/** All of them: they can be named in stacks without being installed on their own. */
export const FILE_SYSTEMS: readonly AnyComponent[] = [...DISK_FILE_SYSTEMS, tmpfs];
