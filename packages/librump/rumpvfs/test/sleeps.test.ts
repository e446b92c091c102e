/** Every call, with a sleep before the n-th vnode operation that it makes, for all n: it is executed again and comes to the same end. */
import {
  MNT_WAIT, O_CREAT, O_EXCL, O_EXLOCK, O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY, SEEK_END, type Stat,
} from '@anykernel/lib-sys';
import type { Call, Proc } from '@anykernel/rumpkern';
import { type VnodeOps, rumpfsOps } from '@anykernel/rumpvfs';
import { box, bytes, codeOf, get, ls, outcome, put, text } from './box.js';

/** A file system on /m which sleeps before its n-th operation from now on (`sleepAt`), once. */
function sleeper() {
  const b = box();
  const state = { sleepAt: Infinity, slept: false };
  const may = (): void => {
    if (state.sleepAt-- !== 0) return;
    state.slept = true;
    b.k.softint(() => b.k.wakeup(state)).schedule();
    b.k.sleep(state);
  };
  const wrapped = new Map<VnodeOps, VnodeOps>();
  const wrap = (ops: VnodeOps): VnodeOps => {
    let w = wrapped.get(ops);
    if (w !== undefined) return w;
    const table: Record<string, unknown> = { ...ops };
    for (const [name, op] of Object.entries(ops)) {
      if (typeof op !== 'function' || ['inactive', 'reclaim', 'abandon', 'close', 'kqfilter', 'poll'].includes(name)) continue;
      table[name] = (...args: unknown[]): unknown => {
        may();
        return (op as (...a: unknown[]) => unknown)(...args);
      };
    }
    w = table as unknown as VnodeOps;
    wrapped.set(ops, w);
    return w;
  };
  b.vfs.vfsAttach({
    ...rumpfsOps,
    name: 'sleepfs',
    loadvnode(mp, key) {
      const vp = rumpfsOps.loadvnode!(mp, key);
      vp.ops = wrap(vp.ops);
      return vp;
    },
    mount(mp, args, l, update) {
      may();
      rumpfsOps.mount(mp, args, l, update);
    },
    sync: may,
    statvfs(mp, sb) {
      may();
      rumpfsOps.statvfs(mp, sb);
    },
    unmount: may,
  });
  const { s } = b;
  s.mkdir('/m', 0o755);
  s.mkdir('/n', 0o755);
  s.mount('sleepfs', '/m', 0, {});
  for (const dir of ['/m/a', '/m/a/b', '/m/c']) s.mkdir(dir, 0o755);
  put(s, '/m/f', 'content');
  put(s, '/m/g', 'other');
  s.link('/m/f', '/m/a/f2');
  s.symlink('a/b', '/m/l');
  return { ...b, state };
}

/** What is on /m, and which descriptors are open. */
function world(b: ReturnType<typeof sleeper>): unknown {
  b.state.sleepAt = Infinity;
  const tree = (dir: string): unknown[] =>
    ls(b.s, dir).map((name) => {
      const path = `${dir}/${name}`;
      const st: Stat = b.s.lstat(path);
      const is = [name, st.mode.toString(8), st.nlink, st.uid, st.size, st.flags, codeOf(() => b.s.getxattr(path, 'user.x'))];
      return (st.mode & 0o170000) === 0o040000 ? [...is, tree(path)] : [...is, (st.mode & 0o170000) === 0o100000 ? get(b.s, path) : ''];
    });
  return [codeOf(() => ls(b.s, '/m')) === 'ok' ? tree('/m') : 'gone', b.s.fcntl(0, 11), b.vfs.mounts.length];
}

const CALLS: Record<string, (c: Call, p: Proc) => Promise<unknown>> = {
  'open new': (c) => c.open('/m/new', O_RDWR | O_CREAT | O_EXCL, 0o644),
  'open old': (c) => c.open('/m/a/../f', O_RDWR | O_TRUNC),
  'open locked': (c) => c.open('/m/f', O_RDWR | O_CREAT | O_EXLOCK, 0o644),
  'open missing': (c) => c.open('/m/a/nothing', O_RDONLY),
  mkdir: (c) => c.mkdir('/m/l/x', 0o755),
  'mkdir there': (c) => c.mkdir('/m/a', 0o755),
  mkfifo: (c) => c.mkfifo('/m/p', 0o600),
  rmdir: (c) => c.rmdir('/m/a/b'),
  'rmdir full': (c) => c.rmdir('/m/a'),
  unlink: (c) => c.unlink('/m/f'),
  link: (c) => c.link('/m/f', '/m/l/h'),
  symlink: (c) => c.symlink('target', '/m/c/s'),
  'rename file': (c) => c.rename('/m/f', '/m/c/n'),
  'rename over': (c) => c.rename('/m/f', '/m/g'),
  'rename same file': (c) => c.rename('/m/f', '/m/a/f2'),
  'rename directory': (c) => c.rename('/m/a/b', '/m/c/b'),
  'rename into itself': (c) => c.rename('/m/a', '/m/a/b/x'),
  stat: (c) => c.stat('/m/l/../f2').then((st) => st.size),
  chmod: (c) => c.chmod('/m/f', 0o600),
  chown: (c) => c.chown('/m/f', 7, -1),
  chflags: (c) => c.chflags('/m/f', 1),
  utimes: (c) => c.utimes('/m/f'),
  truncate: (c) => c.truncate('/m/f', 3),
  setxattr: (c) => c.setxattr('/m/f', 'user.x', bytes('abc'), 1),
  chdir: async (c, p) => {
    await c.chdir('/m/a/b');
    const buf = new Uint8Array(64);
    const len = await c.getcwd(buf);
    p.sys.chdir('/');
    return text(buf, len - 1);
  },
  readlink: (c) => c.readlink('/m/l', new Uint8Array(9)),
  write: async (c) => {
    const fd = await c.open('/m/f', O_WRONLY);
    await c.lseek(fd, -3, SEEK_END);
    const len = await c.write(fd, bytes('XYZ-more'));
    await c.close(fd);
    return len;
  },
  getdents: async (c) => {
    const fd = await c.open('/m', O_RDONLY);
    const buf = new Uint8Array(4096);
    const lens = [await c.getdents(fd, buf), await c.getdents(fd, buf)];
    await c.close(fd);
    return lens;
  },
  mount: (c) => c.mount('sleepfs', '/n', 0, {}),
  'mount again': (c) => c.mount('sleepfs', '/m', 0x10000 | 1, {}),
  unmount: (c) => c.unmount('/m', 0),
  'unmount by force': (c) => c.unmount('/m', 0x80000),
  statvfs: (c) => c.statvfs1('/m', MNT_WAIT).then((sb) => sb.fstypename),
  sync: (c) => c.sync(),
};

test.each(Object.entries(CALLS))('%s', async (_name, run) => {
  const plain = sleeper();
  const want = [await plain.sim.settle(outcome(run(plain.p.call, plain.p))), world(plain)];
  for (let n = 0; ; n++) {
    const b = sleeper();
    b.state.sleepAt = n;
    const got = [await b.sim.settle(outcome(run(b.p.call, b.p))), undefined] as unknown[];
    const { slept } = b.state;
    got[1] = world(b);
    expect([n, ...got]).toEqual([n, ...want]);
    if (!slept) break;
  }
});
