/** The names that `node:fs` and `node:fs/promises` have, for those who make modules of an `fs`. */
import { onDescriptors, onNames } from './ops.js';

/** Operations that need to know as whom they run. */
const OWN = ['glob', 'mkdtemp', 'opendir'] as const;

const OTHERS = [
  'exists', 'existsSync', 'mkdtempDisposableSync', 'openAsBlob', 'openAsBlobSync', 'watch', 'watchFile', 'unwatchFile', 'ReadStream', 'WriteStream',
  'FileReadStream', 'FileWriteStream', 'createReadStream', 'createWriteStream', 'Stats', 'BigIntStats', 'Dirent', 'StatFs', 'Dir', 'promises',
  'constants', 'F_OK', 'R_OK', 'W_OK', 'X_OK', 'lchmod', 'lchmodSync',
] as const;

/** The names that `import { ... } from 'node:fs'` may ask for. */
export const UKFS_NAMES: readonly string[] = [
  ...[...Object.keys(onNames), ...Object.keys(onDescriptors), ...OWN].flatMap((n) => [n, `${n}Sync`]),
  ...OTHERS,
];

/** The same of `node:fs/promises`. */
export const UKFS_PROMISE_NAMES: readonly string[] = [
  ...Object.keys(onNames), ...OWN, 'open', 'lchmod', 'watch', 'mkdtempDisposable', 'constants',
];
