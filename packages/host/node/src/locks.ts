/**
 * Locks on ranges of a file among all programs and threads of a machine that use this package: names of abstract sockets of Linux, one to a range.
 *
 * The kernel gives each name once, lists them all, and takes them back from whoever ends, in whatever way; nothing is left on any disk. They are those of a network
 * namespace. Whoever wants a range takes its name first and then looks who else has some of it, so that of two who come at once one at least sees the other.
 */
import type { Server } from 'node:net';
import { ERR } from '@anykernel/lib-sys';
import { readFileSync } from './builtin.js';

const NAMES = '/proc/net/unix';
const PREFIX = 'anykernel/claim/';

/** The names that this thread has. */
const own = new Set<string>();

/**
 * Locks the bytes from `off` to `end` of the file that `file` identifies (digits and colons). Returns what ends it; undefined where there are no such locks. EBUSY: another
 * program or thread has some of them.
 */
export function lockBytes(file: string, off: number, end: number): (() => void) | undefined {
  if (process.platform !== 'linux') return undefined;
  const name = `${PREFIX}${file}/${off}-${end}`;
  const server = take(name);
  if (server === undefined) {
    // It is somebody's, or nobody may have one here.
    if (isTaken(file, off, end)) throw ERR.EBUSY;
    return undefined;
  }
  own.add(name);
  const release = (): void => {
    own.delete(name);
    server.close();
  };
  if (!isTaken(file, off, end)) return release;
  release();
  throw ERR.EBUSY;
}

/** The socket with that name; undefined: it could not be had. */
function take(name: string): Server | undefined {
  const { createServer } = process.getBuiltinModule('node:net');
  const server = createServer((socket) => socket.destroy());
  server.on('error', () => undefined);
  try {
    // A worker of a cluster would ask its primary for it otherwise.
    server.listen({ path: `\0${name}`, exclusive: true });
  } catch {
    return undefined;
  }
  server.unref();
  return server.listening ? server : undefined;
}

/** Whether somebody else has a range of `file` that overlaps this one. */
function isTaken(file: string, off: number, end: number): boolean {
  let list: string;
  try {
    list = readFileSync(NAMES, 'latin1');
  } catch {
    return false;
  }
  // An older Node's names go on with zero bytes, which are listed as @.
  for (const [, name, of, from, to] of list.matchAll(/ @(anykernel\/claim\/([\d:]+)\/(\d+)-(\d+))@*$/gm)) {
    if (of === file && !own.has(name) && Number(from) < end && off < Number(to)) return true;
  }
  return false;
}
