/** Whole trees of an `fs`: as objects, and as snapshots. They work at once; on a device that is only asynchronous they fail with EAGAIN. */
import type { PathLike } from './args.js';
import { invalidArgType } from './errors.js';
import type { Ukfs } from './forms.js';
import * as fixtures from './fixtures.js';
import type { Runner } from './run.js';
import * as snapshots from './snapshot.js';
import { runnerOf } from './ukfs.js';

function runner(fs: Ukfs): Runner {
  const found = runnerOf(fs);
  if (found === undefined) throw invalidArgType('fs', 'an fs that ukfs() has made', fs);
  return found;
}

/** Makes what `tree` says in the directory `path`, which is made too. */
export function fromTree(fs: Ukfs, tree: fixtures.Tree, path: PathLike = '/'): void {
  runner(fs).now(fixtures.fromTree(tree, path));
}

/** What is in the directory `path`: text where a file is UTF-8, else its bytes. */
export function toTree(fs: Ukfs, path: PathLike = '/'): fixtures.PlainTree {
  return runner(fs).now(fixtures.toTree(path));
}

/** All that is in the directory `path`, as one archive that tar(1) knows. */
export function toSnapshot(fs: Ukfs, path: PathLike = '/'): Uint8Array {
  return runner(fs).now(snapshots.snapshot(path));
}

/** Makes what a snapshot holds, in the directory `path`. TypeError ERR_INVALID_SNAPSHOT: the bytes are none, or damaged. EEXIST: a name is taken. */
export function fromSnapshot(fs: Ukfs, bytes: Uint8Array, path: PathLike = '/'): void {
  if (!(bytes instanceof Uint8Array)) throw invalidArgType('bytes', 'an instance of Uint8Array', bytes);
  runner(fs).now(snapshots.restore(bytes, path));
}
