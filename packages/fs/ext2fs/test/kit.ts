/** Images by mke2fs, kernels that have them mounted, and e2fsck's opinion of what they leave. */
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mustRun, run } from '@anykernel/tools-oracle';
import { type DiskImage, type DiskOptions, Sim, type SimDisk, type SimHost } from '@anykernel/host-sim';
import { type KernelOptions, type Kernel, type Sys, boot } from '@anykernel/rumpkern';
import { type Mount, type Vfs, etfsRegister, rumpvfs } from '@anykernel/rumpvfs';
import { ext2fs } from '../src/index.js';
import type { Ext2fs } from '../src/fs.js';

/** In memory, where there is such a place. */
const TMP = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

export function withFolder<T>(body: (folder: string) => T): T {
  const folder = mkdtempSync(join(TMP, 'ext2fs-'));
  try {
    return body(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The variants of mke2fs whose images are read and written. */
export const VARIANTS: Readonly<Record<string, readonly string[]>> = {
  'the defaults': [],
  'blocks of 1 KiB': ['-b', '1024'],
  'blocks of 2 KiB': ['-b', '2048'],
  'blocks of 4 KiB': ['-b', '4096'],
  'revision 0': ['-r', '0'],
  'no features': ['-O', 'none'],
  'inodes of 128 bytes': ['-I', '128'],
  'inodes of 512 bytes, 4 KiB': ['-b', '4096', '-I', '512'],
  'no sparse_super, no filetype': ['-O', '^sparse_super,^filetype,^resize_inode'],
  'no dir_index, no large_file': ['-O', '^dir_index,^large_file'],
  'small groups': ['-b', '1024', '-g', '1024'],
  'meta_bg': ['-b', '1024', '-g', '256', '-O', 'meta_bg,^resize_inode'],
  'ext3': ['-t', 'ext3', '-b', '1024'],
  'ext4 without a journal': ['-t', 'ext4', '-b', '1024', '-O', '^has_journal'],
  'ext4': ['-t', 'ext4', '-b', '1024'],
  'ext4, 4 KiB': ['-t', 'ext4', '-b', '4096'],
  'ext4 with all of it': ['-t', 'ext4', '-b', '1024', '-g', '1024', '-O', 'inline_data,ea_inode,metadata_csum_seed,orphan_file,large_dir,project'],
  'ext4 with uninit_bg': ['-t', 'ext4', '-b', '1024', '-O', '^metadata_csum,uninit_bg'],
  'sparse_super2': ['-b', '1024', '-g', '1024', '-O', 'sparse_super2,^resize_inode'],
};

/** An image of `kib` KiB by mke2fs. */
export function mke2fs(kib: number, args: readonly string[] = []): Uint8Array {
  return withFolder((folder) => {
    const path = join(folder, 'image');
    mustRun('mke2fs', ['-q', '-F', ...(args.includes('-t') ? [] : ['-t', 'ext2']), ...args, path, `${kib}k`]);
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

/** What e2fsck -fn says of an image; empty: nothing is wrong. */
export function fsck(bytes: Uint8Array | DiskImage): string {
  return withImage(bytes, (path) => {
    const { status, stdout, stderr } = run('e2fsck', ['-fn', path]);
    return status === 0 && !/WARNING|not cleanly/.test(stdout + stderr) ? '' : `status ${status}\n${stdout}${stderr}`;
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
  fs(): Ext2fs;
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
  const k = boot(host, [ext2fs], options.kernel);
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
    fs: () => mp().data as Ext2fs,
    mount(flags = 0) {
      sys.mount('ext2fs', '/mnt', flags, { fspec: '/disk' });
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
