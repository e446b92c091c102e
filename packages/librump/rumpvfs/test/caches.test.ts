import { type Stat, O_RDONLY } from '@anykernel/lib-sys';
import { type Componentname, type Mount, Namecache, type Vnode, type VnodeOps, rumpfsOps } from '@anykernel/rumpvfs';
import { Vcache, VnodeList } from '../src/vcache.js';
import type { Vnode as InnerVnode } from '../src/vnode.js';
import { box, codeOf, cwd, get, ls, put, random } from './box.js';

/** rumpfs with the name cache in front, counting the lookups that reach it. */
function cached(params: { readonly [name: string]: string } = {}) {
  const b = box([], {}, { params });
  const { namecache } = b.vfs;
  const count = { lookups: 0, loads: 0 };
  const wrapped = new Map<VnodeOps, VnodeOps>();
  const wrap = (ops: VnodeOps): VnodeOps => {
    let w = wrapped.get(ops);
    if (w === undefined) {
      w = {
        ...ops,
        lookup(dvp: Vnode, cnp: Componentname) {
          const known = namecache.lookup(dvp, cnp.name);
          if (known !== undefined) return known ?? undefined;
          count.lookups++;
          const vp = ops.lookup(dvp, cnp);
          namecache.enter(dvp, cnp.name, vp);
          return vp;
        },
      };
      wrapped.set(ops, w);
    }
    return w;
  };
  b.vfs.vfsAttach({
    ...rumpfsOps,
    name: 'cachedfs',
    loadvnode(mp: Mount, key: number) {
      count.loads++;
      const vp = rumpfsOps.loadvnode!(mp, key);
      vp.ops = wrap(vp.ops);
      return vp;
    },
  });
  b.s.mkdir('/m', 0o755);
  b.s.mount('cachedfs', '/m', 0, {});
  return { ...b, count, namecache };
}

test('a name that was looked up is known, and so is one that is not there', () => {
  const { s, count } = cached();
  put(s, '/m/f', 'x');
  s.stat('/m/f');
  const before = count.lookups;
  for (let i = 0; i < 10; i++) {
    s.stat('/m/f');
    codeOf(() => s.stat('/m/nothing'));
  }
  expect(count.lookups).toBe(before + 1);
});

test('every operation leaves the cache right', () => {
  const { s } = cached();
  const is = (path: string): string => codeOf(() => s.stat(path));
  expect(is('/m/f')).toBe('ENOENT');
  put(s, '/m/f', 'f');
  expect(get(s, '/m/f')).toBe('f');
  expect(is('/m/g')).toBe('ENOENT');
  s.link('/m/f', '/m/g');
  s.rename('/m/f', '/m/h');
  expect([is('/m/f'), get(s, '/m/g'), get(s, '/m/h')]).toEqual(['ENOENT', 'f', 'f']);
  s.unlink('/m/g');
  expect([is('/m/g'), get(s, '/m/h')]).toEqual(['ENOENT', 'f']);
  put(s, '/m/g', 'new');
  expect([get(s, '/m/g'), get(s, '/m/h')]).toEqual(['new', 'f']);
  s.mkdir('/m/a', 0o755);
  s.mkdir('/m/b', 0o755);
  s.mkdir('/m/a/d', 0o755);
  s.chdir('/m/a/d');
  expect([s.stat('..').ino, cwd(s)]).toEqual([s.stat('/m/a').ino, '/m/a/d']);
  s.rename('/m/a/d', '/m/b/e');
  expect([s.stat('..').ino, cwd(s), is('/m/a/d')]).toEqual([s.stat('/m/b').ino, '/m/b/e', 'ENOENT']);
  s.chdir('/');
  s.rmdir('/m/b/e');
  s.symlink('x', '/m/b/e');
  s.mkfifo('/m/b/p', 0o644);
  expect([s.lstat('/m/b/e').size, ls(s, '/m/b')]).toEqual([1, ['e', 'p']]);
});

test('random operations give the same with and without the cache', () => {
  for (const seed of [1, 2, 3]) {
    const next = random(seed);
    const a = cached({ RUMP_NVNODES: '8' });
    a.namecache.limit = 6;
    const path = (root: string, n: number): string => `${root}/${n & 3}${n & 4 ? `/${(n >> 3) & 3}` : ''}`;
    for (let i = 0; i < 600; i++) {
      const [op, x, y] = [next(7), next(32), next(32)];
      const run = (root: string): string =>
        codeOf(() => {
          const from = path(root, x);
          const to = path(root, y);
          if (op === 0) put(a.s, from, 'x');
          else if (op === 1) a.s.mkdir(from, 0o755);
          else if (op === 2) a.s.rename(from, to);
          else if (op === 3) a.s.unlink(from);
          else if (op === 4) a.s.rmdir(from);
          else if (op === 5) a.s.link(from, to);
          else a.s.stat(from);
        });
      if (i === 0) a.s.mkdir('/plain', 0o755);
      expect([seed, i, op, run('/m')]).toEqual([seed, i, op, run('/plain')]);
    }
    const tree = (root: string): string[] => ls(a.s, root).flatMap((n) => [n, ...(codeOf(() => ls(a.s, `${root}/${n}`)) === 'ok' && a.s.stat(`${root}/${n}`).nlink > 1 ? tree(`${root}/${n}`) : [])]);
    expect(tree('/m').sort()).toEqual(tree('/plain').sort());
    expect(a.namecache.count).toBeLessThanOrEqual(6);
  }
});

