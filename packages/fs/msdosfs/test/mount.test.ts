/** What a mount does beside files: arguments, the dirty flag, FSInfo, figures; attributes that FAT has; files of 4 GiB; files without a name. */
import { describe, expect, test } from '@jest/globals';
import { mustRun, oracle } from '@anykernel/tools-oracle';
import { getU32le, putU32le } from '@anykernel/lib-bytes';
import { DiskImage } from '@anykernel/host-sim';
import { MNT_RDONLY, MNT_UPDATE, O_CREAT, O_RDWR, SF_ARCHIVED } from '@anykernel/lib-sys';
import { newfs } from '../src/index.js';
import { type World, errnoOf, fresh, fsck, mounted, pattern, withImage, world } from './kit.js';
import { names, readFile } from '@anykernel/conformance-diskfs';

function put(w: World, path: string, data: Uint8Array): void {
  const fd = w.sys.open(path, O_CREAT | O_RDWR, 0o644);
  w.sys.write(fd, data);
  w.sys.close(fd);
}

describe('arguments', () => {
  test('owners and modes are those of the mount', () => {
    const w = mounted(fresh(1 << 20), { args: { uid: 1000, gid: 100, mask: 0o664, dirmask: 0o775 } });
    put(w, 'f', pattern(10, 1));
    w.sys.mkdir('d', 0o700);
    const st = w.sys.stat('f');
    expect([st.uid, st.gid, st.mode & 0o7777, st.nlink]).toEqual([1000, 100, 0o664, 1]);
    expect(w.sys.stat('d').mode & 0o7777).toBe(0o775);
    const user = w.k.newproc({ uid: 1000, gid: 100 }).sys;
    user.close(user.open('/mnt/d/mine', O_CREAT | O_RDWR, 0o644));
    const other = w.k.newproc({ uid: 1001, gid: 1001 }).sys;
    expect(errnoOf(() => other.open('/mnt/d/not mine', O_CREAT | O_RDWR, 0o644))).toBe('EACCES');
    expect(errnoOf(() => w.sys.chown('f', 1, 1))).toBe('EPERM');
    w.sys.chown('f', 1000, 100);
    w.k.halt();
  });

  test('what is none of them, or makes no sense, is refused', () => {
    for (const args of [{ umask: 1 }, { uid: -1 }, { mask: 0o1777 }, { gmtoff: 1e6 }, { gmtoff: 'abc' }, { shortnames: 2 }]) {
      const w = world(fresh(1 << 20), { args: args as object });
      expect(errnoOf(() => w.mount())).toBe('EINVAL');
      w.k.halt();
    }
  });

  test('gmtoff moves the times', () => {
    const w = mounted(fresh(1 << 20), { args: { gmtoff: 3600 } });
    put(w, 'f', pattern(10, 1));
    w.sys.utimensat(-100, 'f', [{ sec: 1e9, nsec: 0 }, { sec: 1e9, nsec: 0 }]);
    expect(w.sys.stat('f').mtime).toBe(1e9);
    w.k.halt();
    const v = mounted(w.bytes());
    expect(v.sys.stat('f').mtime).toBe(1e9 + 3600);
    v.k.halt();
  });
});

