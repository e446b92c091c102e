/** Images by makefs, and kernels that have them mounted. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type World as AnyWorld, withFolder, worlds } from '@anykernel/conformance-diskfs';
import type { DiskImage } from '@anykernel/host-sim';
import { mustRun } from '@anykernel/tools-oracle';
import type { Ffs } from '../src/fs.js';
import { type ImageIo, type NewfsOptions, ffs, fsck, newfs } from '../src/index.js';

export { errnoOf, pattern, withFolder, withImage } from '@anykernel/conformance-diskfs';

export type World = AnyWorld<Ffs>;

export const { world, mounted } = worlds<Ffs>({ component: ffs, type: 'ffs' });

/** The variants of makefs whose images are read and written. */
export const VARIANTS: Readonly<Record<string, readonly string[]>> = {
  'UFS1, little-endian': ['-B', 'le', '-o', 'version=1'],
  'UFS1, big-endian': ['-B', 'be', '-o', 'version=1'],
  'UFS2, little-endian': ['-B', 'le', '-o', 'version=2'],
  'UFS2, big-endian': ['-B', 'be', '-o', 'version=2'],
  'UFS1, blocks of 4 KiB and fragments of 512 bytes': ['-B', 'le', '-o', 'version=1,bsize=4096,fsize=512'],
  'UFS2, blocks of 4 KiB that are fragments': ['-B', 'be', '-o', 'version=2,bsize=4096,fsize=4096'],
  'UFS2, blocks of 16 KiB and fragments of 2 KiB': ['-B', 'le', '-o', 'version=2,bsize=16384,fsize=2048'],
  'UFS1, blocks of 32 KiB and fragments of 8 KiB': ['-B', 'be', '-o', 'version=1,bsize=32768,fsize=8192'],
  'UFS2, blocks of 64 KiB and fragments of 8 KiB': ['-B', 'le', '-o', 'version=2,bsize=65536,fsize=8192'],
};

/** An image of `kib` KiB by makefs, of the files that `fill` puts into a folder; none of them is somebody's. */
export function makefs(kib: number, args: readonly string[], fill?: (folder: string) => void): Uint8Array {
  return withFolder((folder) => {
    const tree = join(folder, 'tree');
    mkdirSync(tree);
    fill?.(tree);
    const path = join(folder, 'image');
    mustRun('makefs', ['-t', 'ffs', '-s', `${kib}k`, ...args, path, tree]);
    return new Uint8Array(readFileSync(path));
  });
}

/** What fsck says of an image; empty: nothing is wrong, and it says of itself that it is clean. */
export function check(bytes: Uint8Array | DiskImage): string {
  const b = bytes instanceof Uint8Array ? bytes : bytes.bytes();
  const report = fsck(ioOf(b), { time: 1 });
  const lines = report.problems.map((p) => p.text);
  if (!report.marked) lines.push('it is not marked as clean');
  return lines.slice(0, 12).join('\n');
}

/** An image in memory, for the checker. */
export function ioOf(b: Uint8Array): ImageIo {
  return { size: b.length, read: (off, len) => b.slice(off, off + len), write: (off, data) => b.set(data, off) };
}

/** An empty image by newfs. */
export function made(kib: number, options: Partial<NewfsOptions> = {}): Uint8Array {
  const b = new Uint8Array(kib * 1024);
  newfs({ size: b.length, write: (off, data) => b.set(data, off) }, { time: 1_600_000_000, id: 99, zeroed: true, ...options });
  return b;
}
