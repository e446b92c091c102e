/** The file systems that `rump fsck` checks: a file for each. */
import type { Checker } from './checker.js';
import { ext2Checker } from './ext2fs.js';
import { ffsChecker } from './ffs.js';
import { msdosChecker } from './msdosfs.js';

export const CHECKERS: readonly Checker[] = [ext2Checker, ffsChecker, msdosChecker];

/** As -t names them. */
export const CHECKER_TYPES: readonly string[] = CHECKERS.flatMap((c) => c.types);