test('the cache keeps to its limit, and forgets what waited longest', () => {
  const cache = new Namecache(100, () => 7);
  const dirs = Array.from({ length: 10 }, () => ({ names: -1, key: 1 }) as unknown as Vnode);
  for (const dvp of dirs) for (let i = 0; i < 50; i++) cache.enter(dvp, `n${i}`, undefined);
  expect(cache.count).toBeLessThanOrEqual(100);
  expect(cache.lookup(dirs[9]!, 'n49')).toBe(null);
  expect(cache.lookup(dirs[0]!, 'n0')).toBe(undefined);
  for (const dvp of dirs) cache.purge(dvp);
  expect(cache.count).toBe(0);
});

test('what is entered is found, through growth, changes and ends of directories', () => {
  const next = random(5);
  const cache = new Namecache(1000, () => 7);
  const dirs = Array.from({ length: 3 }, () => ({ names: -1, key: 1 }) as unknown as Vnode);
  const files = Array.from({ length: 8 }, (_, i) => ({ type: 1, key: i }) as unknown as Vnode);
  const model = dirs.map(() => new Map<string, Vnode | undefined>());
  const wrong: number[] = [];
  for (let i = 0; i < 5000; i++) {
    const [d, name, op] = [next(3), `n${next(200)}`, next(100)];
    const [dvp, names] = [dirs[d]!, model[d]!];
    if (op === 0) {
      cache.purge(dvp);
      names.clear();
    } else if (op < 50) {
      const vp = files[next(9)];
      cache.enter(dvp, name, vp);
      names.set(name, vp);
    } else if (op < 70) {
      cache.remove(dvp, name);
      names.delete(name);
    }
    const count = model.reduce((sum, m) => sum + m.size, 0);
    if (cache.lookup(dvp, name) !== (names.has(name) ? (names.get(name) ?? null) : undefined) || cache.count !== count) wrong.push(i);
  }
  expect(wrong).toEqual([]);
  for (const [d, dvp] of dirs.entries()) {
    for (const vp of files) {
      const name = cache.nameOf(dvp, vp);
      expect(name === undefined ? [...model[d]!.values()].includes(vp) : model[d]!.get(name) !== vp).toBe(false);
    }
  }
});

test('vnodes are found by mount and number, whatever others come and go', () => {
  const next = random(6);
  const cache = new Vcache();
  const list = new VnodeList();
  const mounts = [{ fsid: 1 }, { fsid: 2 }] as unknown as NonNullable<InnerVnode['mp']>[];
  const all = new Map<string, InnerVnode>();
  const wrong: number[] = [];
  for (let i = 0; i < 3000; i++) {
    const mp = mounts[next(2)]!;
    const key = next(300) * 2 ** 30;
    const vp = cache.find(mp, key);
    if (vp !== all.get(`${mp.fsid} ${key}`)) wrong.push(i);
    if (vp === undefined) {
      const fresh = { mp, key } as unknown as InnerVnode;
      cache.add(fresh);
      list.add(fresh);
      all.set(`${mp.fsid} ${key}`, fresh);
    } else if (next(3) === 0) {
      if (!cache.remove(vp) || cache.remove(vp)) wrong.push(i);
      list.remove(vp);
      all.delete(`${mp.fsid} ${key}`);
    }
  }
  expect(wrong).toEqual([]);
  expect([...list].map((vp) => `${vp.mp?.fsid} ${vp.key}`)).toEqual([...all.keys()]);
});

test('vnodes beyond the limit are taken back, those in use are not', () => {
  const { s, vfs, count } = cached({ RUMP_NVNODES: '50' });
  for (let i = 0; i < 200; i++) put(s, `/m/f${i}`, String(i));
  expect(vfs.nvnodes).toBeLessThanOrEqual(51);
  const fds = Array.from({ length: 60 }, (_, i) => s.open(`/m/f${i}`, O_RDONLY));
  const loads = count.loads;
  const inos = fds.map((fd) => s.fstat(fd).ino);
  for (let i = 0; i < 200; i++) expect(get(s, `/m/f${i}`)).toBe(String(i));
  expect(fds.map((fd) => s.fstat(fd).ino)).toEqual(inos);
  expect(count.loads).toBeGreaterThan(loads);
  for (const fd of fds) s.close(fd);
  s.stat('/m');
  put(s, '/m/last');
  expect(vfs.nvnodes).toBeLessThanOrEqual(51);
});

test('what a vnode was asked for stays the same when it is loaded again', () => {
  const { s } = cached({ RUMP_NVNODES: '5' });
  put(s, '/m/f', 'x');
  s.chmod('/m/f', 0o601);
  const before: Stat = { ...s.stat('/m/f') };
  for (let i = 0; i < 40; i++) put(s, `/m/x${i}`);
  expect({ ...s.stat('/m/f') }).toEqual(before);
});

test('what the root file system keeps counts as memory: the limit is ENOMEM, and all of it comes back', () => {
  const { k, s } = box([], { memLimitBytes: 1 << 20 });
  s.mkdir('/many', 0o755);
  const before = k.mem.used;
  let made = 0;
  let code = 'ok';
  while (code === 'ok' && made < 100_000) {
    const name = `/many/${made}`;
    code = codeOf(() => (made % 2 === 0 ? s.symlink('t'.repeat(100), name) : s.mkdir(name, 0o755)));
    if (code === 'ok') made++;
  }
  expect(code).toBe('ENOMEM');
  for (let i = 0; i < made; i++) {
    if (i % 2 === 0) s.unlink(`/many/${i}`);
    else s.rmdir(`/many/${i}`);
  }
  expect(k.mem.used).toBe(before);

  s.mkdir('/many/a', 0o755);
  s.setxattr('/many/a', 'user.x', new Uint8Array(1000), 0);
  s.setxattr('/many/a', 'user.x', new Uint8Array(10), 0);
  s.mkdir('/many/b', 0o755);
  s.rename('/many/a', '/many/b');
  s.rmdir('/many/b');
  expect(k.mem.used).toBe(before);
  k.halt();
});
