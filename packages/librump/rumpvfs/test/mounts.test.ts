import { component } from '@anykernel/lib-component';
import {
  ERR, F_SETLK, F_WRLCK, LOCK_EX, MNT_FORCE, MNT_NODEV, MNT_RDONLY, MNT_UPDATE, MNT_WAIT, O_CREAT, O_RDONLY, O_RDWR, O_WRONLY, Statvfs,
} from '@anykernel/lib-sys';
import { type Vfsops, rumpfsOps, rumpvfs } from '@anykernel/rumpvfs';
import { box, bytes, codeOf, cwd, get, ls, outcome, put } from './box.js';

/** A file system type that is rumpfs under another name, in a component of its own. */
function otherfs(name = 'otherfs', change: Partial<Vfsops> = {}) {
  const ops: Vfsops = { ...rumpfsOps, name, ...change };
  return component({
    name,
    class: 'vfs',
    requires: [rumpvfs],
    attach(k) {
      k.use(rumpvfs).vfsAttach(ops);
      return ops;
    },
    detach(k) {
      k.use(rumpvfs).vfsDetach(ops);
    },
  });
}

test('a mount hides what was in the directory until it is unmounted', () => {
  const { s } = box();
  s.mkdir('/m', 0o755);
  put(s, '/m/under');
  s.mount('rumpfs', '/m', 0, {});
  put(s, '/m/over');
  expect(ls(s, '/m')).toEqual(['over']);
  expect(s.stat('/m').dev).not.toBe(s.stat('/').dev);
  expect(s.stat('/m/..').ino).toBe(s.stat('/').ino);
  s.unmount('/m', 0);
  expect(ls(s, '/m')).toEqual(['under']);
});

test('mounts stack, and come off in reverse', () => {
  const { s } = box();
  s.mkdir('/m', 0o755);
  for (let i = 1; i <= 3; i++) {
    s.mount('rumpfs', '/m', 0, {});
    put(s, `/m/${i}`);
  }
  expect([ls(s, '/m'), s.stat('/m/../m').ino]).toEqual([['3'], s.stat('/m').ino]);
  s.unmount('/m', 0);
  expect(ls(s, '/m')).toEqual(['2']);
  s.unmount('/m', 0);
  s.unmount('/m', 0);
  expect(ls(s, '/m')).toEqual([]);
  expect(codeOf(() => s.unmount('/m', 0))).toBe('EINVAL');
});

test('a mount on the root becomes the root of all', () => {
  const { s, proc } = box();
  put(s, '/old');
  s.mount('rumpfs', '/', 0, {});
  put(s, '/new');
  expect([ls(s, '/'), ls(proc().sys, '/'), cwd(s)]).toEqual([['new'], ['new'], '/']);
  expect(codeOf(() => s.unmount('/', 0))).toBe('EBUSY');
  s.unmount('/', MNT_FORCE);
  expect(ls(s, '/')).toContain('old');
});

test('mount refuses strangers, files, unknown types and nonsense', () => {
  const { s, proc } = box();
  put(s, '/f');
  s.mkdir('/m', 0o755);
  expect(codeOf(() => proc({ uid: 1 }).sys.mount('rumpfs', '/m', 0, {}))).toBe('EPERM');
  expect(codeOf(() => s.mount('rumpfs', '/f', 0, {}))).toBe('ENOTDIR');
  expect(codeOf(() => s.mount('rumpfs', '/nothing', 0, {}))).toBe('ENOENT');
  expect(codeOf(() => s.mount('rumpfs', '/m', 0, undefined as unknown as object as never))).toBe('EFAULT');
  expect(codeOf(() => s.mount('rumpfs', '/m', MNT_UPDATE, {}))).toBe('EINVAL');
  expect(codeOf(() => s.unmount('/f', 0))).toBe('EINVAL');
  expect(codeOf(() => s.unmount('/', 0))).toBe('EBUSY');
  expect(codeOf(() => proc({ uid: 1 }).sys.unmount('/m', 0))).toBe('EPERM');
});

