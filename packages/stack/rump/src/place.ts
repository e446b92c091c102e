/**
 * Places: where a command's operands are. `disk.img:/etc` is a path on a disk image, `disk.img@2:/etc` on a partition of one, anything else a path of the host.
 *
 * Both are used through the same interface: the host's `fs`, or ukfs on a kernel with the image mounted. An image is mounted once for a
 * command, read-only unless the command writes, and unmounted at its end.
 */
import hostFs from 'node:fs';
import { resolve } from 'node:path';
import { hostNode } from '@anykernel/host-node';
import { bytesOf, toBytestr } from '@anykernel/lib-bytes';
import { AT_FDCWD, AT_SYMLINK_NOFOLLOW, MNT_RDONLY, type Timespec } from '@anykernel/lib-sys';
import type { DiskPart, Kernel, Proc } from '@anykernel/rumpkern';
import { disk } from '@anykernel/disk';
import {
  MountError,
  MountOptionError,
  PartitionError,
  type Source,
  bootStack,
  deviceFor,
  mountFs,
  partNames,
  partsOf,
  splitSource,
} from '@anykernel/stack-boot';
import { ukfs } from '@anykernel/ukfs';
import { type Fs, type Times, byteFs } from './bytefs.js';
import type { Resolver } from './context.js';
import { PlaceError, UsageError } from './errors.js';
import { DISK_FILE_SYSTEMS } from './filesystems.js';

export interface Place {
  readonly fs: Fs;
  /** A byte string: absolute in an image; as it was given on the host. */
  readonly path: string;
  /** As it was given, as a byte string, for messages. */
  readonly text: string;
  readonly image: MountedImage | undefined;
}

export interface MountedImage {
  readonly file: string;
  readonly type: string;
  readonly readonly: boolean;
  readonly kernel: Kernel;
  readonly proc: Proc;
  readonly fs: Fs;
}

export interface PlaceOptions {
  /** File system type; otherwise it is detected. */
  readonly type?: string;
  /** mount(8)'s words. */
  readonly options?: readonly string[];
}

export const HOST_FS: Fs = byteFs(hostFs);

/** The images of one command. */
export class Places implements Resolver {
  readonly #images = new Map<string, MountedImage>();
  readonly #options: PlaceOptions;

  constructor(options: PlaceOptions = {}) {
    this.#options = options;
  }

  at(text: string, write: boolean): Place {
    const split = splitOperand(text);
    if (split === undefined) return { fs: HOST_FS, path: toBytestr(text), text: toBytestr(text), image: undefined };
    const image = this.image(split.file, write);
    return { fs: image.fs, path: toBytestr(split.path), text: toBytestr(text), image };
  }

