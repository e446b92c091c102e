import { DIOCGDINFO, DIOCGMEDIASIZE, DIOCGSECTORSIZE, DISKLABEL_LEN, O_CREAT, O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY, S_IFBLK, S_IFCHR, S_IFDIR, S_IFREG, parseDirents } from '@anykernel/lib-sys';
import { Sim } from '@anykernel/host-sim';
import { type EtfsType, type EtfsWindow, etfsRegister, etfsRemove } from '@anykernel/rumpvfs';
import { box, bytes, codeOf, get, ls, now, random, same, text } from './box.js';

/** Content that differs at every place. */
function pattern(len: number): Uint8Array {
  const next = random(99);
  return Uint8Array.from({ length: len }, () => next(256));
}

function withFile(content: Uint8Array, options: { sync?: boolean; readonly?: boolean } = {}) {
  const sim = new Sim();
  sim.disk('host.img', { bytes: content, type: 'reg', ...options });
  return box([], {}, {}, sim);
}

test('a host file is a regular file of its length under its key, and not listed', () => {
  const { s, vfs } = withFile(bytes('hello'));
  etfsRegister(vfs, '/key', 'host.img', 'reg');
  expect(get(s, '/key')).toBe('hello');
  expect(s.stat('/key')).toMatchObject({ size: 5, mode: S_IFREG | 0o755, nlink: 1 });
  expect(ls(s, '/')).not.toContain('key');
  const fd = s.open('/key', O_RDWR | O_TRUNC);
  s.pwrite(fd, bytes('J'), 0);
  expect(get(s, '/key')).toBe('Jello');
  expect(codeOf(() => s.pwrite(fd, bytes('x'), 5))).toBe('EFBIG');
  expect(s.pwrite(fd, bytes('xyz'), 4)).toBe(1);
  s.fsync(fd);
});

test('a host file has a name, and no more: it is not removed, renamed or linked', () => {
  const { s, vfs } = withFile(bytes('hello'));
  etfsRegister(vfs, '/key', 'host.img', 'reg');
  s.close(s.open('/f', O_WRONLY | O_CREAT, 0o644));
  expect([codeOf(() => s.unlink('/key')), codeOf(() => s.rename('/key', '/x')), codeOf(() => s.rename('/f', '/key')), codeOf(() => s.link('/key', '/x'))]).toEqual([
    'EBUSY', 'EBUSY', 'EBUSY', 'EBUSY',
  ]);
  expect(codeOf(() => s.chmod('/key', 0o600))).toBe('EPERM');
  expect(codeOf(() => s.open('/key', O_RDWR | O_CREAT, 0o644))).toBe('ok');
});

test('keys are matched byte for byte against the whole path, from the root only', () => {
  const { s, vfs } = withFile(bytes('hello'));
  etfsRegister(vfs, '////////key', 'host.img', 'reg');
  etfsRegister(vfs, '/key2//with/slashes', 'host.img', 'reg');
  s.mkdir('/a', 0o755);
  expect(codeOf(() => etfsRegister(vfs, 'key', 'host.img', 'reg'))).toBe('EINVAL');
  expect([get(s, '/key'), get(s, 'key'), get(s, '//key'), get(s, '/key2//with/slashes'), get(s, 'key2//with/slashes')]).toEqual(Array(5).fill('hello'));
  expect(codeOf(() => s.stat('/key2/with/slashes'))).toBe('ENOENT');
  expect(codeOf(() => s.stat('/a/key2//with/slashes'))).toBe('ENOENT');
  expect(codeOf(() => s.stat('/a/../key'))).toBe('ok');
  s.chdir('/a');
  expect(codeOf(() => s.stat('key'))).toBe('ENOENT');
  expect(codeOf(() => s.stat('/key/x'))).toBe('ENOENT');
});