describe('clean or not', () => {
  test.each([12, 16, 32] as const)('FAT%i: dirty from the first change to the next sync', (fatBits) => {
    const w = mounted(fresh(3 << 20, { fatBits, clusterSize: fatBits === 12 ? 1024 : 512 }));
    const state = (): [number, number] => {
      const b = w.bytes();
      const { fatOff } = w.fs().info;
      return [b[fatBits === 32 ? 65 : 37], fatBits === 12 ? 0 : fatBits === 16 ? b[fatOff + 3] & 0x80 : b[fatOff + 7] & 0x08];
    };
    const clean = [0, fatBits === 12 ? 0 : fatBits === 16 ? 0x80 : 0x08];
    expect(state()).toEqual(clean);
    put(w, 'f', pattern(100, 1));
    expect(state()).toEqual([1, 0]);
    w.sys.sync();
    expect(state()).toEqual(clean);
    w.sys.unlink('f');
    const cut = w.bytes();
    w.unmount();
    w.k.halt();
    expect(fsck(w.bytes())).toBe('');
    // A volume that was not clean is not made so.
    const v = mounted(cut);
    expect(v.k.msgbuf.text()).toMatch(/was not unmounted cleanly/);
    v.sys.mkdir('d', 0o755);
    v.k.halt();
    expect(v.bytes()[fatBits === 32 ? 65 : 37]).toBe(1);
  });

  test('FSInfo is right after a sync; after a power cut it is not believed', () => {
    const w = mounted(fresh(1 << 20, { fatBits: 32, clusterSize: 512 }));
    const free = w.sys.statvfs1('.', 1).bfree;
    put(w, 'f', pattern(5000, 1));
    w.sys.sync();
    expect(w.sys.statvfs1('.', 1).bfree).toBe(free - 10);
    const b = w.bytes();
    expect(getU32le(b, 512 + 488)).toBe(free - 10);
    put(w, 'g', pattern(5000, 1));
    const cut = w.bytes();
    putU32le(cut, 512 + 488, 5);
    w.k.halt();
    const v = mounted(cut, {}, MNT_RDONLY);
    expect(v.sys.statvfs1('.', 1).bfree).toBe(free - 10);
    v.k.halt();
  });

  test('from read-only to read-write and back', () => {
    const w = mounted(fresh(1 << 20), {}, MNT_RDONLY);
    expect(errnoOf(() => w.sys.mkdir('d', 0o755))).toBe('EROFS');
    w.unmount();
    w.mount();
    w.sys.mkdir('d', 0o755);
    w.sys.mount('msdosfs', '/mnt', MNT_UPDATE | MNT_RDONLY, { fspec: '/disk' });
    expect(errnoOf(() => w.sys.mkdir('e', 0o755))).toBe('EROFS');
    expect(fsck(w.bytes())).toBe('');
    w.sys.mount('msdosfs', '/mnt', MNT_UPDATE, { fspec: '/disk' });
    w.sys.mkdir('e', 0o755);
    w.k.halt();
    expect(fsck(w.bytes())).toBe('');
  });
});

describe('attributes', () => {
  test('a mode without bits to write is the read-only attribute', () => {
    const w = mounted(fresh(1 << 20));
    put(w, 'f', pattern(10, 1));
    w.sys.chmod('f', 0o444);
    expect(w.sys.stat('f').mode & 0o7777).toBe(0o555);
    const user = w.k.newproc({ uid: 0, gid: 0 }).sys;
    user.access('/mnt/f', 4);
    w.sys.chmod('f', 0o600);
    expect(w.sys.stat('f').mode & 0o7777).toBe(0o755);
    w.sys.close(w.sys.open('ro', O_CREAT | O_RDWR, 0o444));
    expect(w.sys.stat('ro').mode & 0o7777).toBe(0o555);
    w.k.halt();
  });

  oracle('mattrib').test('the archive attribute is SF_ARCHIVED turned round; hidden and system stay', () => {
    const w = mounted(fresh(1 << 20));
    put(w, 'f', pattern(10, 1));
    expect(w.sys.stat('f').flags).toBe(0);
    w.sys.chflags('f', SF_ARCHIVED);
    expect(w.sys.stat('f').flags).toBe(SF_ARCHIVED);
    w.k.halt();
    const said = withImage(w.bytes(), (path) => {
      const env = { MTOOLS_SKIP_CHECK: '1' };
      const before = mustRun('mattrib', ['-i', path, '::/f'], { env });
      mustRun('mattrib', ['+h', '+s', '-i', path, '::/f'], { env });
      return [before, mustRun('mattrib', ['-i', path, '::/f'], { env })];
    });
    expect(said[0]).not.toMatch(/^ *A/);
    expect(said[1]).toMatch(/SH/);
    const v = mounted(w.bytes());
    const fd = v.sys.open('f', O_RDWR);
    v.sys.write(fd, pattern(3, 3));
    v.sys.close(fd);
    expect(v.sys.stat('f').flags).toBe(0);
    expect(errnoOf(() => v.sys.chflags('f', 1))).toBe('EOPNOTSUPP');
    v.k.halt();
  });

  test('access is kept by the day, birth to a hundredth of a second', () => {
    const w = mounted(fresh(1 << 20));
    put(w, 'f', pattern(10, 1));
    const born = w.sys.stat('f').birthtime * 100 + w.sys.stat('f').birthtimeNsec / 1e7;
    w.sim.advance(86_400e9 * 2);
    readFile(w.sys, 'f');
    w.sys.sync();
    w.unmount();
    w.mount();
    const st = w.sys.stat('f');
    expect(st.atime % 86_400).toBe(0);
    expect(st.atime).toBeGreaterThan(st.mtime);
    expect(st.birthtime * 100 + st.birthtimeNsec / 1e7).toBe(born);
    w.k.halt();
  });

  test('a label in the root is no file', () => {
    const w = mounted(fresh(1 << 20, { label: 'label' }));
    expect(names(w.sys, '.')).toEqual([]);
    expect(w.fs().info.label).toBe('LABEL');
    w.sys.mkdir('LABEL', 0o755);
    expect(names(w.sys, '.')).toEqual(['LABEL']);
    w.k.halt();
    expect(fsck(w.bytes())).toBe('');
  });
});

