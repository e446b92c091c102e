/** Directories of many entries: right, and in a time that grows with their number and not its square. */
import { O_CREAT, O_EXCL, O_RDONLY, O_WRONLY } from '@anykernel/lib-sys';
import { expect } from '@jest/globals';
import { type Cases, needing } from '../cases.js';
import type { Context } from '../context.js';

const COUNT = 10_000;

function name(i: number): string {
  return `entry-${i}`;
}

function make(t: Context, dir: string, from: number, to: number): void {
  for (let i = from; i < to; i++) t.sys.close(t.sys.open(`${dir}/${name(i)}`, O_WRONLY | O_CREAT | O_EXCL, 0o644));
}

/** Seconds that `work` takes. */
function seconds(work: () => void): number {
  const start = performance.now();
  work();
  return (performance.now() - start) / 1000;
}

/** The last tenth of a job may take a few times as long as the first, not ten times; what is too short to tell is fine. */
function expectLinear(first: number, last: number): void {
  if (last > 0.2) expect(last).toBeLessThan(first * 6 + 0.2);
}

export const many: Cases = {
  'ten thousand files are made, found, listed and removed'(t) {
    t.sys.mkdir('d', 0o755);
    const tenth = COUNT / 10;
    const first = seconds(() => make(t, 'd', 0, tenth));
    make(t, 'd', tenth, COUNT - tenth);
    expectLinear(
      first,
      seconds(() => make(t, 'd', COUNT - tenth, COUNT)),
    );
    const looked = seconds(() => {
      for (let i = 0; i < COUNT; i++) t.sys.stat(`d/${name(i)}`);
    });
    expect(looked).toBeLessThan(5);
    const listed = new Set(t.list('d'));
    expect(listed.size).toBe(COUNT);
    for (let i = 0; i < COUNT; i++) if (!listed.has(name(i))) throw new Error(`${name(i)} is not listed`);
    const early = seconds(() => {
      for (let i = 0; i < tenth; i++) t.sys.unlink(`d/${name(i)}`);
    });
    for (let i = tenth; i < COUNT - tenth; i++) t.sys.unlink(`d/${name(i)}`);
    const late = seconds(() => {
      for (let i = COUNT - tenth; i < COUNT; i++) t.sys.unlink(`d/${name(i)}`);
    });
    expectLinear(Math.max(early, late), Math.min(early, late));
    expect(t.list('d')).toEqual([]);
    t.sys.rmdir('d');
  },

  'removing from the end, and making again in the gaps'(t) {
    t.sys.mkdir('d', 0o755);
    make(t, 'd', 0, 2000);
    for (let i = 1999; i >= 0; i -= 2) t.sys.unlink(`d/${name(i)}`);
    expect(t.list('d').length).toBe(1000);
    make(t, 'd', 2000, 3000);
    for (let i = 0; i < 2000; i += 2) expect(t.exists(`d/${name(i)}`)).toBe(true);
    expect(t.exists(`d/${name(1)}`)).toBe(false);
    expect(t.list('d').length).toBe(2000);
  },

  'a thousand directories in one'(t) {
    t.sys.mkdir('d', 0o755);
    const count = Math.min(1000, t.limits.linkMax - 2);
    for (let i = 0; i < count; i++) t.sys.mkdir(`d/${i}`, 0o755);
    if (!t.lacks('dirlinks')) expect(t.stat('d').nlink).toBe(count + 2);
    for (let i = 0; i < count; i++) t.sys.rmdir(`d/${i}`);
    if (!t.lacks('dirlinks')) expect(t.stat('d').nlink).toBe(2);
  },

  'renaming back and forth between large directories': needing('rename', (t) => {
    t.sys.mkdir('a', 0o755);
    t.sys.mkdir('b', 0o755);
    make(t, 'a', 0, 1000);
    for (let i = 0; i < 1000; i++) t.sys.rename(`a/${name(i)}`, `b/${name(999 - i)}`);
    expect(t.list('a')).toEqual([]);
    expect(t.list('b').length).toBe(1000);
  }),

  'sixty files are open at once'(t) {
    make(t, '.', 0, 60);
    const fds = Array.from({ length: 60 }, (_, i) => t.sys.open(name(i), O_RDONLY));
    const inos = new Set(fds.map((fd) => t.sys.fstat(fd).ino));
    expect(inos.size).toBe(60);
    for (const fd of fds) t.sys.close(fd);
  },
};