test('register and remove refuse what cannot be', () => {
  const { vfs, sim } = withFile(new Uint8Array(1000));
  sim.disk('host.dir', { size: 0, type: 'dir' });
  const reg = (...args: [key: string, hostpath: string, type: EtfsType, window?: EtfsWindow]): string => codeOf(() => etfsRegister(vfs, ...args));
  expect(reg('/k', 'nothing', 'reg')).toBe('ENOENT');
  expect(reg('/k', 'host.img', 'toString' as 'reg')).toBe('EINVAL');
  expect(reg('/', 'host.img', 'reg')).toBe('EINVAL');
  expect(reg('/k', 'host.img', 'dir')).toBe('ENOTDIR');
  expect(reg('/k', 'host.dir', 'blk')).toBe('EISDIR');
  expect(reg('/k', 'host.dir', 'dir', { begin: 0 })).toBe('EISDIR');
  expect(reg('/k', 'host.img', 'blk', { begin: 1001 })).toBe('EINVAL');
  expect(reg('/k', 'host.img', 'blk', { begin: 500, size: 501 })).toBe('EINVAL');
  expect(reg('/k', 'host.img', 'blk', { begin: -1 })).toBe('EINVAL');
  expect(reg('/k', 'host.img', 'blk')).toBe('ok');
  expect(reg('/k', 'host.img', 'reg')).toBe('EEXIST');
  expect(codeOf(() => etfsRemove(vfs, '/x'))).toBe('ENOENT');
  etfsRemove(vfs, '/k');
  expect(reg('/k', 'host.img', 'reg')).toBe('ok');
});

test('a key can be registered again and again, and then names the other file', () => {
  const { s, vfs, sim } = withFile(bytes('one'));
  sim.disk('other.img', { bytes: bytes('other'), type: 'reg' });
  for (let i = 0; i < 3; i++) {
    etfsRegister(vfs, '/key', 'host.img', 'reg');
    expect(get(s, '/key')).toBe('one');
    etfsRemove(vfs, '/key');
    etfsRegister(vfs, '/key', 'other.img', 'reg');
    expect(get(s, '/key')).toBe('other');
    etfsRemove(vfs, '/key');
    expect(codeOf(() => s.stat('/key'))).toBe('ENOENT');
  }
});

test('as a device it is block and character, with the file’s length', () => {
  const image = pattern(8192);
  const { s, vfs } = withFile(image);
  etfsRegister(vfs, '/blk', 'host.img', 'blk');
  etfsRegister(vfs, '/chr', 'host.img', 'chr');
  expect([s.stat('/blk').mode & 0o170000, s.stat('/chr').mode & 0o170000]).toEqual([S_IFBLK, S_IFCHR]);
  const blk = s.open('/blk', O_RDWR);
  const chr = s.open('/chr', O_RDWR);
  const buf = new Uint8Array(20_000);
  expect([s.read(blk, buf), same(buf.subarray(0, 8192), image)]).toEqual([8192, true]);
  expect([s.pread(chr, buf.subarray(0, 1024), 512), buf.subarray(0, 1024)]).toEqual([1024, image.subarray(512, 1536)]);
  expect(codeOf(() => s.pread(chr, buf.subarray(0, 100), 0))).toBe('EINVAL');
  expect(codeOf(() => s.pread(chr, buf.subarray(0, 512), 100))).toBe('EINVAL');
  expect(s.pread(blk, buf.subarray(0, 100), 700)).toBe(100);
  expect(buf.subarray(0, 100)).toEqual(image.subarray(700, 800));
  const size = new Uint8Array(8);
  s.ioctl(blk, DIOCGMEDIASIZE, size);
  expect(new DataView(size.buffer).getBigUint64(0, true)).toBe(8192n);
  s.ioctl(chr, DIOCGSECTORSIZE, size);
  expect(new DataView(size.buffer).getUint32(0, true)).toBe(512);
  const label = new Uint8Array(DISKLABEL_LEN);
  s.ioctl(chr, DIOCGDINFO, label);
  expect([new DataView(label.buffer).getUint32(0, true), new DataView(label.buffer).getUint32(60, true)]).toEqual([0x82564557, 16]);
  expect(codeOf(() => s.ioctl(blk, 0x2000_0000))).toBe('ENOTTY');
});

