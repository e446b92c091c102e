/** Images by other people's programs, and kernels that have them mounted. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type World as AnyWorld, withFolder, worlds } from '@anykernel/conformance-diskfs';
import { MNT_RDONLY } from '@anykernel/lib-sys';
import { mustRun } from '@anykernel/tools-oracle';
import type { CdFs } from '../src/fs.js';
import { cd9660 } from '../src/index.js';

export { errnoOf, names, pattern, readFile, withFolder, writeImage } from '@anykernel/conformance-diskfs';

export type World = AnyWorld<CdFs>;

export const { world, mounted } = worlds<CdFs>({ component: cd9660, type: 'cd9660', flags: MNT_RDONLY, disk: { record: 'none', readonly: true } });

/** How images are made: program, and arguments for a folder and an image. */
export type Maker = (folder: string, image: string) => readonly [string, readonly string[]];

export const MAKERS = {
  'xorriso, Rock Ridge and Joliet': (folder, image) => ['xorriso', ['-as', 'mkisofs', '-quiet', '-R', '-J', '-joliet-long', '-o', image, folder]],
  'genisoimage, Rock Ridge': (folder, image) => ['genisoimage', ['-quiet', '-R', '-o', image, folder]],
  'makefs, Rock Ridge': (folder, image) => ['makefs', ['-t', 'cd9660', '-o', 'rockridge', image, folder]],
  'genisoimage, Joliet': (folder, image) => ['genisoimage', ['-quiet', '-J', '-joliet-long', '-o', image, folder]],
  'genisoimage, ISO 9660:1999': (folder, image) => ['genisoimage', ['-quiet', '-iso-level', '4', '-o', image, folder]],
  'genisoimage, plain ISO 9660': (folder, image) => ['genisoimage', ['-quiet', '-l', '-allow-multidot', '-o', image, folder]],
} satisfies Record<string, Maker>;

/** An image of the folder. */
export function imageOf(folder: string, maker: Maker): Uint8Array {
  return withFolder((scratch) => {
    const image = join(scratch, 'image');
    const [program, args] = maker(folder, image);
    mustRun(program, args);
    return new Uint8Array(readFileSync(image));
  });
}
