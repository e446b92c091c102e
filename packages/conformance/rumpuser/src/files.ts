/** Files by name: open, getfileinfo, modes, close. */
import { describe, expect, test } from '@jest/globals';
import { ERR, type HostConformance, eachSubject, failure, fileOf, lacks, pathOf, pattern, perform, thrown } from './subject.js';

export function fileTests(conformance: HostConformance): void {
  if (lacks(conformance, 'files')) {
    noFiles(conformance);
    return;
  }
  nameTests(conformance);
  if (lacks(conformance, 'writing')) noWriting(conformance);
  else writingTests(conformance);
  closeTests(conformance);
}

function nameTests(conformance: HostConformance): void {
  describe('files by name', () => {
    const get = eachSubject(conformance);

    test('one that is not there is ENOENT, and there is nothing to say of it', () => {
      const name = pathOf(get(), 'absent');
      expect(thrown(() => get().host.open(name, { read: true }))).toBe(ERR.ENOENT);
      expect(thrown(() => get().host.open(name, { read: true, write: true }))).toBe(ERR.ENOENT);
      expect(get().host.getfileinfo(name)).toBeUndefined();
    });
  });
}

function writingTests(conformance: HostConformance): void {
  makeTests(conformance);
  modeTests(conformance);
}

function makeTests(conformance: HostConformance): void {
  describe('files that are made', () => {
    const get = eachSubject(conformance);

    test('create makes an empty one, and opens one that is there as it is', async () => {
      const { host } = get();
      const name = pathOf(get(), 'made');
      const made = host.open(name, { read: true, write: true, create: true });
      expect(made.size).toBe(0);
      expect(host.getfileinfo(name)).toEqual({ size: 0, type: 'reg' });
      await perform(conformance, get(), (done) => made.write(pattern(1000), 0, done));
      made.close();
      const again = host.open(name, { read: true, write: true, create: true });
      expect(again.size).toBe(1000);
      expect(host.getfileinfo(name)).toEqual({ size: 1000, type: 'reg' });
      again.close();
    });

    test('create with excl of one that is there is EEXIST, and does it no harm', async () => {
      const { host } = get();
      const file = await fileOf(conformance, get(), 'there', pattern(10));
      const name = pathOf(get(), 'there');
      expect(thrown(() => host.open(name, { write: true, create: true, excl: true }))).toBe(ERR.EEXIST);
      expect(host.getfileinfo(name)?.size).toBe(10);
      file.close();
      const fresh = host.open(pathOf(get(), 'fresh'), { write: true, create: true, excl: true });
      expect(fresh.size).toBe(0);
      fresh.close();
    });
  });
}

function modeTests(conformance: HostConformance): void {
  describe('modes of open files', () => {
    const get = eachSubject(conformance);

    test('what was opened for reading cannot be written: EBADF', async () => {
      (await fileOf(conformance, get(), 'r', pattern(10))).close();
      const file = get().host.open(pathOf(get(), 'r'), { read: true });
      expect(file.writable).toBe(false);
      expect(await failure(conformance, get(), (done) => file.write(pattern(10, 1), 0, done))).toBe(ERR.EBADF);
      expect(await failure(conformance, get(), (done) => file.writev([pattern(5, 1), pattern(5, 1)], 0, done))).toBe(ERR.EBADF);
      const data = new Uint8Array(10);
      await perform(conformance, get(), (done) => file.read(data, 0, done));
      expect(data).toEqual(pattern(10));
      file.close();
    });

    test('no mode at all is for reading', async () => {
      (await fileOf(conformance, get(), 'none', pattern(10))).close();
      const file = get().host.open(pathOf(get(), 'none'), {});
      expect(file.writable).toBe(false);
      expect(await perform(conformance, get(), (done) => file.read(new Uint8Array(10), 0, done))).toBe(10);
      file.close();
    });

    test('what was opened for writing only cannot be read: EBADF', async () => {
      const file = get().host.open(pathOf(get(), 'w'), { write: true, create: true });
      expect(file.writable).toBe(true);
      expect(await perform(conformance, get(), (done) => file.write(pattern(10), 0, done))).toBe(10);
      expect(await failure(conformance, get(), (done) => file.read(new Uint8Array(10), 0, done))).toBe(ERR.EBADF);
      expect(await failure(conformance, get(), (done) => file.readv([new Uint8Array(5), new Uint8Array(5)], 0, done))).toBe(ERR.EBADF);
      file.close();
    });

    test('what cannot be written is EROFS to open so, and can be read', () => {
      const { host, readonlyFile } = get();
      if (readonlyFile === undefined) throw new Error('a host with files names one that is read-only: HostSubject.readonlyFile');
      expect(thrown(() => host.open(readonlyFile, { read: true, write: true }))).toBe(ERR.EROFS);
      const file = host.open(readonlyFile, { read: true });
      expect(file.writable).toBe(false);
      file.close();
    });
  });
}

