import { constants as host } from '#host';
import type { Constants } from './linux.js';

/** `fs.constants`: the host's, and in a page Node's on Linux. */
export const constants: Constants = host;

export { UKFS_NAMES, UKFS_PROMISE_NAMES } from './names.js';
export { ukfs } from './ukfs.js';
export type { DisposableTempDir, DisposableTempDirSync, Ukfs, UkfsPromises } from './forms.js';
export { Dir } from './dir.js';
export { FileHandle } from './handle.js';
export { BigIntStats, Dirent, StatFs, Stats } from './stats.js';
export { FSWatcher } from './watch.js';
export { StatWatcher } from './watchfile.js';
export type { Constants } from './linux.js';
export type { NodeSystemError } from './errors.js';
export type { PathLike } from './args.js';
export { fromSnapshot, fromTree, toSnapshot, toTree } from './trees.js';
export { FileNode, type PlainTree, Symlink, type Tree, type TreeNode, file, symlink } from './fixtures.js';
