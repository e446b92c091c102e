import { describe, expect, test } from '@jest/globals';
import { memoryFile } from '../src/index.js';

const code = (name: string): unknown => expect.objectContaining({ code: name });

describe('memory files', () => {
  test('keep their length, and are full at their end', () => {
    const file = memoryFile(new Uint8Array(10)).open({ read: true, write: true });
    expect(file.write(new Uint8Array(10).fill(5), 6)).toBe(4);
    expect(() => file.write(new Uint8Array(1), 10)).toThrow(code('ENOSPC'));
    expect(file.writev([new Uint8Array(4).fill(6), new Uint8Array(9).fill(7)], 0)).toBe(10);
    const [a, b] = [new Uint8Array(4), new Uint8Array(8)];
    expect(file.readv([a, b], 2)).toBe(8);
    expect([...a, ...b]).toEqual([6, 6, 7, 7, 7, 7, 7, 7, 0, 0, 0, 0]);
  });

  test('grow up to their limit if they may', () => {
    const store = memoryFile(Uint8Array.of(1), { growTo: 1000 });
    const file = store.open({ read: true, write: true });
    for (let off = 1; off < 300; off++) expect(file.write(Uint8Array.of(off & 0xff), off)).toBe(1);
    expect([...store.bytes]).toEqual(Array.from({ length: 300 }, (_one, index) => (index === 0 ? 1 : index & 0xff)));
    expect(file.write(new Uint8Array(100), 990)).toBe(10);
    expect(store.info().size).toBe(1000);
    expect(() => file.write(new Uint8Array(1), 1000)).toThrow(code('ENOSPC'));
  });

  test('read-only are EROFS to open for writing', () => {
    expect(() => memoryFile(new Uint8Array(1), { readonly: true }).open({ write: true })).toThrow(code('EROFS'));
  });

  test('that cannot become as long as a write asks are as they were: ENOSPC', () => {
    const store = memoryFile(Uint8Array.of(1, 2), { growTo: 2 ** 50 });
    const file = store.open({ read: true, write: true });
    expect(() => file.write(Uint8Array.of(9), 2 ** 49)).toThrow(code('ENOSPC'));
    expect(() => memoryFile(Uint8Array.of(1, 2), { growTo: 100 }).open({ write: true }).write(Uint8Array.of(9), 100)).toThrow(
      code('ENOSPC'),
    );
    expect([...store.bytes]).toEqual([1, 2]);
  });

  test.each([
    ['sent to another thread', new ArrayBuffer(8), (buffer: ArrayBuffer) => void structuredClone(buffer, { transfer: [buffer] })],
    ['made shorter', resizable(8), (buffer: ArrayBuffer) => (buffer as ArrayBuffer & { resize(len: number): void }).resize(2)],
  ])('whose bytes were %s are EIO', (_what, buffer, spoil) => {
    const file = memoryFile(new Uint8Array(buffer)).open({ read: true, write: true });
    spoil(buffer);
    expect(() => file.read(new Uint8Array(4), 0)).toThrow(code('EIO'));
    expect(() => file.write(new Uint8Array(4), 0)).toThrow(code('EIO'));
  });
});

function resizable(len: number): ArrayBuffer {
  const Buffers = ArrayBuffer as unknown as new (len: number, options: { maxByteLength: number }) => ArrayBuffer;
  return new Buffers(len, { maxByteLength: len });
}