test('a write of any bytes to the block device leaves those around it', () => {
  const image = pattern(4096);
  const { s, vfs } = withFile(image);
  etfsRegister(vfs, '/blk', 'host.img', 'blk');
  const fd = s.open('/blk', O_RDWR);
  s.pwrite(fd, bytes('0123456789'), 507);
  s.pwrite(fd, bytes('end'), 4093);
  expect(codeOf(() => s.pwrite(fd, bytes('x'), 4096))).toBe('ENOSPC');
  image.set(bytes('0123456789'), 507);
  image.set(bytes('end'), 4093);
  const buf = new Uint8Array(4096);
  s.pread(fd, buf, 0);
  expect(same(buf, image)).toBe(true);
});

test('a window begins and ends anywhere in the file', () => {
  const image = pattern(100_000);
  const { s, vfs } = withFile(image);
  etfsRegister(vfs, '/a', 'host.img', 'blk', { begin: 16_000, size: 16_000 });
  etfsRegister(vfs, '/b', 'host.img', 'blk', { begin: 32_000 });
  etfsRegister(vfs, '/c', 'host.img', 'reg', { begin: 99_990 });
  const a = s.open('/a', O_RDWR);
  const b = s.open('/b', O_RDWR);
  const buf = new Uint8Array(100_000);
  expect([s.read(a, buf), same(buf.subarray(0, 16_000), image.subarray(16_000, 32_000))]).toEqual([16_000, true]);
  expect([s.read(b, buf), same(buf.subarray(0, 68_000), image.subarray(32_000))]).toEqual([68_000, true]);
  s.pwrite(a, bytes('last'), 15_996);
  s.pread(b, buf.subarray(0, 4), 0);
  expect(buf.subarray(0, 4)).toEqual(image.subarray(32_000, 32_004));
  expect(s.stat('/c').size).toBe(10);
});

test('offsets beyond four gigabytes reach the host', () => {
  const sim = new Sim();
  sim.disk('large', { size: 8 * 2 ** 40, type: 'reg' });
  const { s, vfs } = box([], {}, {}, sim);
  etfsRegister(vfs, '/blk', 'large', 'blk');
  const fd = s.open('/blk', O_RDWR);
  s.pwrite(fd, bytes('far'), 6 * 2 ** 40);
  const buf = new Uint8Array(3);
  s.pread(fd, buf, 6 * 2 ** 40);
  expect(text(buf)).toBe('far');
});

test('a directory key gives the host’s files by name, its directories only when told', () => {
  const sim = new Sim();
  for (const dir of ['/h', '/h/sub']) sim.disk(dir, { size: 0, type: 'dir' });
  sim.disk('/h/f', { bytes: bytes('f'), type: 'reg' });
  sim.disk('/h/sub/g', { bytes: bytes('g'), type: 'reg' });
  sim.disk('/h/dev', { size: 512, type: 'chr' });
  const { s, vfs } = box([], {}, {}, sim);
  etfsRegister(vfs, '/one', '/h', 'dir');
  etfsRegister(vfs, '/all/of/it', '/h', 'dir-subdirs');
  expect([get(s, '/one/f'), get(s, '/all/of/it/f'), get(s, '/all/of/it/sub/g')]).toEqual(['f', 'f', 'g']);
  expect([codeOf(() => s.stat('/one/sub')), codeOf(() => s.stat('/one/dev')), codeOf(() => s.stat('/one/nothing'))]).toEqual(['ENOENT', 'ENOENT', 'ENOENT']);
  expect([s.stat('/one').mode & 0o170000, s.stat('/all/of/it').mode & 0o170000]).toEqual([S_IFDIR, S_IFDIR]);
  expect(codeOf(() => s.open('/one/new', O_WRONLY | O_CREAT, 0o644))).toBe('EOPNOTSUPP');
});