describe('unmount', () => {
  test('refuses while a file is open, a directory is somebody’s, something is mounted inside', () => {
    const { s, proc } = box();
    s.mkdir('/m', 0o755);
    s.mount('rumpfs', '/m', 0, {});
    put(s, '/m/f', 'x');
    s.mkdir('/m/d', 0o755);
    const fd = s.open('/m/f', O_RDONLY);
    expect(codeOf(() => s.unmount('/m', 0))).toBe('EBUSY');
    s.unlink('/m/f');
    expect(codeOf(() => s.unmount('/m', 0))).toBe('EBUSY');
    s.close(fd);
    const other = proc();
    other.sys.chdir('/m/d');
    expect(codeOf(() => s.unmount('/m', 0))).toBe('EBUSY');
    other.sys.chdir('/');
    s.mount('rumpfs', '/m/d', 0, {});
    expect(codeOf(() => s.unmount('/m', 0))).toBe('EBUSY');
    expect(codeOf(() => s.unmount('/m', MNT_FORCE))).toBe('EBUSY');
    s.unmount('/m/d', 0);
    s.unmount('/m', 0);
  });

  test('by force leaves dead files behind', () => {
    const { s, vfs } = box();
    s.mkdir('/m', 0o755);
    const vnodes = vfs.nvnodes;
    s.mount('rumpfs', '/m', 0, {});
    s.mkdir('/m/d', 0o755);
    put(s, '/m/d/f', 'x');
    const fd = s.open('/m/d/f', O_RDWR);
    s.chdir('/m/d');
    s.unmount('/m', MNT_FORCE);
    const buf = new Uint8Array(4);
    expect([s.read(fd, buf), codeOf(() => s.write(fd, buf)), codeOf(() => s.fstat(fd)), codeOf(() => s.stat('f')), codeOf(() => cwd(s))]).toEqual([
      0, 'EIO', 'EBADF', 'ENOENT', 'ENOENT',
    ]);
    const lock = { start: 0, len: 0, pid: 0, type: F_WRLCK, whence: 0 };
    expect([codeOf(() => s.flock(fd, LOCK_EX)), codeOf(() => s.fcntl(fd, F_SETLK, lock))]).toEqual(['EBADF', 'EBADF']);
    s.close(fd);
    s.chdir('/');
    expect([ls(s, '/m'), vfs.nvnodes]).toEqual([[], vnodes]);
  });

  test('that fails leaves the file system mounted', () => {
    let fail = true;
    const fs = otherfs('otherfs', {
      unmount() {
        if (fail) throw ERR.EIO;
      },
    });
    const { s } = box([fs]);
    s.mkdir('/m', 0o755);
    s.mount('otherfs', '/m', 0, {});
    put(s, '/m/f', 'still');
    expect(codeOf(() => s.unmount('/m', 0))).toBe('EIO');
    expect([get(s, '/m/f'), codeOf(() => s.rmdir('/m'))]).toEqual(['still', 'EBUSY']);
    fail = false;
    s.unmount('/m', 0);
    expect(ls(s, '/m')).toEqual([]);
  });
});

test('on a read-only file system nothing changes, and the errors say so', () => {
  const { s } = box();
  s.mkdir('/m', 0o755);
  s.mount('rumpfs', '/m', 0, {});
  put(s, '/m/f', 'x');
  s.mkdir('/m/d', 0o755);
  s.mkfifo('/m/p', 0o644);
  s.mount('rumpfs', '/m', MNT_UPDATE | MNT_RDONLY, {});
  for (const call of [
    () => s.open('/m/new', O_RDWR | O_CREAT, 0o644),
    () => s.open('/m/f', O_WRONLY),
    () => s.unlink('/m/f'),
    () => s.rmdir('/m/d'),
    () => s.mkdir('/m/x', 0o755),
    () => s.mkfifo('/m/x', 0o644),
    () => s.symlink('x', '/m/x'),
    () => s.link('/m/f', '/m/x'),
    () => s.rename('/m/f', '/m/x'),
    () => s.chmod('/m/f', 0o600),
    () => s.chown('/m/f', 1, 1),
    () => s.utimes('/m/f'),
    () => s.truncate('/m/f', 0),
    () => s.access('/m/f', 2),
    () => s.setxattr('/m/f', 'user.x', bytes('x')),
    () => s.fchmod(s.open('/m/f', O_RDONLY), 0o600),
  ])
    expect([call.toString(), codeOf(call)]).toEqual([call.toString(), 'EROFS']);
  expect(get(s, '/m/f')).toBe('x');
  s.open('/m/p', O_RDWR);
  expect(codeOf(() => s.mkdir('/m/d', 0o755))).toBe('EEXIST');
  s.mount('rumpfs', '/m', MNT_UPDATE, {});
  s.unlink('/m/f');
});

test('a mount with files open for writing does not become read-only, unless forced', () => {
  const { s } = box();
  s.mkdir('/m', 0o755);
  s.mount('rumpfs', '/m', 0, {});
  const fd = s.open('/m/f', O_WRONLY | O_CREAT, 0o644);
  expect(codeOf(() => s.mount('rumpfs', '/m', MNT_UPDATE | MNT_RDONLY, {}))).toBe('EBUSY');
  s.mount('rumpfs', '/m', MNT_UPDATE | MNT_RDONLY | MNT_FORCE, {});
  s.close(fd);
  expect(s.statvfs1('/m', MNT_WAIT).flag & MNT_RDONLY).toBe(MNT_RDONLY);
});

