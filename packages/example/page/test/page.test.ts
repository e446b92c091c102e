/** What the page does, outside of a browser: Node has Blobs too. `host/browser` tries the page itself in Chromium. */
import { newfs } from '@anykernel/ext2fs';
import { expect, test } from '@jest/globals';
import { filesInMemory, filesOnBlob, filesOnBytes } from '../src/index.js';

function image(): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4 << 20);
  const id = new Uint8Array(16).fill(5);
  newfs({ size: bytes.length, write: (off, data) => bytes.set(data, off) }, { time: 1_000_000_000, uuid: id, hashSeed: id });
  return bytes;
}

test('files in memory are those of a user without privileges', () => {
  const fs = filesInMemory(1000);
  fs.writeFileSync('/note', 'text');
  expect(fs.readFileSync('/note', 'utf8')).toBe('text');
  expect(fs.statSync('/note').uid).toBe(1000);
});

test('what is written to an image in memory is in its bytes, and is read from a Blob of them', async () => {
  const bytes = image();
  const written = filesOnBytes(bytes);
  written.fs.mkdirSync('/d');
  written.fs.writeFileSync('/d/f', 'x'.repeat(100_000));
  written.halt();
  const { fs, type, halt } = await filesOnBlob(new Blob([bytes]));
  expect(type).toBe('ext2fs');
  expect(await fs.promises.readFile('/image/d/f', 'utf8')).toBe('x'.repeat(100_000));
  expect(await fs.promises.readdir('/image')).toEqual(['d', 'lost+found']);
  await expect(fs.promises.writeFile('/image/new', '')).rejects.toMatchObject({ code: 'EROFS' });
  await halt();
});

test('a Blob that is no image is ENODEV', async () => {
  await expect(filesOnBlob(new Blob([new Uint8Array(1 << 20)]))).rejects.toMatchObject({ code: 'ENODEV' });
});
