export {
  type CallbackForm,
  type PromiseForm,
  type SyncForm,
  UKFS_NAMES,
  UKFS_PROMISE_NAMES,
  type Ukfs,
  type UkfsPromises,
  ukfs,
} from './ukfs.js';
export type { PromiseChoices, SyncChoices } from './forms.js';
export { FileHandle } from './handle.js';
export { BigIntStats, Dirent, StatFs, Stats } from './stats.js';
export { constants } from './constants.js';
export type { NodeSystemError } from './errors.js';
export type { PathLike } from './args.js';
