/** The same work through `fs`, which is how most people meet a file system: ukfs on a kernel beside memfs, @zenfs/core and node:fs on the host's tmpfs. */
import { readFileSync, rmSync } from 'node:fs';
import nodeFs from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { hostNode } from '@anykernel/host-node';
import { type MountSpec, bootStack } from '@anykernel/stack-boot';
import { ext2fs } from '@anykernel/ext2fs';
import { tmpfs } from '@anykernel/tmpfs';
import { ukfs } from '@anykernel/ukfs';
import { gzipLength, memfsBundle, ukfsBundle } from './bundle.js';
import { ext2Wasm } from './ext2wasm.js';
import type { Case, Subject } from './measure.js';
import { assertClean, makeImage, scratch } from './peers.js';
import { BLOCK, FILE_BYTES } from './work.js';

type Fs = typeof nodeFs;

/** An `fs`, and where in it the work is done. */
interface FsPeer {
  readonly name: string;
  readonly fs: Fs;
  readonly root: string;
  /** How much less of the work it gets: those that are slow get less. */
  readonly slow: number;
  /** Nothing is cached after it. */
  remount?(): void;
  done(): void;
}

function onTmpfs(): FsPeer {
  const k = bootStack(hostNode(), [tmpfs], [{ type: 'tmpfs', on: '/' }]);
  return { name: 'ukfs, tmpfs', fs: ukfs(k.newproc()) as unknown as Fs, root: '', slow: 1, done: () => k.halt() };
}

async function peers(): Promise<FsPeer[]> {
  const dir = scratch();
  const { Volume, createFsFromVolume } = await import('memfs');
  const { InMemory, configureSingle, fs: zen } = await import('@zenfs/core');
  await configureSingle({ backend: InMemory });
  const none = (): void => undefined;
  return [
    onTmpfs(),
    { name: 'node:fs, host tmpfs', fs: nodeFs, root: dir, slow: 2, done: () => rmSync(dir, { recursive: true }) },
    { name: 'memfs', fs: createFsFromVolume(new Volume()) as unknown as Fs, root: '', slow: 2, done: none },
    { name: '@zenfs/core', fs: zen as unknown as Fs, root: '', slow: 40, done: none },
  ];
}

const EXT2_MIB = 256;

function onExt2(where: 'memory' | 'file'): FsPeer {
  const dir = scratch();
  const image = join(dir, 'disk.img');
  makeImage(image, EXT2_MIB);
  const host = hostNode();
  const bytes = where === 'memory' ? new Uint8Array(readFileSync(image)) : undefined;
  if (bytes !== undefined) host.provide('memory:disk', bytes);
  const mount: MountSpec = { type: 'ext2fs', source: bytes === undefined ? image : 'memory:disk', on: '/e' };
  const k = bootStack(host, [ext2fs], [mount]);
  const spec = k.proc1.sys.getvfsstat(1).find((s) => s.mntonname === '/e')?.mntfromname;
  return {
    name: `ukfs, ext2fs, ${where}`,
    fs: ukfs(k.newproc()) as unknown as Fs,
    root: '/e',
    slow: 1,
    remount(): void {
      k.proc1.sys.unmount('/e', 0);
      k.proc1.sys.mount('ext2fs', '/e', 0, { fspec: spec });
    },
    done(): void {
      k.halt();
      if (bytes !== undefined) nodeFs.writeFileSync(image, bytes);
      assertClean(image);
      rmSync(dir, { recursive: true });
    },
  };
}

type Work = (p: FsPeer) => Omit<Subject, 'name' | 'done'>;

function subjectsOf(all: readonly FsPeer[], make: Work): Subject[] {
  return all.map((p) => ({ name: p.name, ...make(p), done: () => p.done() }));
}

function onAll(name: string, unit: Case['unit'], reach: number, make: Work): Case {
  return { name: `fs: ${name}`, unit, reach, subjects: async () => subjectsOf(await peers(), make) };
}

/** So many calls, each of which is `one` step. */
function times(p: FsPeer, count: number, one: (i: number) => void): () => number {
  const n = Math.ceil(count / p.slow);
  return () => {
    for (let i = 0; i < n; i++) one(i);
    return n;
  };
}