describe('files', () => {
  test('end at 4 GiB less a byte, with EFBIG', () => {
    const size = 5 * 2 ** 30;
    const b = DiskImage.of(new Uint8Array(0), size);
    newfs({ size, write: (off, data) => b.write(data, off) }, { time: 1e9, serial: 1, clusterSize: 65_536, zeroed: true });
    const w = mounted(b, { disk: { record: 'none' } });
    const { sys } = w;
    const fd = sys.open('f', O_CREAT | O_RDWR, 0o644);
    expect(errnoOf(() => sys.ftruncate(fd, 2 ** 32))).toBe('EFBIG');
    expect(errnoOf(() => sys.pwrite(fd, pattern(1, 1), 2 ** 32 - 1))).toBe('EFBIG');
    expect(errnoOf(() => sys.posix_fallocate(fd, 2 ** 32 - 5, 10))).toBe('EFBIG');
    expect(sys.fstat(fd).size).toBe(0);
    sys.close(fd);
    // The last bytes, on a file that another system has made as long.
    sys.truncate('f', 65_536);
    sys.sync();
    w.k.halt();
  });

  test('a file that lost its name lives on while it is open, and its clusters are free then', () => {
    const w = mounted(fresh(1 << 20));
    const free = w.sys.statvfs1('.', 1).bfree;
    put(w, 'f', pattern(20_000, 1));
    const fd = w.sys.open('f', O_RDWR);
    w.sys.unlink('f');
    expect(w.sys.fstat(fd).nlink).toBe(0);
    put(w, 'f', pattern(10, 2));
    expect(w.sys.fstat(fd).ino).not.toBe(w.sys.stat('f').ino);
    const got = new Uint8Array(20_000);
    expect(w.sys.pread(fd, got, 0)).toBe(20_000);
    expect(got).toEqual(pattern(20_000, 1));
    w.sys.pwrite(fd, pattern(9000, 3), 20_000);
    w.sys.close(fd);
    w.sys.unlink('f');
    expect(w.sys.statvfs1('.', 1).bfree).toBe(free);
    w.k.halt();
    expect(fsck(w.bytes())).toBe('');
  });

  test('a new file in the place of one that was renamed has another number; both keep theirs', () => {
    const w = mounted(fresh(1 << 20));
    put(w, 'A', pattern(1, 1));
    const a = w.sys.stat('A').ino;
    w.sys.mkdir('D', 0o755);
    w.sys.rename('A', 'D/A');
    put(w, 'B', pattern(2, 2));
    const b = w.sys.stat('B').ino;
    expect(w.sys.stat('D/A').ino).toBe(a);
    expect(b).not.toBe(a);
    w.k.halt();
  });

  test('the root of FAT16 is full at some point, a directory at 65,536 entries', () => {
    const w = mounted(fresh(9 << 20, { fatBits: 16, rootEntries: 32 }), { disk: { record: 'none' } });
    let made = 0;
    while (errnoOf(() => w.sys.mkdir(`D${made}`, 0o755)) === '') made++;
    expect(made).toBe(32);
    expect(errnoOf(() => w.sys.mkdir('MORE', 0o755))).toBe('ENOSPC');
    made = 0;
    const long = 'n'.repeat(250);
    while (errnoOf(() => w.sys.close(w.sys.open(`D0/${long}${made}`, O_CREAT | O_RDWR, 0o644))) === '') made++;
    expect(errnoOf(() => w.sys.open(`D0/${long}more`, O_CREAT | O_RDWR, 0o644))).toBe('ENOSPC');
    expect(made).toBeGreaterThan(65_536 / 21 - 60);
    expect(names(w.sys, 'D0').length).toBe(made);
    w.k.halt();
    expect(fsck(w.bytes())).toBe('');
  });

  test('a directory that was read stays listed to its end while it is emptied', () => {
    const w = mounted(fresh(1 << 20));
    w.sys.mkdir('d', 0o755);
    for (let i = 0; i < 100; i++) put(w, `d/file number ${i}`, pattern(1, i));
    for (const name of names(w.sys, 'd')) w.sys.unlink(`d/${name}`);
    w.sys.rmdir('d');
    w.k.halt();
    expect(fsck(w.bytes())).toBe('');
  });
});
