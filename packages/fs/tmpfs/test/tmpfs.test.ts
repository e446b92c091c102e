import { hostSim } from '@anykernel/host-sim';
import {
  MNT_FORCE,
  MNT_NOATIME,
  MNT_RDONLY,
  MNT_UPDATE,
  MNT_WAIT,
  O_CREAT,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
  S_ISVTX,
  type Statvfs,
  parseDirents,
} from '@anykernel/lib-sys';
import { type Kernel, type Sys, boot } from '@anykernel/rumpkern';
import { type TmpfsArgs, tmpfs } from '../src/index.js';

const PAGE = 4096;

interface Box {
  readonly k: Kernel;
  readonly sys: Sys;
  code(fn: () => unknown): string;
  figures(): Statvfs;
}

/** A kernel with a tmpfs on /t. */
function box(args: TmpfsArgs = {}, flags = 0, memLimitBytes?: number): Box {
  const k = boot(hostSim(), [tmpfs], memLimitBytes === undefined ? {} : { memLimitBytes });
  const { sys } = k.newproc();
  sys.mkdir('/t', 0o755);
  sys.mount('tmpfs', '/t', flags, { ...args });
  const code = (fn: () => unknown): string => {
    try {
      fn();
    } catch (e) {
      return (e as { code: string }).code;
    }
    return 'success';
  };
  return { k, sys, code, figures: () => sys.statvfs1('/t', MNT_WAIT) };
}

function touch(sys: Sys, path: string): void {
  sys.close(sys.open(path, O_WRONLY | O_CREAT, 0o644));
}

function write(sys: Sys, path: string, len: number, off = 0): number {
  const fd = sys.open(path, O_RDWR | O_CREAT, 0o644);
  try {
    return sys.pwrite(fd, new Uint8Array(len).fill(7), off);
  } finally {
    sys.close(fd);
  }
}

describe('mounting', () => {
  test('the root has the mode and owner that were asked for', () => {
    const { sys } = box({ mode: 0o1770, uid: 5, gid: 6 });
    const st = sys.stat('/t');
    expect([st.mode & 0o7777, st.uid, st.gid]).toEqual([S_ISVTX | 0o770, 5, 6]);
  });

  test('arguments that make no sense are refused', () => {
    const { sys, code } = box();
    sys.mkdir('/u', 0o755);
    const bad = [
      { size: -1 },
      { size: 1.5 },
      { size: 4095 },
      { size: '1' },
      { nodes: -1 },
      { nodes: 2 ** 33 },
      { mode: 0o10000 },
      { uid: -1 },
      { gid: 2 ** 32 },
      { sise: 4096 },
    ];
    for (const args of bad) expect(code(() => sys.mount('tmpfs', '/u', 0, args))).toBe('EINVAL');
    sys.mount('tmpfs', '/u', 0, { size: 4096, nodes: 1 });
  });

  test('statvfs tells the type and the limits', () => {
    const { figures } = box({ size: 100 * PAGE + 5, nodes: 50 });
    const sb = figures();
    expect([sb.fstypename, sb.mntonname, sb.frsize, sb.blocks, sb.bfree, sb.bavail]).toEqual(['tmpfs', '/t', PAGE, 100, 100, 100]);
    expect([sb.files, sb.ffree, sb.favail, sb.namemax]).toEqual([50, 49, 49, 255]);
  });

  test('an update changes the limits, but not below what is in use', () => {
    const { sys, code, figures } = box({ size: 100 * PAGE, nodes: 50 });
    write(sys, '/t/f', 10 * PAGE);
    expect(code(() => sys.mount('tmpfs', '/t', MNT_UPDATE, { size: 9 * PAGE }))).toBe('EBUSY');
    expect(code(() => sys.mount('tmpfs', '/t', MNT_UPDATE, { nodes: 1 }))).toBe('EBUSY');
    expect([figures().blocks, figures().files]).toEqual([100, 50]);
    sys.mount('tmpfs', '/t', MNT_UPDATE, { size: 10 * PAGE });
    expect([figures().blocks, figures().bfree, figures().files]).toEqual([10, 0, 50]);
  });

  test('an update to read-only keeps what is there', () => {
    const { sys, code } = box();
    write(sys, '/t/f', 10);
    sys.mount('tmpfs', '/t', MNT_UPDATE | MNT_RDONLY, {});
    expect(code(() => touch(sys, '/t/g'))).toBe('EROFS');
    expect(code(() => sys.unlink('/t/f'))).toBe('EROFS');
    const fd = sys.open('/t/f', O_RDONLY);
    expect(sys.read(fd, new Uint8Array(20))).toBe(10);
    sys.close(fd);
    sys.mount('tmpfs', '/t', MNT_UPDATE, {});
    sys.unlink('/t/f');
  });

  test('reading marks no access where the mount does not want it', () => {
    const { sys, k } = box({}, MNT_NOATIME);
    write(sys, '/t/f', 10);
    const before = sys.stat('/t/f');
    (k.host as ReturnType<typeof hostSim>).sim.advance(1e9);
    const fd = sys.open('/t/f', O_RDONLY);
    sys.read(fd, new Uint8Array(5));
    expect([sys.fstat(fd).atime, sys.fstat(fd).atimeNsec]).toEqual([before.atime, before.atimeNsec]);
  });

  test('the component is in use while it is mounted', () => {
    const { sys, k, code } = box();
    expect(code(() => k.run(() => k.modctl.unload('tmpfs')))).toBe('EBUSY');
    sys.unmount('/t', 0);
    k.run(() => k.modctl.unload('tmpfs'));
    k.modctl.autoload = false;
    expect(code(() => sys.mount('tmpfs', '/t', 0, {}))).toBe('ENODEV');
  });
});

