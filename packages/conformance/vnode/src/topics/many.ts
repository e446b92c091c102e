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

/** Names that are measured together. */
const SLICE = COUNT / 100;

/** Seconds that `work` takes for a slice of the names from `from` to `to`: the least of the slices, as whatever else the machine does only adds to it. */
function seconds(from: number, to: number, work: (from: number, to: number) => void): number {
  let least = Infinity;
  for (let at = from; at < to; at += SLICE) {
    const start = performance.now();
    work(at, at + SLICE);
    least = Math.min(least, (performance.now() - start) / 1000);
  }
  return least;
}

/** A slice in the end may take a few times as long as one in the beginning, not ten times; what is too short to tell is fine. */
function expectLinear(first: number, last: number): void {
  if (last > 0.02) expect(last).toBeLessThan(first * 6 + 0.02);
}

export const many: Cases = {
  'ten thousand files are made, found, listed and removed'(t) {
    t.sys.mkdir('d', 0o755);
    const tenth = COUNT / 10;
    const first = seconds(0, tenth, (from, to) => make(t, 'd', from, to));
    make(t, 'd', tenth, COUNT - tenth);
    expectLinear(
      first,
      seconds(COUNT - tenth, COUNT, (from, to) => make(t, 'd', from, to)),
    );
    const looked = seconds(0, COUNT, (from, to) => {
      for (let i = from; i < to; i++) t.sys.stat(`d/${name(i)}`);
    });
    expect(looked).toBeLessThan(0.05);
    const listed = new Set(t.list('d'));
    expect(listed.size).toBe(COUNT);
    for (let i = 0; i < COUNT; i++) if (!listed.has(name(i))) throw new Error(`${name(i)} is not listed`);
    const remove = (from: number, to: number): void => {
      for (let i = from; i < to; i++) t.sys.unlink(`d/${name(i)}`);
    };
    const early = seconds(0, tenth, remove);
    remove(tenth, COUNT - tenth);
    const late = seconds(COUNT - tenth, COUNT, remove);
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