function closeTests(conformance: HostConformance): void {
  describe('closed files', () => {
    const get = eachSubject(conformance);

    test('after close every transfer is EBADF, and to close again is nothing', async () => {
      const file = await fileOf(conformance, get(), 'closed', pattern(10));
      file.close();
      file.close();
      expect(await failure(conformance, get(), (done) => file.read(new Uint8Array(1), 0, done))).toBe(ERR.EBADF);
      expect(await failure(conformance, get(), (done) => file.write(new Uint8Array(1), 0, done))).toBe(ERR.EBADF);
      expect(await failure(conformance, get(), (done) => file.flush(done))).toBe(ERR.EBADF);
    });

    if (lacks(conformance, 'writing')) return;
    test('opened twice, each sees what the other writes, and is closed by itself', async () => {
      const one = await fileOf(conformance, get(), 'twice', pattern(100));
      const two = get().host.open(pathOf(get(), 'twice'), { read: true });
      await perform(conformance, get(), (done) => one.write(pattern(50, 9), 25, done));
      one.close();
      const data = new Uint8Array(50);
      expect(await perform(conformance, get(), (done) => two.read(data, 25, done))).toBe(50);
      expect(data).toEqual(pattern(50, 9));
      two.close();
    });
  });
}

/** A host whose files cannot be written. */
function noWriting(conformance: HostConformance): void {
  describe('files that cannot be written', () => {
    const get = eachSubject(conformance);

    test('are EROFS to open for writing, and EBADF to write', async () => {
      const file = await fileOf(conformance, get(), 'f', pattern(10));
      const name = pathOf(get(), 'f');
      for (const mode of [{ write: true }, { read: true, write: true }, { write: true, create: true }])
        expect(thrown(() => get().host.open(name, mode))).toBe(ERR.EROFS);
      expect(file.writable).toBe(false);
      expect(await failure(conformance, get(), (done) => file.write(pattern(10, 1), 0, done))).toBe(ERR.EBADF);
      expect(await failure(conformance, get(), (done) => file.writev([pattern(5, 1), pattern(5, 1)], 0, done))).toBe(ERR.EBADF);
      const data = new Uint8Array(10);
      await perform(conformance, get(), (done) => file.read(data, 0, done));
      expect(data).toEqual(pattern(10));
      file.close();
    });

    test('are as large as they are, and no mode at all is for reading', async () => {
      (await fileOf(conformance, get(), 'f', pattern(77))).close();
      const file = get().host.open(pathOf(get(), 'f'), {});
      expect([file.size, get().host.getfileinfo(pathOf(get(), 'f'))?.size]).toEqual([77, 77]);
      file.close();
    });

    test('and none can be made: EROFS', () => {
      expect(thrown(() => get().host.open(pathOf(get(), 'new'), { write: true, create: true }))).toBe(ERR.EROFS);
      expect(get().host.getfileinfo(pathOf(get(), 'new'))).toBeUndefined();
    });
  });
}

/** A host without files refuses every name. */
function noFiles(conformance: HostConformance): void {
  describe('files by name', () => {
    const get = eachSubject(conformance);

    test.each(['a', '/etc/passwd', ''])('there is no %j: ENOENT', (name) => {
      expect(thrown(() => get().host.open(name, { read: true }))).toBe(ERR.ENOENT);
      expect(get().host.getfileinfo(name)).toBeUndefined();
    });

    test('none can be made', () => {
      expect([ERR.ENOENT, ERR.EROFS, ERR.EACCES]).toContain(thrown(() => get().host.open('a', { write: true, create: true })));
    });
  });
}
