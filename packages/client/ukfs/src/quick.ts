/**
 * What programs do most, by plain calls: a whole file, and the names in a directory. Several times as fast as the operations that all forms share
 * (bench: readdir, promises.readFile).
 *
 * undefined: something is not as usual, or would have to wait. The operation is for that, and says what is wrong; nothing has happened before it.
 */
import { decode, newBytes } from '#host';
import { fromBytestr } from '@anykernel/lib-bytes';
import { O_CLOEXEC, O_DIRECTORY, O_RDONLY, O_REGULAR } from '@anykernel/lib-sys';
import type { Proc } from '@anykernel/rumpkern';
import type { Encoding } from './bytes.js';
import type { Path } from './pathnames.js';

/** Longer files are read in pieces. */
const WHOLE_MAX = 1 << 20;

/**
 * A regular file that is not empty. Short text needs no memory but `scratch`. The kernel gets a plain Uint8Array, which it takes as it is; at a Buffer
 * it looks for longer.
 */
export function wholeFile(p: Proc, path: Path, encoding: Encoding | undefined, scratch: Uint8Array): Uint8Array | string | undefined {
  return using(p, path, O_RDONLY | O_REGULAR, (fd) => {
    const { size } = p.bare.fstat(fd);
    if (size === 0 || size > WHOLE_MAX) return undefined;
    const whole = encoding !== undefined && size <= scratch.length ? scratch : newBytes(size);
    const bytes = new Uint8Array(whole.buffer, whole.byteOffset, size);
    if (p.bare.read(fd, bytes) !== size) return undefined;
    return encoding === undefined ? whole : decode(bytes, encoding);
  });
}

/** Names as text, in the order of their bytes, without `.` and `..`. `scratch` is for the records. */
export function namesIn(p: Proc, path: Path, scratch: Uint8Array): string[] | undefined {
  return using(p, path, O_RDONLY | O_DIRECTORY, (fd) => {
    const names: string[] = [];
    let ascii = true;
    for (let n = p.bare.getdents(fd, scratch); n > 0; n = p.bare.getdents(fd, scratch)) ascii = addNames(names, scratch, n) && ascii;
    names.sort();
    return ascii ? names : names.map(fromBytestr);
  });
}

/** Opens, does something, and closes. */
function using<T>(p: Proc, path: Path, flags: number, use: (fd: number) => T): T | undefined {
  let fd = -1;
  try {
    fd = p.bare.open(path, flags | O_CLOEXEC, 0);
    return use(fd);
  } catch {
    return undefined;
  } finally {
    if (fd >= 0) close(p, fd);
  }
}

/**
 * The names in the kernel's own records (lib-sys, dirent.ts: length of the record at 8, of the name at 10, the name from 13 on), as byte strings cut from
 * one string of all. Whether all are ASCII.
 */
function addNames(names: string[], buf: Uint8Array, len: number): boolean {
  const text = decode(buf.subarray(0, len), 'latin1');
  let bits = 0;
  for (let off = 0, reclen = 1; reclen > 0 && off < len; off += reclen) {
    reclen = (buf[off + 8] as number) | ((buf[off + 9] as number) << 8);
    const start = off + 13;
    const end = start + ((buf[off + 10] as number) | ((buf[off + 11] as number) << 8));
    if (isDot(buf, start, end - start) || isEmpty(buf, off)) continue;
    for (let i = start; i < end; i++) bits |= buf[i] as number;
    names.push(text.substring(start, end));
  }
  return bits < 0x80;
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
