/** The file systems that `rump fsck` checks: a file for each. */
import type { Checker } from './checker.js';
import { ffsChecker } from './ffs.js';

export const CHECKERS: readonly Checker[] = [ffsChecker];

/** As -t names them. */
export const CHECKER_TYPES: readonly string[] = CHECKERS.flatMap((c) => c.types);
