/** Blocks that were never written, in pieces shorter than a page of memory. */
import { expect } from '@jest/globals';
import { O_CREAT, O_RDONLY, O_RDWR } from '@anykernel/lib-sys';
import { oracle } from '@anykernel/tools-oracle';
import { inodeBlock, inodeOffset } from '../src/inode.js';
import { DI_BLOCK } from '../src/ondisk.js';
import { mke2fs, mounted, pattern } from './kit.js';

function readsAsZeros(size: number): void {
  const image = mke2fs(4096, ['-t', 'ext4', '-b', '1024', '-O', '^metadata_csum']);
  const w = mounted(image);
  const fd = w.sys.open('file', O_CREAT | O_RDWR, 0o644);
  w.sys.write(fd, pattern(size, 3));
  w.sys.close(fd);
  const { ino } = w.sys.lstat('file');
  const at = inodeBlock(w.fs(), ino) * 1024 + inodeOffset(w.fs(), ino) + DI_BLOCK + 12;
  w.unmount();
  const bytes = w.bytes();
  w.k.halt();
  const v = new DataView(bytes.buffer, bytes.byteOffset);
  v.setUint16(at + 4, v.getUint16(at + 4, true) + 0x8000, true);

  const again = mounted(bytes);
  const file = again.sys.open('file', O_RDONLY);
  const read = pattern(8192, 4);
  expect(again.sys.read(file, read)).toBe(size);
  expect(read.subarray(0, size).every((x) => x === 0)).toBe(true);
  again.sys.close(file);
  again.unmount();
  again.k.halt();
}

for (const size of [1000, 1024, 2048, 3000, 4096, 5120]) {
  oracle('mke2fs').test(`a file of ${size} bytes whose blocks of 1 KiB are marked as never written`, () => readsAsZeros(size));
}