function awaited(p: FsPeer, count: number, one: () => Promise<unknown>): () => Promise<number> {
  const n = Math.ceil(count / p.slow / (p.fs === nodeFs ? 10 : 1));
  return async () => {
    for (let i = 0; i < n; i++) await one();
    return n;
  };
}

function made({ fs, root }: FsPeer, path: string, bytes = 0): string {
  fs.mkdirSync(join(root, path, '..') || '/', { recursive: true });
  fs.writeFileSync(root + path, new Uint8Array(bytes));
  return root + path;
}

function createUnlink(count: number): Work {
  return (p) => {
    for (let i = 0; i < count; i++) made(p, `/d/file${i}`);
    const { fs } = p;
    return {
      run: times(p, 40_000 / (p.name.startsWith('@zenfs') && count > 100 ? 10 : 1), (i) => {
        const path = `${p.root}/d/new${i & 7}`;
        fs.closeSync(fs.openSync(path, 'w+'));
        fs.unlinkSync(path);
      }),
    };
  };
}

/** A file of 64 MiB in calls of 64 KiB. */
function bulk(move: (fs: Fs, fd: number, buf: Uint8Array, off: number) => number, before?: (fs: Fs, fd: number) => void): Work {
  return ({ fs, root }) => {
    const fd = fs.openSync(`${root}/big`, 'w+');
    for (let off = 0; off < FILE_BYTES; off += BLOCK.length) fs.writeSync(fd, BLOCK, 0, BLOCK.length, off);
    const buf = Uint8Array.from(BLOCK);
    return {
      ...(before === undefined ? {} : { before: () => before(fs, fd) }),
      run(): number {
        let moved = 0;
        for (let off = 0; off < FILE_BYTES; off += buf.length) moved += move(fs, fd, buf, off);
        if (moved !== FILE_BYTES || buf[0] !== 0x5a) throw new Error(`moved ${moved} bytes`);
        return moved;
      },
    };
  };
}

const read = (fs: Fs, fd: number, buf: Uint8Array, off: number): number => fs.readSync(fd, buf, 0, buf.length, off);
const write = (fs: Fs, fd: number, buf: Uint8Array, off: number): number => fs.writeSync(fd, buf, 0, buf.length, off);

const PAGE = 4096;

function paged(move: typeof read): Work {
  return (p) => {
    const fd = p.fs.openSync(made(p, '/page', 64 * PAGE), 'r+');
    const buf = new Uint8Array(PAGE);
    return { run: times(p, 300_000, (i) => void move(p.fs, fd, buf, ((i * 7919) & 63) * PAGE)) };
  };
}

/** What the import of a bundle takes of a process that does nothing else: processor time, of all of Node's threads. */
function importTime(name: string, code: Uint8Array): Subject {
  const dir = scratch();
  const file = join(dir, 'bundle.mjs');
  nodeFs.writeFileSync(file, code);
  const script = `const from = process.cpuUsage(); await import(${JSON.stringify(file)}); const { user, system } = process.cpuUsage(from);
    process.stdout.write(String(user + system))`;
  const run = (): number => {
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
    if (stdout === '') throw new Error('the bundle could not be imported');
    return Number(stdout) / 1e3;
  };
  return { name, run, figure: true, done: () => rmSync(dir, { recursive: true }) };
}

async function sizes(): Promise<Subject[]> {
  const [ours, theirs] = [await ukfsBundle(), await memfsBundle()];
  return [
    { name: 'ukfs, tmpfs', run: () => gzipLength(ours.code) },
    { name: 'memfs', run: () => gzipLength(theirs.code) },
  ];
}

async function imports(): Promise<Subject[]> {
  return [
    importTime('ukfs, tmpfs', (await ukfsBundle()).code),
    importTime('memfs', (await memfsBundle()).code),
    importTime('an empty module', new TextEncoder().encode('export {};')),
  ];
}

