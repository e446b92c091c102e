/** Images by mkfs.fat and by newfs, kernels that have them mounted, and fsck.fat's opinion of what they leave. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type World as AnyWorld, withFolder, withImage, worlds } from '@anykernel/conformance-diskfs';
import type { DiskImage } from '@anykernel/host-sim';
import { mustRun, run } from '@anykernel/tools-oracle';
import type { MsdosFs } from '../src/fs.js';
import { type NewfsOptions, msdosfs, newfs } from '../src/index.js';

export { errnoOf, pattern, withFolder, withImage } from '@anykernel/conformance-diskfs';

export type World = AnyWorld<MsdosFs>;

export const { world, mounted } = worlds<MsdosFs>({ component: msdosfs, type: 'msdosfs' });

/** The variants of mkfs.fat whose images are read and written: KiB, and arguments. */
export const VARIANTS: Readonly<Record<string, readonly [number, readonly string[]]>> = {
  'a floppy disk': [1440, []],
  'FAT12, clusters of 4 KiB': [4000, ['-F', '12', '-s', '8']],
  'FAT16, clusters of 2 KiB': [9300, ['-F', '16', '-s', '4']],
  'FAT16, one FAT': [5000, ['-F', '16', '-s', '2', '-f', '1']],
  'FAT16, nothing aligned': [4001, ['-F', '16', '-a', '-s', '1', '-r', '48']],
  'FAT16, sectors of 4 KiB': [17_000, ['-F', '16', '-S', '4096', '-s', '1']],
  FAT32: [34_000, ['-F', '32', '-s', '1']],
  'FAT32, small, clusters of 8 KiB': [5000, ['-F', '32', '-s', '16']],
  'FAT32, small, nothing aligned': [4001, ['-F', '32', '-a', '-s', '2']],
};

/** An image of `kib` KiB by mkfs.fat. */
export function mkfs(kib: number, args: readonly string[] = []): Uint8Array {
  return withFolder((folder) => {
    const path = join(folder, 'image');
    mustRun('mkfs.fat', ['-C', '-i', '1234abcd', ...args, path, `${kib}`]);
    return new Uint8Array(readFileSync(path));
  });
}

/** An image by newfs. */
export function fresh(bytes: number, options: Partial<NewfsOptions> = {}): Uint8Array {
  const image = new Uint8Array(bytes);
  newfs({ size: bytes, write: (off, data) => image.set(data, off) }, { time: 1e9, serial: 1, zeroed: true, ...options });
  return image;
}

/** What fsck.fat -n says of an image; empty: nothing is wrong. */
export function fsck(bytes: Uint8Array | DiskImage): string {
  return withImage(bytes, (path) => {
    const { status, stdout, stderr } = run('fsck.fat', ['-n', path]);
    return status === 0 ? '' : `status ${status}\n${stdout}${stderr}`;
  });
}
