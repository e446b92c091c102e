/** The file systems that `rump fsck` checks: a file for each. */
import type { Checker } from './checker.js';
import { ext2Checker } from './ext2fs.js';
import { ffsChecker } from './ffs.js';

export const CHECKERS: readonly Checker[] = [ext2Checker, ffsChecker];

/** As -t names them. */
export const CHECKER_TYPES: readonly string[] = CHECKERS.flatMap((c) => c.types);