function onImages(name: string, unit: Case['unit'], reach: number, make: Work, wasm: 'read' | 'grow' | 'stat'): Case {
  const all = async (): Promise<Subject[]> => [...subjectsOf([onExt2('memory'), onExt2('file')], make), await ext2Wasm(wasm, EXT2_MIB)];
  return { name: `fs: ext2 ${name}`, unit, reach, subjects: all };
}

/** Cold: mounted anew before each round. */
const coldRead: Work = (p) => {
  const { fs, root } = p;
  fs.writeFileSync(`${root}/big`, new Uint8Array(FILE_BYTES).fill(0x5a));
  const buf = new Uint8Array(BLOCK.length);
  let fd = -1;
  return {
    before(): void {
      p.remount?.();
      fd = fs.openSync(`${root}/big`, 'r');
    },
    run(): number {
      let moved = 0;
      for (let off = 0; off < FILE_BYTES; off += buf.length) moved += read(fs, fd, buf, off);
      fs.closeSync(fd);
      return moved;
    },
  };
};

const growing: Work = ({ fs, root }) => ({
  before: () => fs.writeFileSync(`${root}/big`, ''),
  run(): number {
    const fd = fs.openSync(`${root}/big`, 'r+');
    for (let off = 0; off < FILE_BYTES; off += BLOCK.length) write(fs, fd, BLOCK, off);
    fs.fsyncSync(fd);
    fs.closeSync(fd);
    return FILE_BYTES;
  },
});

export const FS_CASES: readonly Case[] = [
  onAll('stat, 2 levels', 'calls/s', 1e6, (p) => {
    const path = made(p, '/a/f');
    return { run: times(p, 200_000, () => void p.fs.statSync(path)) };
  }),
  onAll('stat, 6 levels', 'calls/s', 0.8e6, (p) => {
    const path = made(p, '/a/b/c/d/e/f');
    return { run: times(p, 200_000, () => void p.fs.statSync(path)) };
  }),
  onAll('open+close', 'calls/s', 0.8e6, (p) => {
    const path = made(p, '/a/f');
    return { run: times(p, 100_000, () => p.fs.closeSync(p.fs.openSync(path, 'r'))) };
  }),
  onAll('create+unlink', 'calls/s', 0.3e6, createUnlink(4)),
  onAll('create+unlink in a directory of 1,000', 'calls/s', 0.3e6, createUnlink(1000)),
  onAll('readdir of 1,000', 'ms', 0.15, (p) => {
    for (let i = 0; i < 1000; i++) made(p, `/d/file${i}`);
    return { run: times(p, 200, () => void p.fs.readdirSync(`${p.root}/d`)) };
  }),
  onAll('64 KiB growing write', 'GB/s', 2, bulk(write, (fs, fd) => fs.ftruncateSync(fd, 0))),
  onAll('64 KiB overwrite', 'GB/s', 9, bulk(write)),
  onAll('64 KiB read', 'GB/s', 6, bulk(read)),
  onAll('4 KiB pread', 'calls/s', 1.5e6, paged(read)),
  onAll('4 KiB pwrite', 'calls/s', 1.2e6, paged(write)),
  onAll('promises.stat', 'calls/s', 0.6e6, (p) => {
    const path = made(p, '/a/f');
    return { run: awaited(p, 100_000, () => p.fs.promises.stat(path)) };
  }),
  onAll('promises.readFile of 4 KiB', 'calls/s', 0.3e6, (p) => {
    const path = made(p, '/a/f', PAGE);
    return { run: awaited(p, 50_000, () => p.fs.promises.readFile(path)) };
  }),
  { name: 'fs: bundle, minified and gzip', unit: 'KiB', reach: 45, subjects: sizes },
  { name: 'fs: import of the bundle, processor time', unit: 'ms', reach: 30, subjects: imports },
  onImages('stat', 'calls/s', 550e3, (p) => {
    const path = made(p, '/d/f');
    return { run: times(p, 100_000, () => void p.fs.statSync(path)) };
  }, 'stat'),
  onImages('cold read, 64 KiB', 'GB/s', 1, coldRead, 'read'),
  onImages('growing write and fsync, 64 KiB', 'GB/s', 0.8, growing, 'grow'),
];
