/**
 * What programs do most, by plain calls: a whole file, and the names in a directory. Several times as fast as the operations that all forms share
 * (bench: readdir, promises.readFile).
 *
 * undefined: something is not as usual, or would have to wait. The operation is for that, and says what is wrong; nothing has happened before it.
 */
import { isAscii } from '@anykernel/lib-bytes';
import { O_CLOEXEC, O_DIRECTORY, O_RDONLY, S_IFMT, S_IFREG, direntReclen } from '@anykernel/lib-sys';
import type { Proc } from '@anykernel/rumpkern';
import { decode, newBytes } from './bytes.js';

/** Longer files are read in pieces. */
const WHOLE_MAX = 1 << 20;

/** A regular file that is not empty. */
export function wholeFile(p: Proc, path: string | Uint8Array): Uint8Array | undefined {
  const { bare } = p;
  let fd = -1;
  try {
    const { mode, size } = bare.stat(path);
    if ((mode & S_IFMT) !== S_IFREG || size === 0 || size > WHOLE_MAX) return undefined;
    fd = bare.open(path, O_RDONLY | O_CLOEXEC, 0);
    const bytes = newBytes(size);
    const n = bare.read(fd, bytes);
    return n === size ? bytes : undefined;
  } catch {
    return undefined;
  } finally {
    if (fd >= 0) close(p, fd);
  }
}

/** Byte strings, in their order, without `.` and `..`. `buf` is for the records. */
export function namesIn(p: Proc, path: string | Uint8Array, buf: Uint8Array): string[] | undefined {
  const { bare } = p;
  const names: string[] = [];
  let fd = -1;
  try {
    fd = bare.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    for (let n = bare.getdents(fd, buf); n > 0; n = bare.getdents(fd, buf)) addNames(names, buf, n);
  } catch {
    return undefined;
  } finally {
    if (fd >= 0) close(p, fd);
  }
  return names.sort();
}

/** Whether names are text as they are. */
export function areText(names: readonly string[]): boolean {
  for (let i = 0; i < names.length; i++) if (!isAscii(names[i] as string)) return false;
  return true;
}

/** Records as getdents() gives them: the length of a name is at 10, the name at 13. */
function addNames(names: string[], buf: Uint8Array, len: number): void {
  const text = decode(buf.subarray(0, len), 'latin1');
  for (let off = 0, reclen = 0; off < len; off += reclen) {
    reclen = direntReclen(buf, off, len);
    if (reclen === 0) return;
    const start = off + 13;
    const end = start + ((buf[off + 10] as number) | ((buf[off + 11] as number) << 8));
    if (isDot(buf, start, end - start) || isEmpty(buf, off)) continue;
    names.push(text.substring(start, end));
  }
}

const DOT = 46;

function isDot(buf: Uint8Array, start: number, len: number): boolean {
  return len <= 2 && buf[start] === DOT && (len === 1 || buf[start + 1] === DOT);
}

/** A record without a file. */
function isEmpty(buf: Uint8Array, off: number): boolean {
  for (let i = off; i < off + 8; i++) if (buf[i] !== 0) return false;
  return true;
}

function close(p: Proc, fd: number): void {
  try {
    p.bare.close(fd);
  } catch {
    // The descriptor is gone all the same.
  }
}
