/** The work itself, on anything with files. */
import type { Files } from './files.js';

const MIB = 1 << 20;
export const FILE_BYTES = 64 * MIB;
export const BLOCK = new Uint8Array(65536).fill(0x5a);

export function statLoop(f: Files, path: string, count: number): number {
  for (let i = 0; i < count; i++) f.stat(path);
  return count;
}

export function openCloseLoop(f: Files, path: string, count: number): number {
  for (let i = 0; i < count; i++) f.close(f.open(path));
  return count;
}

export function createUnlinkLoop(f: Files, dir: string, count: number): number {
  for (let i = 0; i < count; i++) {
    const path = `${dir}/new${i & 7}`;
    f.close(f.create(path));
    f.unlink(path);
  }
  return count;
}

export function fill(f: Files, dir: string, count: number): void {
  f.mkdir(dir);
  for (let i = 0; i < count; i++) f.close(f.create(`${dir}/file${i}`));
}

export function statAll(f: Files, dir: string, count: number): number {
  for (let i = 0; i < count; i++) f.stat(`${dir}/file${i}`);
  return 1;
}

export function writeFile(f: Files, fd: number, bytes: number): number {
  for (let off = 0; off < bytes; off += BLOCK.length) f.write(fd, BLOCK, off);
  return bytes;
}

export function readFile(f: Files, fd: number, buf: Uint8Array, bytes: number): number {
  let total = 0;
  for (let off = 0; off < bytes; off += buf.length) total += f.read(fd, buf, off);
  if (total !== bytes) throw new Error(`read ${total} of ${bytes} bytes`);
  if (buf[0] !== 0x5a || buf[buf.length - 1] !== 0x5a) throw new Error('read other bytes than were written');
  return bytes;
}