test('a directory key shows what the host has now, and `..` in it is the directory above', () => {
  const sim = new Sim();
  for (const dir of ['/h', '/h/sub']) sim.disk(dir, { size: 0, type: 'dir' });
  sim.disk('/h/f', { bytes: bytes('f'), type: 'reg' });
  sim.disk('/h/sub/g', { bytes: bytes('g'), type: 'reg' });
  const { s, vfs } = box([], {}, {}, sim);
  etfsRegister(vfs, '/h/', '/h', 'dir-subdirs');
  expect([get(s, '/h/sub/../f'), codeOf(() => s.stat('/h/sub/../../h/f')), get(s, '/h/f')]).toEqual(['f', 'ok', 'f']);
  const fd = s.open('/h/f', O_RDONLY);
  sim.disk('/h/f', { bytes: bytes('longer'), type: 'reg' });
  expect(s.stat('/h/f').size).toBe(1);
  s.close(fd);
  expect([s.stat('/h/f').size, get(s, '/h/f')]).toEqual([6, 'longer']);
  sim.disks.delete('/h/f');
  expect(codeOf(() => s.stat('/h/f'))).toBe('ENOENT');
  sim.disk('/h/f', { size: 0, type: 'dir' });
  expect(s.stat('/h/f').mode & 0o170000).toBe(S_IFDIR);
  const below = s.open('/h/sub/g', O_RDONLY);
  etfsRemove(vfs, '/h');
  expect(codeOf(() => s.fstat(below))).not.toBe('ok');
  expect(codeOf(() => s.stat('/h/sub/g'))).toBe('ENOENT');
});

test('a directory key is listed as the host has it, its directories only when told, and whole while it changes', () => {
  const sim = new Sim();
  for (const dir of ['/h', '/h/sub']) sim.disk(dir, { size: 0, type: 'dir' });
  for (let i = 0; i < 300; i++) sim.disk(`/h/f${i}`, { bytes: bytes('f'), type: 'reg' });
  sim.disk('/h/gr\xc3\xb6\xc3\x9fe', { bytes: bytes('f'), type: 'reg' });
  sim.disk('/h/dev', { size: 512, type: 'chr' });
  sim.disk('/h/sub/g', { bytes: bytes('g'), type: 'reg' });
  const { s, vfs } = box([], {}, {}, sim);
  etfsRegister(vfs, '/one', '/h', 'dir');
  etfsRegister(vfs, '/all', '/h', 'dir-subdirs');
  const names = Array.from({ length: 300 }, (_x, i) => `f${i}`);
  const large = 'gr\xc3\xb6\xc3\x9fe';
  expect(ls(s, '/one').sort()).toEqual([...names, large].sort());
  expect(ls(s, '/all').sort()).toEqual([...names, large, 'sub'].sort());
  expect(ls(s, '/all/sub')).toEqual(['g']);
  const fd = s.open('/all', O_RDONLY);
  const b = new Uint8Array(2048);
  s.getdents(fd, b);
  const first = parseDirents(b, 2048).find((d) => d.name === 'f0');
  expect([first?.ino, first?.type]).toEqual([s.stat('/all/f0').ino, 8]);
  sim.disks.delete('/h/f1');
  const rest: string[] = [];
  for (let n = s.getdents(fd, b); n > 0; n = s.getdents(fd, b)) rest.push(...parseDirents(b, n).map((d) => d.name));
  expect([new Set(rest).size, rest.at(-1)]).toEqual([rest.length, 'sub']);
  s.close(fd);
  expect(ls(s, '/all')).not.toContain('f1');
});