test('statvfs tells the type, where it is mounted and what it came from', () => {
  const { s } = box();
  s.mkdir('/jail', 0o755);
  s.mkdir('/jail/m', 0o755);
  s.mount('rumpfs', 'jail/m', MNT_NODEV, {});
  expect(s.statvfs1('/jail/m', MNT_WAIT)).toMatchObject({ fstypename: 'rumpfs', mntonname: '/jail/m', mntfromname: 'rumpfs', namemax: 255 });
  expect(s.fstatvfs1(s.open('/jail/m', O_RDONLY), MNT_WAIT)).toBeInstanceOf(Statvfs);
  expect(s.getvfsstat(MNT_WAIT).map((x) => x.mntonname)).toEqual(['/', '/jail/m']);
  expect(s.statvfs1('/jail/m', MNT_WAIT).flag & MNT_NODEV).toBe(MNT_NODEV);
  expect(codeOf(() => s.statvfs1('/', 77))).toBe('EINVAL');
  s.chroot('/jail');
  expect(s.statvfs1('/m', MNT_WAIT).mntonname).toBe('/m');
});

test('where it is mounted is what the path was then, also when a directory above it has another name', () => {
  const { s } = box();
  s.mkdir('/a', 0o755);
  s.mkdir('/a/m', 0o755);
  s.mount('rumpfs', '/a/m', 0, {});
  s.rename('/a', '/b');
  expect(s.statvfs1('/b/m', MNT_WAIT).mntonname).toBe('/a/m');
  expect(s.getvfsstat(MNT_WAIT).map((x) => x.mntonname)).toEqual(['/', '/a/m']);
  s.unmount('/b/m', 0);
  expect(ls(s, '/b/m')).toEqual([]);
});

test('a process whose root was unmounted by force has none, and every path of it is ENOENT', () => {
  const { s, k, proc } = box();
  s.mkdir('/m', 0o755);
  s.mount('rumpfs', '/m', 0, {});
  s.mkdir('/m/d', 0o755);
  const jailed = proc().sys;
  jailed.chdir('/m/d');
  jailed.chroot('/m');
  s.unmount('/m', MNT_FORCE);
  for (const path of ['/', '/d', '.', '..', 'x'])
    for (const call of ['stat', 'unlink', 'rmdir', 'getfh', 'revoke', 'chdir'] as const)
      expect([call, path, codeOf(() => jailed[call](path))]).toEqual([call, path, 'ENOENT']);
  k.halt();
});

test('a mounted type keeps its component loaded', () => {
  const fs = otherfs();
  const { s, k, vfs } = box([fs]);
  s.mkdir('/m', 0o755);
  expect(k.sysctl.get('vfs.generic.fstypes')).toBe('rumpfs otherfs');
  s.mount('otherfs', '/m', 0, {});
  expect(codeOf(() => k.run(() => k.modctl.unload('otherfs')))).toBe('EBUSY');
  s.unmount('/m', 0);
  k.run(() => k.modctl.unload('otherfs'));
  expect([...vfs.types.keys()]).toEqual(['rumpfs']);
});

test('an unknown type is asked of the host, and the call waits until it is there', async () => {
  const { s, p, sim } = box([], {}, { components: [otherfs('newfs')] });
  s.mkdir('/m', 0o755);
  expect(codeOf(() => s.mount('newfs', '/m', 0, {}))).toBe('WouldSleep');
  await sim.settle(p.call.mount('newfs', '/m', 0, {}));
  expect(s.statvfs1('/m', MNT_WAIT).fstypename).toBe('newfs');
  expect(await sim.settle(outcome(p.call.mount('nofs', '/m', 0, {})))).toBe('ENODEV');
});

test('halt syncs and unmounts what is in use, and leaves nothing behind', () => {
  const log: string[] = [];
  const fs = otherfs('otherfs', {
    sync: () => void log.push('sync'),
    unmount: (_mp, force) => void log.push(`unmount ${force}`),
  });
  const { s, k, host } = box([fs]);
  s.mkdir('/m', 0o755);
  s.mount('otherfs', '/m', 0, {});
  s.open('/m/f', O_WRONLY | O_CREAT, 0o644);
  s.write(s.open('/g', O_WRONLY | O_CREAT, 0o644), new Uint8Array(100_000));
  k.halt();
  expect(log[0]).toBe('sync');
  expect(log.at(-1)).toBe('unmount false');
  expect(host.allocated).toBe(0);
});
