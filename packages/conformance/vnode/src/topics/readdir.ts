/** getdents(2): every entry once, whatever happens meanwhile. NetBSD tmpfs readdir; IEEE Std 1003.1 readdir(). */
import { DT_DIR, DT_FIFO, DT_LNK, DT_REG, DT_UNKNOWN, O_RDONLY, SEEK_CUR, SEEK_SET, parseDirents } from '@anykernel/lib-sys';
import { expect } from '@jest/globals';
import { type Cases, needing } from '../cases.js';
import { type Context, fails } from '../context.js';

/** Calls getdents with a small buffer, and `between` after each call; the names, in order, without dots. */
function slowly(t: Context, dir: string, bufLen: number, between: (round: number) => void): string[] {
  const fd = t.sys.open(dir, O_RDONLY);
  const buf = new Uint8Array(bufLen);
  const names: string[] = [];
  for (let round = 0; ; round++) {
    const len = t.sys.getdents(fd, buf);
    if (len === 0) break;
    for (const e of parseDirents(buf, len)) if (e.name !== '.' && e.name !== '..') names.push(e.name);
    between(round);
    if (round > 10_000) throw new Error('getdents does not come to an end');
  }
  t.sys.close(fd);
  return names;
}

/** Every name of `must` once, none twice, and nothing but names of `may`. */
function expectOnce(names: readonly string[], must: readonly string[], may: readonly string[] = must): void {
  expect(new Set(names).size).toBe(names.length);
  for (const name of must) if (!names.includes(name)) throw new Error(`${name} is not listed`);
  for (const name of names) if (!may.includes(name)) throw new Error(`${name} is listed`);
}

function fill(t: Context, dir: string, count: number, prefix = 'f'): string[] {
  t.sys.mkdir(dir, 0o755);
  const names = Array.from({ length: count }, (_, i) => `${prefix}${i}`);
  for (const name of names) t.touch(`${dir}/${name}`);
  return names;
}

