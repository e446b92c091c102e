/** Images that a command writes by itself, past any kernel: nobody else may have them mounted for writing meanwhile. */
import { resolve } from 'node:path';
import { hostNode } from '@anykernel/host-node';
import { ERR } from '@anykernel/lib-sys';
import { PlaceError } from './errors.js';

/** More than any file has. */
const ALL = 2 ** 52;

/** Calls `body` while `len` bytes from `off` of `file` are this program's to write; all from there on, if it is not said how many. PlaceError: they are somebody's. */
export function whileOwn<T>(file: string, off: number, len: number | undefined, body: () => T): T {
  const held = hostNode({ input: false }).open(resolve(file), { read: true, write: true });
  try {
    try {
      held.claim?.(off, len ?? ALL);
    } catch (e) {
      throw e === ERR.EBUSY ? new PlaceError(`${file}: is mounted for writing, by another program or by this machine`) : e;
    }
    return body();
  } finally {
    held.close();
  }
}
