/** The file systems that `rump newfs` makes: a file for each. */
import { ext2Maker } from './ext2fs.js';
import { ffsMaker } from './ffs.js';
import type { Maker } from './maker.js';
import { msdosMaker } from './msdosfs.js';

export const MAKERS: readonly Maker[] = [ext2Maker, ffsMaker, msdosMaker];

/** As -t names them. */
export const MAKER_TYPES: readonly string[] = MAKERS.flatMap((m) => m.types);