export const readdir: Cases = {
  'dot and dot-dot are listed, with their numbers'(t) {
    t.sys.mkdir('d', 0o755);
    const entries = t.entries('d');
    if (t.lacks('dots')) {
      expect(entries).toEqual([]);
      return;
    }
    expect(entries.map((e) => e.name).sort()).toEqual(['.', '..']);
    expect(entries.find((e) => e.name === '.')?.ino).toBe(t.stat('d').ino);
    expect(entries.find((e) => e.name === '..')?.ino).toBe(t.stat('.').ino);
  },

  'entries tell the number and the type of their files'(t) {
    t.touch('f');
    t.sys.mkdir('d', 0o755);
    const types: Record<string, number> = { f: DT_REG, d: DT_DIR };
    if (!t.lacks('symlinks')) {
      t.sys.symlink('f', 's');
      types['s'] = DT_LNK;
    }
    if (!t.lacks('fifos')) {
      t.sys.mkfifo('p', 0o644);
      types['p'] = DT_FIFO;
    }
    for (const [name, type] of Object.entries(types)) {
      const e = t.entries('.').find((x) => x.name === name);
      expect(e?.ino).toBe(t.sys.lstat(name).ino);
      expect([type, DT_UNKNOWN]).toContain(e?.type);
    }
  },

  'an entry that is made is listed, one that is removed is not'(t) {
    t.touch('a');
    expect(t.list('.')).toEqual(['a']);
    t.touch('b');
    t.sys.mkdir('c', 0o755);
    expect(t.list('.')).toEqual(['a', 'b', 'c']);
    t.sys.unlink('a');
    t.sys.rmdir('c');
    expect(t.list('.')).toEqual(['b']);
  },

  'many entries come through a small buffer, each once'(t) {
    const names = fill(t, 'd', 500);
    for (const bufLen of [512, 1024, 4096, 65_536])
      expectOnce(
        slowly(t, 'd', bufLen, () => {}),
        names,
      );
  },

  'a buffer too small for an entry is refused'(t) {
    t.touch('n'.repeat(200));
    const fd = t.sys.open('.', O_RDONLY);
    fails(() => t.sys.getdents(fd, new Uint8Array(8)), 'EINVAL');
    t.sys.close(fd);
  },

  'only directories are listed'(t) {
    t.touch('f');
    const fd = t.sys.open('f', O_RDONLY);
    fails(
      () => t.sys.getdents(fd, new Uint8Array(512)),
      ...t.differs({ netbsd: ['EINVAL', 'ENOTDIR'], linux: 'ENOTDIR' }, 'getdents(2) of NetBSD names EINVAL'),
    );
    t.sys.close(fd);
  },

  'removing what was listed disturbs nothing'(t) {
    const names = fill(t, 'd', 300);
    let listed: string[] = [];
    const fd = t.sys.open('d', O_RDONLY);
    const buf = new Uint8Array(1024);
    for (;;) {
      const len = t.sys.getdents(fd, buf);
      if (len === 0) break;
      const some = parseDirents(buf, len)
        .map((e) => e.name)
        .filter((n) => n !== '.' && n !== '..');
      for (const name of some) t.sys.unlink(`d/${name}`);
      listed = listed.concat(some);
    }
    t.sys.close(fd);
    expectOnce(listed, names);
    expect(t.list('d')).toEqual([]);
    t.sys.rmdir('d');
  },

  'entries that stay are listed once while others come and go'(t) {
    const stay = fill(t, 'd', 200, 'stay');
    const come: string[] = [];
    for (let i = 0; i < 200; i++) t.touch(`d/go${i}`);
    const go = Array.from({ length: 200 }, (_, i) => `go${i}`);
    const names = slowly(t, 'd', 1024, (round) => {
      for (let i = 0; i < 10; i++) {
        const name = `come${round}.${i}`;
        if (come.length < 300) {
          t.touch(`d/${name}`);
          come.push(name);
        }
        const gone = round * 10 + i;
        if (gone < go.length) t.sys.unlink(`d/go${gone}`);
      }
    });
    expectOnce(names, stay, [...stay, ...go, ...come]);
  },

  'a directory that was read to its end gives what came later after rewinding'(t) {
    fill(t, 'd', 3);
    const fd = t.sys.open('d', O_RDONLY);
    const buf = new Uint8Array(4096);
    const round = (): string[] => {
      const names: string[] = [];
      for (;;) {
        const len = t.sys.getdents(fd, buf);
        if (len === 0) return names.filter((n) => n !== '.' && n !== '..').sort();
        names.push(...parseDirents(buf, len).map((e) => e.name));
      }
    };
    expect(round()).toEqual(['f0', 'f1', 'f2']);
    t.touch('d/g');
    t.sys.unlink('d/f0');
    t.sys.lseek(fd, 0, SEEK_SET);
    expect(round()).toEqual(['f1', 'f2', 'g']);
    t.sys.close(fd);
  },

  'a place in a directory can be gone back to'(t) {
    fill(t, 'd', 100);
    const fd = t.sys.open('d', O_RDONLY);
    const buf = new Uint8Array(1024);
    t.sys.getdents(fd, buf);
    const place = t.sys.lseek(fd, 0, SEEK_CUR);
    const first = parseDirents(buf, t.sys.getdents(fd, buf)).map((e) => e.name);
    for (let i = 0; i < 20; i++) t.touch(`d/late${i}`);
    t.sys.lseek(fd, place, SEEK_SET);
    const again: string[] = [];
    for (let len = t.sys.getdents(fd, buf); len > 0; len = t.sys.getdents(fd, buf))
      again.push(...parseDirents(buf, len).map((e) => e.name));
    expect(again.filter((name) => first.includes(name))).toEqual(first);
    t.sys.close(fd);
  },

  'renaming within a directory lists the file at most under both names': needing('rename', (t) => {
    const names = fill(t, 'd', 50);
    const listed = slowly(t, 'd', 512, (round) => {
      if (round === 0) for (let i = 0; i < 50; i += 10) t.sys.rename(`d/f${i}`, `d/r${i}`);
    });
    const moved = names.filter((_, i) => i % 10 === 0);
    expectOnce(
      listed,
      names.filter((n) => !moved.includes(n)),
      [...names, ...moved.map((n) => n.replace('f', 'r'))],
    );
  }),

  'a reader comes to an end though he renames all that he is given': needing('rename', (t) => {
    fill(t, 'd', 100);
    const fd = t.sys.open('d', O_RDONLY);
    const buf = new Uint8Array(512);
    let given = 0;
    for (let len = t.sys.getdents(fd, buf); len > 0; len = t.sys.getdents(fd, buf)) {
      for (const { name } of parseDirents(buf, len)) {
        if (name === '.' || name === '..') continue;
        t.sys.rename(`d/${name}`, `d/${name.startsWith('f') ? 'g' : 'f'}${name.slice(1)}`);
        if (++given > 10_000) throw new Error('there is no end');
      }
    }
    t.sys.close(fd);
    expect(t.list('d').length).toBe(100);
  }),

  'names of all lengths are listed whole'(t) {
    const names = Array.from({ length: t.limits.nameMax }, (_, i) => 'x'.repeat(i + 1));
    for (const name of names) t.touch(name);
    expect(t.list('.')).toEqual(names);
  },
};
