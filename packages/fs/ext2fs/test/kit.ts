/** Images by mke2fs, kernels that have them mounted, and e2fsck's opinion of what they leave. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type World as AnyWorld, withFolder, withImage, worlds } from '@anykernel/conformance-diskfs';
import type { DiskImage } from '@anykernel/host-sim';
import { mustRun, run } from '@anykernel/tools-oracle';
import type { Ext2fs } from '../src/fs.js';
import { ext2fs } from '../src/index.js';

export { errnoOf, pattern, withFolder, withImage } from '@anykernel/conformance-diskfs';

export type World = AnyWorld<Ext2fs>;

export const { world, mounted } = worlds<Ext2fs>({ component: ext2fs, type: 'ext2fs' });

/** The variants of mke2fs whose images are read and written. */
export const VARIANTS: Readonly<Record<string, readonly string[]>> = {
  'the defaults': [],
  'blocks of 1 KiB': ['-b', '1024'],
  'blocks of 2 KiB': ['-b', '2048'],
  'blocks of 4 KiB': ['-b', '4096'],
  'revision 0': ['-r', '0'],
  'no features': ['-O', 'none'],
  'inodes of 128 bytes': ['-I', '128'],
  'inodes of 512 bytes, 4 KiB': ['-b', '4096', '-I', '512'],
  'no sparse_super, no filetype': ['-O', '^sparse_super,^filetype,^resize_inode'],
  'no dir_index, no large_file': ['-O', '^dir_index,^large_file'],
  'small groups': ['-b', '1024', '-g', '1024'],
  'meta_bg': ['-b', '1024', '-g', '256', '-O', 'meta_bg,^resize_inode'],
  'ext3': ['-t', 'ext3', '-b', '1024'],
  'ext4 without a journal': ['-t', 'ext4', '-b', '1024', '-O', '^has_journal'],
  'ext4': ['-t', 'ext4', '-b', '1024'],
  'ext4, 4 KiB': ['-t', 'ext4', '-b', '4096'],
  'ext4 with all of it': ['-t', 'ext4', '-b', '1024', '-g', '1024', '-O', 'inline_data,ea_inode,metadata_csum_seed,orphan_file,large_dir,project'],
  'ext4 with uninit_bg': ['-t', 'ext4', '-b', '1024', '-O', '^metadata_csum,uninit_bg'],
  'sparse_super2': ['-b', '1024', '-g', '1024', '-O', 'sparse_super2,^resize_inode'],
};

/** An image of `kib` KiB by mke2fs. */
export function mke2fs(kib: number, args: readonly string[] = []): Uint8Array {
  return withFolder((folder) => {
    const path = join(folder, 'image');
    mustRun('mke2fs', ['-q', '-F', ...(args.includes('-t') ? [] : ['-t', 'ext2']), ...args, path, `${kib}k`]);
    return new Uint8Array(readFileSync(path));
  });
}

/** What e2fsck -fn says of an image; empty: nothing is wrong. */
export function fsck(bytes: Uint8Array | DiskImage): string {
  return withImage(bytes, (path) => {
    const { status, stdout, stderr } = run('e2fsck', ['-fn', path]);
    return status === 0 && !/WARNING|not cleanly/.test(stdout + stderr) ? '' : `status ${status}\n${stdout}${stderr}`;
  });
}