describe('limits', () => {
  test('every page of the size can be used, and none more', () => {
    const { sys, figures, code } = box({ size: 8 * PAGE });
    for (let i = 0; i < 8; i++) expect(write(sys, `/t/f${i}`, 1)).toBe(1);
    expect(figures().bfree).toBe(0);
    expect(code(() => write(sys, '/t/g', 1))).toBe('ENOSPC');
    expect(write(sys, '/t/f0', PAGE)).toBe(PAGE);
    expect(code(() => write(sys, '/t/f0', 1, PAGE))).toBe('ENOSPC');
    sys.unlink('/t/f1');
    expect(write(sys, '/t/f0', 100, PAGE)).toBe(100);
  });

  test('a write is as long as there is room for', () => {
    const { sys } = box({ size: 8 * PAGE });
    expect(write(sys, '/t/f', 100_000, 10)).toBe(8 * PAGE - 10);
    expect(sys.stat('/t/f').size).toBe(8 * PAGE);
    expect(sys.stat('/t/f').blocks).toBe(64);
  });

  test('a file that is mostly hole fills its pages as they are written', () => {
    const { sys, figures, code } = box({ size: 4 * PAGE });
    for (const at of [0, 10, 20, 30]) expect(write(sys, '/t/f', 10, at * PAGE)).toBe(10);
    expect(code(() => write(sys, '/t/f', 1, 15 * PAGE))).toBe('ENOSPC');
    expect(write(sys, '/t/f', PAGE, 10 * PAGE)).toBe(PAGE);
    expect(code(() => write(sys, '/t/f', PAGE, 29 * PAGE))).toBe('ENOSPC');
    expect(figures().bfree).toBe(0);
    const fd = sys.open('/t/f', O_RDWR);
    sys.fdiscard(fd, 10 * PAGE, PAGE);
    expect(figures().bfree).toBe(1);
    sys.close(fd);
  });

  test('posix_fallocate takes all of its room or none', () => {
    const { sys, figures, code } = box({ size: 8 * PAGE });
    write(sys, '/t/f', PAGE, 2 * PAGE);
    const fd = sys.open('/t/f', O_RDWR);
    expect(code(() => sys.posix_fallocate(fd, 0, 9 * PAGE))).toBe('ENOSPC');
    expect(figures().bfree).toBe(7);
    expect(sys.fstat(fd).size).toBe(3 * PAGE);
    sys.posix_fallocate(fd, 0, 8 * PAGE);
    expect(figures().bfree).toBe(0);
    expect(sys.pwrite(fd, new Uint8Array(8 * PAGE), 0)).toBe(8 * PAGE);
    sys.close(fd);
  });

  test('posix_fallocate of more than there is memory is undone', () => {
    const { sys, figures, code, k } = box({}, 0, 2 << 20);
    write(sys, '/t/f', 10, 100_000);
    const before = [figures().bfree, k.mem.used];
    const fd = sys.open('/t/f', O_RDWR);
    expect(code(() => sys.posix_fallocate(fd, 0, 64 << 20))).toBe('ENOMEM');
    expect([figures().bfree, k.mem.used, sys.fstat(fd).size]).toEqual([...before, 100_010]);
    expect(code(() => sys.posix_fallocate(fd, 0, 2 ** 50))).toBe('ENOSPC');
    sys.close(fd);
  });

  test('every node can be used, and none more', () => {
    const { sys, figures, code } = box({ nodes: 4 });
    touch(sys, '/t/f');
    sys.mkdir('/t/d', 0o755);
    sys.symlink('x', '/t/s');
    expect(figures().ffree).toBe(0);
    expect(code(() => touch(sys, '/t/g'))).toBe('ENOSPC');
    expect(code(() => sys.mkdir('/t/g', 0o755))).toBe('ENOSPC');
    expect(code(() => sys.symlink('x', '/t/g'))).toBe('ENOSPC');
    expect(code(() => sys.mkfifo('/t/g', 0o644))).toBe('ENOSPC');
    sys.link('/t/f', '/t/g');
    sys.unlink('/t/s');
    touch(sys, '/t/h');
    expect(sys.stat('/t').nlink).toBe(3);
  });

  test('a removed file that is open keeps its node and its pages', () => {
    const { sys, figures } = box({ size: 8 * PAGE, nodes: 4 });
    const fd = sys.open('/t/f', O_RDWR | O_CREAT, 0o644);
    sys.write(fd, new Uint8Array(3 * PAGE));
    sys.unlink('/t/f');
    expect([figures().bfree, figures().ffree]).toEqual([5, 2]);
    sys.close(fd);
    expect([figures().bfree, figures().ffree]).toEqual([8, 3]);
  });

  test("the kernel's memory is a limit, too, and what fails has not happened", () => {
    const { sys, figures, code, k } = box({}, 0, 1 << 20);
    const fd = sys.open('/t/f', O_RDWR | O_CREAT, 0o644);
    let len = 0;
    let last = '';
    for (let i = 0; i < 100 && last === ''; i++) {
      const result = code(() => {
        len += sys.write(fd, new Uint8Array(65536));
      });
      if (result !== 'success') last = result;
    }
    expect(last).toBe('ENOMEM');
    expect(sys.fstat(fd).size).toBe(len);
    const names = figures().files - figures().ffree;
    let made = 0;
    while (made < 10_000 && code(() => sys.mkdir(`/t/d${made}`, 0o755)) === 'success') made++;
    expect(made).toBeLessThan(10_000);
    expect(figures().files - figures().ffree).toBe(names + made);
    expect(sys.stat('/t').nlink).toBe(made + 2);
    expect(k.mem.used).toBeLessThanOrEqual(1 << 20);
    sys.close(fd);
  });
});

