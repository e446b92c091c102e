import { describe, expect, test } from '@jest/globals';
import { accessFile, hostBrowser, memoryFile } from '../src/index.js';
import { FakeAccessHandle } from './fake-access-handle.js';

const nothing = (): void => {};
const code = (name: string): unknown => expect.objectContaining({ code: name });

describe('what the application provides', () => {
  test('is opened by its name, until it is taken out', () => {
    const image = new Uint8Array(8);
    const host = hostBrowser({ files: { image } });
    host.open('image', { write: true }).write(Uint8Array.of(7), 3, nothing);
    expect(image[3]).toBe(7);
    host.provide('image', undefined);
    expect(() => host.open('image', {})).toThrow(code('ENOENT'));
  });

  test('may be anything that can be opened', () => {
    const file = memoryFile(new Uint8Array(16), { type: 'blk' });
    const host = hostBrowser({ files: { made: { open: (mode) => file.open(mode), info: () => file.info() } } });
    expect(host.getfileinfo('made')).toEqual({ size: 16, type: 'blk' });
    expect(host.open('made', {}).read(new Uint8Array(100), 10, nothing)).toBe(6);
  });

  test('is all that there is: what is not there cannot be made, unless the application makes it', () => {
    const mode = { write: true, create: true };
    expect(() => hostBrowser().open('new', mode)).toThrow(code('EROFS'));
    const made: string[] = [];
    const host = hostBrowser({ create: (name) => new Uint8Array(made.push(name) * 4) });
    expect(host.open('new', mode).size).toBe(4);
    expect(host.open('new', mode).size).toBe(4);
    expect(made).toEqual(['new']);
  });
});

describe('access handles', () => {
  test('are made longer by writes, flushed, and stay open when a file on them is closed', () => {
    const handle = new FakeAccessHandle();
    const host = hostBrowser({ files: { image: handle } });
    const file = host.open('image', { read: true, write: true });
    expect(file.write(Uint8Array.of(1, 2, 3), 5, nothing)).toBe(3);
    expect(file.flush(nothing)).toBe(0);
    file.close();
    expect([[...handle.contents], handle.flushes, handle.getSize()]).toEqual([[0, 0, 0, 0, 0, 1, 2, 3], 1, 8]);
    expect(host.getfileinfo('image')).toEqual({ size: 8, type: 'reg' });
  });

  test('that move less than they are asked for are asked again', () => {
    const handle = new FakeAccessHandle(1000, 'readwrite', 7);
    const file = accessFile(handle).open({ read: true, write: true });
    const bytes = Uint8Array.from({ length: 100 }, (_one, index) => index);
    expect(file.write(bytes, 0)).toBe(100);
    const back = new Uint8Array(100);
    expect(file.read(back, 0)).toBe(100);
    expect(back).toEqual(bytes);
    expect(file.write(new Uint8Array(100), 950)).toBe(49);
    expect(() => file.write(new Uint8Array(100), 999)).toThrow(code('ENOSPC'));
  });

  test('that the application has closed are EIO, those for reading EROFS', () => {
    const handle = new FakeAccessHandle();
    const host = hostBrowser({ files: { image: handle, other: new FakeAccessHandle(10, 'read-only') } });
    const file = host.open('image', { read: true, write: true });
    handle.close();
    expect(() => file.read(new Uint8Array(1), 0, nothing)).toThrow(code('EIO'));
    expect(() => file.write(new Uint8Array(1), 0, nothing)).toThrow(code('EIO'));
    expect(() => file.flush(nothing)).toThrow(code('EIO'));
    expect(() => host.open('image', {})).toThrow(code('EIO'));
    expect(() => host.getfileinfo('image')).toThrow(code('EIO'));
    expect(() => host.open('other', { write: true }).write(new Uint8Array(1), 0, nothing)).toThrow(code('EROFS'));
  });

  test('can be declared read-only, and a device', () => {
    const file = accessFile(new FakeAccessHandle(), { readonly: true, type: 'blk' });
    expect(file.info()).toEqual({ size: 0, type: 'blk' });
    expect(() => file.open({ write: true })).toThrow(code('EROFS'));
  });
});

describe('Blobs', () => {
  const end = (transfer: (done: (error: unknown, moved: number) => void) => number): Promise<unknown> =>
    new Promise((resolve) => expect(transfer((error, moved) => resolve(error ?? moved))).toBe(-1));

  test('that cannot be read any more are EIO', async () => {
    const lost = { size: 10, slice: () => lost, arrayBuffer: () => Promise.reject(new DOMException('it has changed', 'NotReadableError')) };
    const file = hostBrowser({ files: { lost } }).open('lost', {});
    expect(await end((done) => file.read(new Uint8Array(4), 0, done))).toMatchObject({ code: 'EIO' });
  });

  test('are read at their own position by transfers that follow at once', async () => {
    const file = hostBrowser({ files: { b: new Blob([Uint8Array.of(1, 2, 3, 4, 5)]) } }).open('b', {});
    const [a, b] = [new Uint8Array(3), new Uint8Array(3)];
    expect(await Promise.all([end((done) => file.read(a, -1, done)), end((done) => file.read(b, -1, done))])).toEqual([3, 2]);
    expect([...a, ...b]).toEqual([1, 2, 3, 4, 5, 0]);
  });
});
