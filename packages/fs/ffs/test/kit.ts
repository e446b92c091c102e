/** Images by makefs, and kernels that have them mounted. */
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mustRun } from '@anykernel/tools-oracle';
import { type DiskImage, type DiskOptions, Sim, type SimDisk, type SimHost } from '@anykernel/host-sim';
import { type KernelOptions, type Kernel, type Sys, boot } from '@anykernel/rumpkern';
import { type Mount, type Vfs, etfsRegister, rumpvfs } from '@anykernel/rumpvfs';
import { type ImageIo, type NewfsOptions, ffs, fsck, newfs } from '../src/index.js';
import type { Ffs } from '../src/fs.js';

/** In memory, where there is such a place. */
const TMP = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

export function withFolder<T>(body: (folder: string) => T): T {
  const folder = mkdtempSync(join(TMP, 'ffs-'));
  try {
    return body(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The variants of makefs whose images are read and written. */
export const VARIANTS: Readonly<Record<string, readonly string[]>> = {
  'UFS1, little-endian': ['-B', 'le', '-o', 'version=1'],
  'UFS1, big-endian': ['-B', 'be', '-o', 'version=1'],
  'UFS2, little-endian': ['-B', 'le', '-o', 'version=2'],
  'UFS2, big-endian': ['-B', 'be', '-o', 'version=2'],
  'UFS1, blocks of 4 KiB and fragments of 512 bytes': ['-B', 'le', '-o', 'version=1,bsize=4096,fsize=512'],
  'UFS2, blocks of 4 KiB that are fragments': ['-B', 'be', '-o', 'version=2,bsize=4096,fsize=4096'],
  'UFS2, blocks of 16 KiB and fragments of 2 KiB': ['-B', 'le', '-o', 'version=2,bsize=16384,fsize=2048'],
  'UFS1, blocks of 32 KiB and fragments of 8 KiB': ['-B', 'be', '-o', 'version=1,bsize=32768,fsize=8192'],
  'UFS2, blocks of 64 KiB and fragments of 8 KiB': ['-B', 'le', '-o', 'version=2,bsize=65536,fsize=8192'],
};

/** An image of `kib` KiB by makefs, of the files that `fill` puts into a folder; none of them is somebody's. */
export function makefs(kib: number, args: readonly string[], fill?: (folder: string) => void): Uint8Array {
  return withFolder((folder) => {
    const tree = join(folder, 'tree');
    mkdirSync(tree);
    fill?.(tree);
    const path = join(folder, 'image');
    mustRun('makefs', ['-t', 'ffs', '-s', `${kib}k`, ...args, path, tree]);
    return new Uint8Array(readFileSync(path));
  });
}

/** A file with these bytes, for programs. */
export function withImage<T>(bytes: Uint8Array | DiskImage, body: (path: string) => T): T {
  return withFolder((folder) => {
    const path = join(folder, 'image');
    writeImage(bytes, path);
    return body(path);
  });
}

function writeImage(bytes: Uint8Array | DiskImage, path: string): void {
  if (bytes instanceof Uint8Array) {
    writeFileSync(path, bytes);
    return;
  }
  const fd = openSync(path, 'w');
  for (const [off, part] of bytes.extents()) writeSync(fd, part, 0, part.length, off);
  closeSync(fd);
  truncateSync(path, bytes.size);
}

export interface World {
  readonly sim: Sim;
  readonly host: SimHost;
  readonly disk: SimDisk;
  readonly k: Kernel;
  readonly vfs: Vfs;
  /** A process of the superuser, in the root of the file system. */
  readonly sys: Sys;
  readonly root: ReturnType<Kernel['newproc']>;
  mp(): Mount;
  fs(): Ffs;
  mount(flags?: number): void;
  unmount(): void;
  /** The disk's bytes, as they are. */
  bytes(): Uint8Array;
}

export interface WorldOptions {
  readonly seed?: number;
  readonly disk?: DiskOptions;
  readonly kernel?: KernelOptions;
  readonly params?: Readonly<Record<string, string>>;
}

/** A kernel with `image` as its disk, not mounted yet. */
export function world(image: Uint8Array | DiskImage, options: WorldOptions = {}): World {
  const sim = new Sim({ seed: options.seed ?? 1 });
  const host = sim.host({ params: options.params });
  const disk = sim.disk('disk', { ...(image instanceof Uint8Array ? { bytes: image } : { image }), ...options.disk });
  const k = boot(host, [ffs], options.kernel);
  const root = k.newproc({ comm: 'test' });
  const { sys } = root;
  const vfs = k.modules.use(rumpvfs);
  etfsRegister(vfs, '/disk', 'disk', 'blk');
  sys.mkdir('/mnt', 0o755);
  const mp = (): Mount => {
    const found = vfs.mounts.find((m) => m.onName === '/mnt');
    if (found === undefined) throw new Error('nothing is mounted');
    return found;
  };
  return {
    sim, host, disk, k, vfs, sys, root, mp,
    fs: () => mp().data as Ffs,
    mount(flags = 0) {
      sys.mount('ffs', '/mnt', flags, { fspec: '/disk' });
      sys.chdir('/mnt');
    },
    unmount() {
      sys.chdir('/');
      sys.unmount('/mnt', 0);
    },
    bytes: () => disk.snapshot().bytes(),
  };
}

/** As world(), mounted. */
export function mounted(image: Uint8Array | DiskImage, options: WorldOptions = {}, flags = 0): World {
  const w = world(image, options);
  w.mount(flags);
  return w;
}

/** The code of the error that `fn` throws; '' where it throws none. */
export function errnoOf(fn: () => unknown): string {
  try {
    fn();
    return '';
  } catch (e) {
    const { code } = e as { code?: string };
    if (code === undefined) throw e;
    return code;
  }
}

/** Bytes that can be told from others. */
export function pattern(len: number, seed: number): Uint8Array {
  const b = new Uint8Array(len);
  let x = (seed * 2654435761 + 1) >>> 0;
  for (let i = 0; i < len; i++) {
    x = (x ^ (x << 13)) >>> 0;
    x = (x ^ (x >>> 17)) >>> 0;
    x = (x ^ (x << 5)) >>> 0;
    b[i] = x;
  }
  return b;
}

/** What fsck says of an image; empty: nothing is wrong, and it says of itself that it is clean. */
export function check(bytes: Uint8Array | DiskImage): string {
  const b = bytes instanceof Uint8Array ? bytes : bytes.bytes();
  const report = fsck(ioOf(b), { time: 1 });
  const lines = report.problems.map((p) => p.text);
  if (!report.marked) lines.push('it is not marked as clean');
  return lines.slice(0, 12).join('\n');
}

/** An image in memory, for the checker. */
export function ioOf(b: Uint8Array): ImageIo {
  return { size: b.length, read: (off, len) => b.slice(off, off + len), write: (off, data) => b.set(data, off) };
}

/** An empty image by newfs. */
export function made(kib: number, options: Partial<NewfsOptions> = {}): Uint8Array {
  const b = new Uint8Array(kib * 1024);
  newfs({ size: b.length, write: (off, data) => b.set(data, off) }, { time: 1_600_000_000, id: 99, zeroed: true, ...options });
  return b;
}
