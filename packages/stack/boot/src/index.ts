/**
 * Boots a stack: components, and file systems mounted where they are wanted. It is what a composed bundle, the `rump` command and a
 * program of your own begin with.
 */
import type { Rumpuser } from '@anykernel/host-rumpuser';
import type { AnyComponent } from '@anykernel/lib-component';
import {
  ERR,
  Errno,
  MNT_ASYNC,
  MNT_LOG,
  MNT_NOATIME,
  MNT_NODEV,
  MNT_NOEXEC,
  MNT_NOSUID,
  MNT_RDONLY,
  MNT_SYNCHRONOUS,
  libuvMessage,
} from '@anykernel/lib-sys';
import { type Kernel, type KernelOptions, SystemError, WouldSleep, boot } from '@anykernel/rumpkern';
import { etfsOf, etfsRegister, rumpvfs } from '@anykernel/rumpvfs';
import { mountError } from './mounterror.js';
import { findPart, partsOf, splitSource } from './partition.js';

export { HEAD_LEN, foreignFormat } from './foreign.js';
export { MountError } from './mounterror.js';
export { PartitionError, type Source, findPart, partNames, partsOf, splitSource } from './partition.js';

export interface MountSpec {
  /** The file system's type: its component's name. */
  readonly type: string;
  /** A name in the host's space, with the file system's image: it becomes a block device. `disk.img@2`, `disk.img@root`: a part of it. */
  readonly source?: string;
  /** Absolute path in the kernel; directories on the way are made. */
  readonly on: string;
  /** mount(8)'s words (`ro`, `nosuid`, `noatime` ...), and `name=value` for the file system's own arguments. */
  readonly options?: readonly string[];
}

/** Boots `components` and mounts what `mounts` says, in order. What goes wrong halts the kernel, and is thrown on. */
export function bootStack(
  host: Rumpuser,
  components: readonly AnyComponent[],
  mounts: readonly MountSpec[] = [],
  options: KernelOptions = {},
): Kernel {
  const k = boot(host, components, options);
  try {
    for (const m of mounts) mountFs(k, m);
  } catch (e) {
    k.halt({ nosync: true });
    throw e;
  }
  return k;
}

/** Mounts one file system, as the superuser. MountTypeError: there is none of that type. MountError: what the kernel or the file system says. */
export function mountFs(k: Kernel, m: MountSpec): void {
  const { flags, args } = parseOptions(m.options ?? []);
  if (!k.modules.has(rumpvfs.name)) throw new MountTypeError(m, []);
  if (m.source !== undefined) args['fspec'] = deviceFor(k, m.source);
  makeDirs(k, m.on);
  const before = k.msgbuf.text();
  try {
    k.proc1.sys.mount(m.type, m.on, flags, args);
  } catch (e) {
    const { types } = k.modules.use(rumpvfs);
    if (m.type !== 'auto' && !types.has(m.type)) throw new MountTypeError(m, [...types.keys()]);
    const { code } = e as { readonly code?: string };
    throw code !== undefined && !(e instanceof WouldSleep) && Object.hasOwn(ERR, code)
      ? mountError(k, m, ERR[code as keyof typeof ERR], before)
      : e;
  }
}

/** A type of file system that no component of the kernel brings. */
export class MountTypeError extends Error {
  override name = 'MountTypeError';
  readonly code = 'ENODEV';
  constructor(m: MountSpec, types: readonly string[]) {
    super(`mount on ${m.on}: no component of this kernel brings file systems of type ${m.type}; there are ${types.join(', ') || 'none'}`);
  }
}

/**
 * A block device over a host file, or over a part of it; the node's path. The same file has one device. SystemError: there is no such file, or it is a
 * directory. PartitionError: it has no such part.
 */
export function deviceFor(k: Kernel, source: string): string {
  const { file, part } = splitSource(source, (name) => isThere(k, name));
  const key = `/dev/host/${encodeURIComponent(file)}`;
  const vfs = k.modules.use(rumpvfs);
  try {
    k.run(() => etfsRegister(vfs, key, file, 'blk'));
  } catch (e) {
    if (!(e instanceof Errno)) throw e;
    if (e !== ERR.EEXIST) throw new SystemError(e, libuvMessage(e.code), 'open', file);
  }
  if (part === undefined) return key;
  const dev = etfsOf(vfs).vnodeOf(key)?.rdev ?? -1;
  return `/dev/${findPart(partsOf(k, dev, file), part, file).node}`;
}

function isThere(k: Kernel, name: string): boolean {
  try {
    return k.host.getfileinfo(name) !== undefined;
  } catch (e) {
    k.ignoreErrno(e);
    return false;
  }
}

function makeDirs(k: Kernel, path: string): void {
  const sys = k.proc1.sys;
  let at = '';
  for (const name of path.split('/')) {
    if (name === '') continue;
    at += `/${name}`;
    try {
      sys.mkdir(at, 0o755);
    } catch (e) {
      if ((e as { code?: string }).code !== 'EEXIST') throw e;
    }
  }
}

const FLAGS: Readonly<Record<string, number>> = {
  ro: MNT_RDONLY,
  rw: 0,
  nosuid: MNT_NOSUID,
  nodev: MNT_NODEV,
  noexec: MNT_NOEXEC,
  noatime: MNT_NOATIME,
  sync: MNT_SYNCHRONOUS,
  async: MNT_ASYNC,
  log: MNT_LOG,
};

/** A word of mount(8) that is none. */
export class MountOptionError extends Error {
  override name = 'MountOptionError';
  readonly code = 'EINVAL';
}

/** Flags and arguments from option words, which may also stand in one with commas. A value that is a number is one; it may have k, m or g behind it. */
export function parseOptions(words: readonly string[]): { flags: number; args: Record<string, unknown> } {
  let flags = 0;
  const args: Record<string, unknown> = {};
  for (const word of words.flatMap((w) => w.split(','))) {
    const eq = word.indexOf('=');
    if (eq > 0) args[word.slice(0, eq)] = parseValue(word.slice(eq + 1));
    else if (Object.hasOwn(FLAGS, word)) flags |= FLAGS[word];
    else throw new MountOptionError(`mount option ${word}: there are ${Object.keys(FLAGS).join(', ')}, and name=value`);
  }
  return { flags, args };
}

const UNIT: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1048576, g: 1073741824 };

function parseValue(text: string): string | number {
  if (/^0[0-7]+$/.test(text)) return Number.parseInt(text, 8);
  const m = /^(\d+)([kmg]?)$/i.exec(text);
  return m === null ? text : Number(m[1]) * UNIT[m[2].toLowerCase()];
}