test('a host that lists nothing, or names that no directory has, or fails: an error, or what is sound', () => {
  const sim = new Sim();
  sim.disk('/h', { size: 0, type: 'dir' });
  sim.disk('/h/f', { bytes: bytes('f'), type: 'reg' });
  const { s, vfs, k } = box([], {}, {}, sim);
  etfsRegister(vfs, '/h', '/h', 'dir-subdirs');
  const host = k.host as { readdir?: (name: string) => readonly string[] };
  for (const [readdir, result] of [
    [() => ['f', 'f', '.', '..', '', 'a/b', 'x\0y', '\u20ac', 7 as unknown as string, 'gone'], 'f'],
    [() => 5 as unknown as string[], 'EIO'],
    [() => { throw new Error('no'); }, 'EIO'],
    [undefined, 'EOPNOTSUPP'],
  ] as const) {
    Object.assign(host, { readdir });
    const fd = s.open('/h', O_RDONLY);
    const code = codeOf(() => s.getdents(fd, new Uint8Array(512)));
    expect(code === 'ok' ? ls(s, '/h').join() : code).toBe(result);
    s.close(fd);
  }
});

test('a device that the host lets us only read is EROFS for writers, a file EACCES', () => {
  const { s, vfs } = withFile(new Uint8Array(1024), { readonly: true });
  etfsRegister(vfs, '/blk', 'host.img', 'blk');
  etfsRegister(vfs, '/reg', 'host.img', 'reg');
  expect([codeOf(() => s.open('/blk', O_RDWR)), codeOf(() => s.open('/blk', O_RDONLY))]).toEqual(['EROFS', 'ok']);
  expect([codeOf(() => s.open('/reg', O_RDWR)), codeOf(() => s.open('/reg', O_RDONLY))]).toEqual(['EACCES', 'ok']);
});

test('on a host that completes later, calls wait, and move the same bytes', async () => {
  const image = pattern(200_000);
  const { s, p, vfs, sim } = withFile(image, { sync: false });
  etfsRegister(vfs, '/blk', 'host.img', 'blk');
  etfsRegister(vfs, '/reg', 'host.img', 'reg');
  for (const path of ['/blk', '/reg']) {
    const fd = s.open(path, O_RDWR);
    const buf = new Uint8Array(150_000);
    expect(codeOf(() => s.pread(fd, buf, 7))).toBe('WouldSleep');
    expect(await sim.settle(p.call.pread(fd, buf, 7))).toBe(150_000);
    expect(same(buf, image.subarray(7, 150_007))).toBe(true);
    expect(await sim.settle(p.call.pwrite(fd, bytes('unaligned'), 1021))).toBe(9);
    image.set(bytes('unaligned'), 1021);
    await sim.settle(p.call.pread(fd, buf, 0));
    expect(same(buf, image.subarray(0, 150_000))).toBe(true);
    await sim.settle(p.call.fsync(fd));
    s.close(fd);
  }
});

test('RUMP_BLKFAIL makes transfers fail, in an order that its seed decides', () => {
  const sim = new Sim();
  sim.disk('host.img', { size: 65536, type: 'reg' });
  const { s, vfs } = box([], {}, { params: { RUMP_BLKFAIL: '5000', RUMP_BLKFAIL_SEED: '7' } }, sim);
  etfsRegister(vfs, '/blk', 'host.img', 'blk');
  const fd = s.open('/blk', O_RDWR);
  const codes = Array.from({ length: 100 }, () => codeOf(() => s.pread(fd, new Uint8Array(512), 0)));
  const failed = codes.filter((code) => code === 'EIO').length;
  expect(failed).toBeGreaterThan(25);
  expect(failed).toBeLessThan(75);
});

test('a key that is removed while it is open leaves a dead file', async () => {
  const { s, vfs } = withFile(bytes('hello'));
  etfsRegister(vfs, '/key', 'host.img', 'reg');
  const fd = s.open('/key', O_RDWR);
  etfsRemove(vfs, '/key');
  expect([codeOf(() => s.write(fd, bytes('x'))), codeOf(() => s.fstat(fd))]).toEqual(['EIO', 'EBADF']);
  s.close(fd);
  expect(await now(Promise.resolve(1))).toBe(1);
});
