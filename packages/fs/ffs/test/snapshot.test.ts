/** A snapshot made by hand, as the format has it: what has changed since is copied into it, what has not is the device's own. */
import { expect, test } from '@jest/globals';
import { MNT_RDONLY, O_CREAT, O_RDWR, SF_SNAPSHOT } from '@anykernel/lib-sys';
import { BLK_NOCOPY, BLK_SNAP, DINODE1, DINODE2, inodeOffset, set64 } from '@anykernel/ufs';
import { FS_SNAPINUM } from '../src/ondisk.js';
import { errnoOf, made, mounted, pattern } from './kit.js';
import { readFile } from '@anykernel/conformance-diskfs';

test.each([1, 2] as const)('of UFS%d is read, and the file system is not written while it has one', (version) => {
  const w = mounted(made(1000, { version, blockSize: 4096, inodes: 64 }));
  const { sys } = w;
  const write = (path: string, data: Uint8Array, off = 0): void => {
    const fd = sys.open(path, O_CREAT | O_RDWR, 0o644);
    sys.pwrite(fd, data, off);
    sys.close(fd);
  };
  const before = pattern(4096, 1);
  write('f', before);
  sys.close(sys.open('snap', O_CREAT | O_RDWR, 0o400));
  sys.truncate('snap', 1000 * 1024);
  sys.sync();
  const fs = w.fs();
  const lay = version === 1 ? DINODE1 : DINODE2;
  const inodeAt = (path: string): number => fs.inodeFrag(sys.stat(path).ino) * fs.fsize + inodeOffset(fs, sys.stat(path).ino);
  const view = new DataView(w.bytes().buffer);
  const fileAt = view.getUint32(inodeAt('f') + lay.db, true) * fs.fsize;
  // What the file held goes to the snapshot before it changes.
  write('snap', before, fileAt);
  write('f', pattern(4096, 2));
  const at = inodeAt('snap');
  const { ino } = sys.stat('snap');
  const sb = fs.info.loc;
  w.k.halt();
  const image = w.bytes();
  const v = new DataView(image.buffer);
  v.setUint32(at + lay.flags, SF_SNAPSHOT, true);
  v.setUint32(sb + FS_SNAPINUM, ino, true);
  const put = (i: number, value: number): void => (version === 1 ? v.setUint32(at + lay.db + 4 * i, value, true) : set64(v, at + lay.db + 8 * i, value, true));
  put(3, BLK_NOCOPY);
  put(4, BLK_SNAP);

  const m = mounted(image);
  expect(m.k.msgbuf.text()).toMatch(/mounted read-only: it has snapshots/);
  expect(Buffer.compare(readFile(m.sys, 'f'), pattern(4096, 2))).toBe(0);
  const want = image.slice();
  want.set(before, fileAt);
  want.fill(0, 3 * 4096, 5 * 4096);
  // The last block of a file that was lengthened is its own.
  want.fill(0, 1000 * 1024 - 4096);
  expect(Buffer.compare(readFile(m.sys, 'snap'), want)).toBe(0);
  expect(errnoOf(() => m.sys.open('snap', O_RDWR))).toBe('EROFS');
  m.k.halt();
  const r = mounted(image, {}, MNT_RDONLY);
  expect(r.sys.stat('snap').flags).toBe(SF_SNAPSHOT);
  r.k.halt();
});