describe('memory', () => {
  test('an unmount gives everything back', () => {
    const { sys, k } = box();
    sys.unmount('/t', 0);
    const before = k.mem.used;
    sys.mount('tmpfs', '/t', 0, {});
    for (let i = 0; i < 50; i++) {
      sys.mkdir(`/t/d${i}`, 0o755);
      write(sys, `/t/d${i}/f`, 5000 * i);
      sys.symlink('a'.repeat(100), `/t/d${i}/s`);
      sys.link(`/t/d${i}/f`, `/t/d${i}/g`);
      sys.setxattr(`/t/d${i}/f`, 'user.x', new Uint8Array(1000), 0);
    }
    expect(k.mem.used).toBeGreaterThan(before + 5_000_000);
    sys.unmount('/t', 0);
    expect(k.mem.used).toBe(before);
  });

  test('what is removed is given back, name by name', () => {
    const { sys, k } = box();
    const before = k.mem.used;
    write(sys, '/t/f', 100_000);
    sys.setxattr('/t/f', 'user.x', new Uint8Array(1000), 0);
    sys.setxattr('/t/f', 'user.x', new Uint8Array(10), 0);
    sys.link('/t/f', '/t/a-longer-name');
    sys.rename('/t/f', '/t/another-name');
    touch(sys, '/t/g');
    sys.rename('/t/g', '/t/a-longer-name');
    sys.symlink('target', '/t/s');
    for (const name of ['a-longer-name', 'another-name', 's']) sys.unlink(`/t/${name}`);
    expect(k.mem.used).toBe(before);
  });

  test('a forced unmount leaves dead files to those who have them', () => {
    const { sys, k, code } = box();
    const before = k.mem.used;
    const fd = sys.open('/t/f', O_RDWR | O_CREAT, 0o644);
    const gone = sys.open('/t/g', O_RDWR | O_CREAT, 0o644);
    sys.write(fd, new Uint8Array(100_000));
    sys.write(gone, new Uint8Array(100_000));
    sys.unlink('/t/g');
    expect(code(() => sys.unmount('/t', 0))).toBe('EBUSY');
    sys.unmount('/t', MNT_FORCE);
    expect(k.mem.used).toBeLessThan(before);
    expect(code(() => sys.write(fd, new Uint8Array(1)))).toBe('EIO');
    expect(sys.read(gone, new Uint8Array(1))).toBe(0);
    sys.close(fd);
    sys.close(gone);
    expect(code(() => sys.stat('/t/f'))).toBe('ENOENT');
  });

  test('a kernel that halts leaves nothing at its host', () => {
    const host = hostSim();
    const k = boot(host, [tmpfs]);
    const { sys } = k.newproc();
    sys.mount('tmpfs', '/tmp', 0, {});
    write(sys, '/tmp/f', 1_000_000);
    expect(host.allocated).toBeGreaterThan(0);
    k.halt();
    expect(host.allocated).toBe(0);
  });
});

