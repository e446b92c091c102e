/** The file systems and devices that the command brings along. */
import { cd9660 } from '@anykernel/cd9660';
import { disk } from '@anykernel/disk';
import { ext2fs } from '@anykernel/ext2fs';
import { ffs } from '@anykernel/ffs';
import type { AnyComponent } from '@anykernel/lib-component';
import { msdosfs } from '@anykernel/msdosfs';
import { md } from '@anykernel/md';
import { tmpfs } from '@anykernel/tmpfs';
import { vnd } from '@anykernel/vnd';

/** Those that live on a disk. */
export const DISK_FILE_SYSTEMS: readonly AnyComponent[] = [ext2fs, ffs, msdosfs, cd9660];

/** All of them: they can be named in stacks without being installed on their own. */
export const FILE_SYSTEMS: readonly AnyComponent[] = [...DISK_FILE_SYSTEMS, tmpfs];

/** Disks that stacks may have besides those of the host: memory, files in file systems, parts of disks. */
export const DISKS: readonly AnyComponent[] = [disk, md, vnd];
