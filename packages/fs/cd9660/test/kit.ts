/** Images by other people's programs, and kernels that have them mounted. */
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, truncateSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mustRun } from '@anykernel/tools-oracle';
import { type DiskImage, type DiskOptions, Sim, type SimDisk, type SimHost } from '@anykernel/host-sim';
import { type Kernel, type KernelOptions, type Sys, boot } from '@anykernel/rumpkern';
import { type Vfs, etfsRegister, rumpvfs } from '@anykernel/rumpvfs';
import { fromBytestr } from '@anykernel/lib-bytes';
import { MNT_RDONLY, parseDirents } from '@anykernel/lib-sys';
import { type Cd9660Args, cd9660 } from '../src/index.js';
import type { CdFs } from '../src/fs.js';

const TMP = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

export function withFolder<T>(body: (folder: string) => T): T {
  const folder = mkdtempSync(join(TMP, 'cd9660-'));
  try {
    return body(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** How images are made: program, and arguments for a folder and an image. */
export type Maker = (folder: string, image: string) => readonly [string, readonly string[]];

export const MAKERS = {
  'xorriso, Rock Ridge and Joliet': (folder, image) => ['xorriso', ['-as', 'mkisofs', '-quiet', '-R', '-J', '-joliet-long', '-o', image, folder]],
  'genisoimage, Rock Ridge': (folder, image) => ['genisoimage', ['-quiet', '-R', '-o', image, folder]],
  'makefs, Rock Ridge': (folder, image) => ['makefs', ['-t', 'cd9660', '-o', 'rockridge', image, folder]],
  'genisoimage, Joliet': (folder, image) => ['genisoimage', ['-quiet', '-J', '-joliet-long', '-o', image, folder]],
  'genisoimage, ISO 9660:1999': (folder, image) => ['genisoimage', ['-quiet', '-iso-level', '4', '-o', image, folder]],
  'genisoimage, plain ISO 9660': (folder, image) => ['genisoimage', ['-quiet', '-l', '-allow-multidot', '-o', image, folder]],
} satisfies Record<string, Maker>;

/** An image of the folder. */
export function imageOf(folder: string, maker: Maker): Uint8Array {
  return withFolder((scratch) => {
    const image = join(scratch, 'image');
    const [program, args] = maker(folder, image);
    mustRun(program, args);
    return new Uint8Array(readFileSync(image));
  });
}

export interface World {
  readonly sim: Sim;
  readonly host: SimHost;
  readonly disk: SimDisk;
  readonly k: Kernel;
  readonly vfs: Vfs;
  readonly sys: Sys;
  readonly root: ReturnType<Kernel['newproc']>;
  fs(): CdFs;
  mount(): void;
  unmount(): void;
}

export interface WorldOptions {
  readonly seed?: number;
  readonly disk?: DiskOptions;
  readonly kernel?: KernelOptions;
  readonly params?: Readonly<Record<string, string>>;
  readonly args?: Partial<Cd9660Args>;
}

/** A kernel with `image` as its disk, not mounted yet. */
export function world(image: Uint8Array | DiskImage, options: WorldOptions = {}): World {
  const sim = new Sim({ seed: options.seed ?? 1 });
  const host = sim.host({ params: options.params });
  const disk = sim.disk('disk', { ...(image instanceof Uint8Array ? { bytes: image } : { image }), record: 'none', readonly: true, ...options.disk });
  const k = boot(host, [cd9660], options.kernel);
  const root = k.newproc({ comm: 'test' });
  const { sys } = root;
  const vfs = k.modules.use(rumpvfs);
  etfsRegister(vfs, '/disk', 'disk', 'blk');
  sys.mkdir('/mnt', 0o755);
  return {
    sim, host, disk, k, vfs, sys, root,
    fs: () => vfs.mounts.find((m) => m.onName === '/mnt')?.data as CdFs,
    mount() {
      sys.mount('cd9660', '/mnt', MNT_RDONLY, { fspec: '/disk', ...options.args });
      sys.chdir('/mnt');
    },
    unmount() {
      sys.chdir('/');
      sys.unmount('/mnt', 0);
    },
  };
}

/** As world(), mounted. */
export function mounted(image: Uint8Array | DiskImage, options: WorldOptions = {}): World {
  const w = world(image, options);
  w.mount();
  return w;
}

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

export function names(sys: Sys, path: string): string[] {
  const fd = sys.open(path, 0);
  const found: string[] = [];
  const buf = new Uint8Array(8192);
  for (let n = sys.getdents(fd, buf); n > 0; n = sys.getdents(fd, buf)) {
    for (const e of parseDirents(buf, n)) if (e.name !== '.' && e.name !== '..') found.push(fromBytestr(e.name));
  }
  sys.close(fd);
  return found.sort();
}

export function readFile(sys: Sys, path: string): Uint8Array {
  const fd = sys.open(path, 0);
  try {
    const b = new Uint8Array(sys.fstat(fd).size);
    for (let at = 0; at < b.length; ) {
      const n = sys.read(fd, b.subarray(at, at + 65536));
      if (n === 0) throw new Error(`${path} ends at ${at} of ${b.length}`);
      at += n;
    }
    return b;
  } finally {
    sys.close(fd);
  }
}

/** An image as a sparse file, for programs. */
export function writeSparse(image: DiskImage, path: string): void {
  const fd = openSync(path, 'w');
  for (const [off, part] of image.extents()) writeSync(fd, part, 0, part.length, off);
  closeSync(fd);
  truncateSync(path, image.size);
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