describe('directories', () => {
  test('a hundred thousand entries are made, found, listed and removed', () => {
    const { sys } = box();
    const count = 100_000;
    sys.mkdir('/t/d', 0o755);
    sys.chdir('/t/d');
    for (let i = 0; i < count; i++) touch(sys, `file${i}`);
    for (let i = 0; i < count; i += 997) expect(sys.stat(`file${i}`).nlink).toBe(1);
    const fd = sys.open('.', O_RDONLY);
    const buf = new Uint8Array(65536);
    let listed = 0;
    for (let len = sys.getdents(fd, buf); len > 0; len = sys.getdents(fd, buf)) listed += parseDirents(buf, len).length;
    expect(listed).toBe(count + 2);
    for (let i = 0; i < count; i++) sys.unlink(`file${i}`);
    expect(sys.stat('.').size).toBe(64);
    sys.close(fd);
    sys.chdir('/');
    sys.rmdir('/t/d');
  });

  test('a name that is made again has its place again, and a reader sees it once', () => {
    const { sys } = box();
    for (let i = 0; i < 200; i++) touch(sys, `/t/f${i}`);
    const fd = sys.open('/t', O_RDONLY);
    const buf = new Uint8Array(1024);
    const names: string[] = [];
    for (let len = sys.getdents(fd, buf); len > 0; len = sys.getdents(fd, buf)) {
      names.push(...parseDirents(buf, len).map((e) => e.name));
      for (let i = 0; i < 200; i++) sys.unlink(`/t/f${i}`);
      for (let i = 0; i < 200; i++) touch(sys, `/t/f${i}`);
    }
    sys.close(fd);
    expect(new Set(names).size).toBe(names.length);
  });

  test('names that come and go leave no list behind', () => {
    const { sys, k } = box();
    const before = k.mem.used;
    for (let i = 0; i < 20_000; i++) {
      touch(sys, `/t/name${i}`);
      if (i >= 10) sys.unlink(`/t/name${i - 10}`);
    }
    const fd = sys.open('/t', O_RDONLY);
    const entries = parseDirents(new Uint8Array(0));
    const buf = new Uint8Array(4096);
    entries.push(...parseDirents(buf, sys.getdents(fd, buf)));
    expect(entries.length).toBe(12);
    for (let i = 19_990; i < 20_000; i++) sys.unlink(`/t/name${i}`);
    expect(k.mem.used).toBe(before);
    sys.close(fd);
  });
});

describe('handles', () => {
  test('one of another mount, or of an earlier one, is stale', () => {
    const { sys, code } = box();
    touch(sys, '/t/f');
    const fh = sys.getfh('/t/f');
    sys.close(sys.fhopen(fh, O_RDONLY));
    sys.unmount('/t', 0);
    sys.mount('tmpfs', '/t', 0, {});
    touch(sys, '/t/f');
    expect(code(() => sys.fhopen(fh, O_RDONLY))).toBe('ESTALE');
  });
});