  /** The image in `file`, mounted on the root of a kernel. PlaceError. */
  image(file: string, write: boolean): MountedImage {
    const key = keyOf(file);
    const there = this.#images.get(key);
    if (there !== undefined) {
      if (!write || !there.readonly || this.#options.options?.includes('ro') === true) return there;
      there.kernel.halt();
      this.#images.delete(key);
    }
    const image = mountImage(file, write, this.#options);
    this.#images.set(key, image);
    if (write) checkWritable(image, this.#options);
    return image;
  }

  /** Writes everything back and ends the kernels. */
  close(): void {
    for (const image of this.#images.values()) closeImage(image);
    this.#images.clear();
  }
}

/** One key for one image, or partition of one, whatever it was called. */
function keyOf(name: string): string {
  const { file, part } = sourceOf(name);
  const key = hostFs.existsSync(file) ? hostFs.realpathSync(file) : resolve(file);
  return part === undefined ? key : `${key}@${part}`;
}

/** An image's name: a file of the host, and the partition of it that is meant. */
export function sourceOf(name: string): Source {
  return splitSource(name, (file) => hostFs.existsSync(file));
}

/** PlaceError: the file system can only be read here, and nobody has asked for that. */
export function checkWritable(image: MountedImage, options: PlaceOptions): void {
  if (!image.readonly || options.options?.includes('ro') === true) return;
  throw new PlaceError(`${image.file}: can only be read: ${lastWords(image.kernel) ?? 'the file system says so'}`);
}

/** `file:/path` where `file` is a file or a device of the host, or a partition of one (`file@2`); undefined: a path of the host. PlaceError: there is no such file, or it is no image. */
export function splitOperand(text: string): { file: string; path: string } | undefined {
  let wrong: string | undefined;
  for (let colon = text.indexOf(':'); colon > 0; colon = text.indexOf(':', colon + 1)) {
    const file = text.slice(0, colon);
    const path = text.slice(colon + 1);
    if (path !== '' && !path.startsWith('/')) continue;
    const st = hostFs.statSync(sourceOf(file).file, { throwIfNoEntry: false });
    if (st?.isFile() === true || st?.isBlockDevice() === true) return { file, path: path === '' ? '/' : path };
    if (path !== '') wrong ??= `${file}: ${st === undefined ? 'no such file or directory' : st.isDirectory() ? 'is a directory, and no image' : 'is neither a file nor a block device'}`;
  }
  if (wrong !== undefined && !hostFs.existsSync(text)) throw new PlaceError(`${wrong} (in ${text})`);
  return undefined;
}

/** Boots a kernel and mounts the image in `file` on its root. PlaceError: what is wrong with it. */
export function mountImage(file: string, write: boolean, options: PlaceOptions): MountedImage {
  const { file: hostFile, part } = sourceOf(file);
  checkFile(hostFile);
  checkType(options.type);
  const kernel = bootStack(hostNode(), part === undefined ? DISK_FILE_SYSTEMS : [...DISK_FILE_SYSTEMS, disk], [], { verbose: false });
  try {
    const words = [...(options.options ?? []), ...(write ? [] : ['ro'])];
    mountFs(kernel, { type: options.type ?? 'auto', source: resolve(file), on: '/', options: words });
    const proc = kernel.newproc({ comm: 'rump' });
    proc.sys.umask(0o022);
    const sb = proc.sys.statvfs1('/', 0);
    const fs = imageFs(proc);
    return { file, type: sb.fstypename, readonly: (sb.flag & MNT_RDONLY) !== 0, kernel, proc, fs };
  } catch (e) {
    const parts = e instanceof MountError && e.code === 'ENODEV' && part === undefined ? partitionsOf(kernel, file) : undefined;
    kernel.halt({ nosync: true });
    if (e instanceof MountOptionError) throw new UsageError(e.message);
    if (e instanceof PartitionError) throw new PlaceError(e.message.replace(resolve(hostFile), hostFile));
    if (e instanceof MountError)
      throw new PlaceError(`${file}: ${parts ?? e.reason}${parts === undefined && e.code === 'ENODEV' && !e.foreign ? '; -t names one' : ''}`);
    throw new PlaceError(`${file}: ${shortly(e)}`);
  }
}

/** A kernel that is there already, as what an image is in a session; it may have no files. */
export function kernelPlace(file: string, kernel: Kernel): MountedImage {
  const proc = kernel.newproc({ comm: 'rump' });
  if (kernel.modules.has('rumpvfs')) proc.sys.umask(0o022);
  return { file, type: 'stack', readonly: false, kernel, proc, fs: imageFs(proc) };
}

/** What to say of a disk that has partitions where it should have a file system. */
function partitionsOf(kernel: Kernel, file: string): string | undefined {
  const parts = diskParts(kernel, file);
  return parts.length === 0 ? undefined : `has partitions: ${partNames(parts)}; ${file}@${parts[0]?.id} is one`;
}

/** The partitions of the disk in `file`, in a kernel that may have to learn of partitions first; none where it has no table, or none that can be read. */
function diskParts(kernel: Kernel, file: string): readonly DiskPart[] {
  try {
    if (!kernel.modules.has(disk.name)) kernel.modload(disk);
    const key = deviceFor(kernel, resolve(file));
    return partsOf(kernel, kernel.proc1.sys.stat(key).rdev, file);
  } catch {
    return [];
  }
}

/** The files of an image. Times are set to the nanosecond, which `fs` has no words for. */
function imageFs(proc: Proc): Fs {
  const set = (path: string, { atime, mtime }: Times, flags: number): void =>
    proc.sys.utimensat(AT_FDCWD, bytesOf(path), [timespec(atime), timespec(mtime)], flags);
  const fs = byteFs(ukfs(proc) as unknown as typeof hostFs);
  return {
    ...fs,
    /** Symbolic links have all permission bits, as on the systems where these file systems come from. */
    symlink(target, path): void {
      const umask = proc.sys.umask(0);
      try {
        fs.symlink(target, path);
      } finally {
        proc.sys.umask(umask);
      }
    },
    utimes: (path, times) => set(path, times, 0),
    lutimes: (path, times) => set(path, times, AT_SYMLINK_NOFOLLOW),
  };
}

function timespec(ns: bigint): Timespec {
  const sec = Number(ns / NS) - (ns % NS < 0n ? 1 : 0);
  return { sec, nsec: Number(ns - BigInt(sec) * NS) };
}

const NS = 1_000_000_000n;

/** A file or block device that can be opened. PlaceError. */
export function checkFile(file: string): void {
  try {
    const st = hostFs.statSync(file);
    if (!st.isFile() && !st.isBlockDevice()) throw new PlaceError(`${file}: is neither a file nor a block device`);
    if (st.isFile() && st.size === 0) throw new PlaceError(`${file}: is empty`);
    hostFs.accessSync(file, hostFs.constants.R_OK);
  } catch (e) {
    if (e instanceof PlaceError) throw e;
    throw new PlaceError(`${file}: ${shortly(e)}`);
  }
}

const KNOWN = ['auto', ...DISK_FILE_SYSTEMS.map((c) => c.name)];

function checkType(type: string | undefined): void {
  if (type !== undefined && !KNOWN.includes(type)) throw new UsageError(`type ${type}: is one of ${KNOWN.join(', ')}`);
}

/** An error's reason, without its code and names. */
export function shortly(e: unknown): string {
  return ((e as Error).message ?? String(e)).replace(/^E[A-Z]+: /, '').replace(/, \w+( '.*)?$/s, '');
}

/** What the file system said last of the image, if it said anything: `ext2fs: /dev/host/disk.img: inodes of 409 bytes`. */
function lastWords(kernel: Kernel): string | undefined {
  const line = kernel.msgbuf
    .text()
    .trim()
    .split('\n')
    .findLast((text) => DISK_FILE_SYSTEMS.some((c) => text.startsWith(`${c.name}: `)));
  return line?.replace(/^\w+: /, '').replace(/^\/dev\/(host\/\S+|dk\d+): /, '');
}

/** Writes back, and ends the image's kernel. PlaceError: not everything could be written. */
export function closeImage(image: MountedImage): void {
  try {
    if (!image.readonly && image.kernel.modules.has('rumpvfs')) image.proc.sys.sync();
    image.kernel.halt();
  } catch (e) {
    throw new PlaceError(`${image.file}: ${(e as Error).message}`);
  }
}
