/** Images by mkfs.fat and by newfs, kernels that have them mounted, and fsck.fat's opinion of what they leave. */
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mustRun, run } from '@anykernel/tools-oracle';
import { DiskImage, type DiskOptions, Sim, type SimDisk, type SimHost } from '@anykernel/host-sim';
import { type Kernel, type KernelOptions, type Sys, boot } from '@anykernel/rumpkern';
import { type Mount, type Vfs, etfsRegister, rumpvfs } from '@anykernel/rumpvfs';
import { type MsdosfsArgs, type NewfsOptions, msdosfs, newfs } from '../src/index.js';
import type { MsdosFs } from '../src/fs.js';

/** In memory, where there is such a place. */
const TMP = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

export function withFolder<T>(body: (folder: string) => T): T {
  const folder = mkdtempSync(join(TMP, 'msdosfs-'));
  try {
    return body(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The variants of mkfs.fat whose images are read and written: KiB, and arguments. */
export const VARIANTS: Readonly<Record<string, readonly [number, readonly string[]]>> = {
  'a floppy disk': [1440, []],
  'FAT12, clusters of 4 KiB': [4000, ['-F', '12', '-s', '8']],
  'FAT16, clusters of 2 KiB': [9300, ['-F', '16', '-s', '4']],
  'FAT16, one FAT': [5000, ['-F', '16', '-s', '2', '-f', '1']],
  'FAT16, nothing aligned': [4001, ['-F', '16', '-a', '-s', '1', '-r', '48']],
  'FAT16, sectors of 4 KiB': [17_000, ['-F', '16', '-S', '4096', '-s', '1']],
  FAT32: [34_000, ['-F', '32', '-s', '1']],
  'FAT32, small, clusters of 8 KiB': [5000, ['-F', '32', '-s', '16']],
  'FAT32, small, nothing aligned': [4001, ['-F', '32', '-a', '-s', '2']],
};

/** An image of `kib` KiB by mkfs.fat. */
export function mkfs(kib: number, args: readonly string[] = []): Uint8Array {
  return withFolder((folder) => {
    const path = join(folder, 'image');
    mustRun('mkfs.fat', ['-C', '-i', '1234abcd', ...args, path, `${kib}`]);
    return new Uint8Array(readFileSync(path));
  });
}

/** An image by newfs. */
export function fresh(bytes: number, options: Partial<NewfsOptions> = {}): Uint8Array {
  const image = new Uint8Array(bytes);
  newfs({ size: bytes, write: (off, data) => image.set(data, off) }, { time: 1e9, serial: 1, zeroed: true, ...options });
  return image;
}

/** A file with these bytes, for programs. */
export function withImage<T>(bytes: Uint8Array | DiskImage, body: (path: string, folder: string) => T): T {
  return withFolder((folder) => {
    const path = join(folder, 'image');
    writeImage(bytes, path);
    return body(path, folder);
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

/** What fsck.fat -n says of an image; empty: nothing is wrong. */
export function fsck(bytes: Uint8Array | DiskImage): string {
  return withImage(bytes, (path) => {
    const { status, stdout, stderr } = run('fsck.fat', ['-n', path]);
    return status === 0 ? '' : `status ${status}\n${stdout}${stderr}`;
  });
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
  fs(): MsdosFs;
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
  readonly args?: Partial<MsdosfsArgs>;
}

/** A kernel with `image` as its disk, not mounted yet. */
export function world(image: Uint8Array | DiskImage, options: WorldOptions = {}): World {
  const sim = new Sim({ seed: options.seed ?? 1 });
  const host = sim.host({ params: options.params });
  const disk = sim.disk('disk', { ...(image instanceof Uint8Array ? { bytes: image } : { image }), ...options.disk });
  const k = boot(host, [msdosfs], options.kernel);
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
    fs: () => mp().data as MsdosFs,
    mount(flags = 0) {
      sys.mount('msdosfs', '/mnt', flags, { fspec: '/disk', ...options.args });
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
