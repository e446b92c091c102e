/**
 * The host's name space: what the application has provided, then the paths of the machine.
 *
 * A name is text, or a byte string of the kernel: one whose characters are bytes that make valid UTF-8 is taken as those bytes.
 */
import type { Stats } from 'node:fs';
import type { HostFile, HostFileInfo, HostFileType, OpenMode } from '@anykernel/host-rumpuser';
import { memoryFile } from '@anykernel/lib-hostkit';
import { ERR } from '@anykernel/lib-sys';
import { closeSync, constants, fstatSync, openSync, readdirSync, statSync } from './builtin.js';
import { deviceSize, sysfsSize } from './device-size.js';
import { errnoOf } from './errno.js';
import { NodeFile } from './node-file.js';

/** What makes a host file at each open, and throws Errno: a memory file, or something of the application's own. */
export interface Opener {
  open(mode: OpenMode): HostFile;
  info(): HostFileInfo;
}

/** A host file from the application: bytes (kept, changed in place), or an opener. */
export type Provided = Uint8Array | Opener;

export class Files {
  readonly #provided = new Map<string, Opener>();

  constructor(provided: { readonly [name: string]: Provided }) {
    for (const [name, file] of Object.entries(provided)) this.provide(name, file);
  }

  provide(name: string, file: Provided | undefined): void {
    if (file === undefined) this.#provided.delete(name);
    else this.#provided.set(name, file instanceof Uint8Array ? memoryFile(file) : file);
  }

  open(name: string, mode: OpenMode): HostFile {
    const provided = this.#provided.get(name);
    if (provided === undefined) return openPath(name, mode);
    if (mode.create === true && mode.excl === true) throw ERR.EEXIST;
    return provided.open(mode);
  }

  getfileinfo(name: string): HostFileInfo | undefined {
    const provided = this.#provided.get(name);
    return provided === undefined ? infoOfPath(name) : provided.info();
  }

  /** Of the machine: what the application has provided is in no directory. */
  readdir(name: string): string[] {
    if (this.#provided.has(name)) throw ERR.ENOTDIR;
    return attempt(() => readdirSync(hostPath(name), { encoding: 'buffer' })).map((bytes) => bytes.toString('latin1'));
  }
}

function openPath(name: string, mode: OpenMode): HostFile {
  const write = mode.write === true;
  const read = mode.read === true || !write;
  const fd = attempt(() => openSync(hostPath(name), flagsOf(mode, read, write), 0o666));
  try {
    const st = fstatSync(fd);
    if (st.isDirectory()) throw ERR.EISDIR;
    return new NodeFile(fd, st.isBlockDevice() ? deviceSize(fd, st.rdev) : st.size, read, write);
  } catch (e) {
    closeSync(fd);
    throw errnoOf(e);
  }
}

function flagsOf(mode: OpenMode, read: boolean, write: boolean): number {
  let flags = read ? (write ? constants.O_RDWR : constants.O_RDONLY) : constants.O_WRONLY;
  if (mode.create === true) flags |= constants.O_CREAT;
  if (mode.create === true && mode.excl === true) flags |= constants.O_EXCL;
  return flags;
}

function infoOfPath(name: string): HostFileInfo | undefined {
  let st: Stats | undefined;
  try {
    st = statSync(hostPath(name), { throwIfNoEntry: false });
  } catch (e) {
    const err = errnoOf(e);
    if (err === ERR.ENOENT || err === ERR.ENOTDIR) return undefined;
    throw err;
  }
  if (st === undefined) return undefined;
  return { size: st.isBlockDevice() ? sizeOfDevice(name, st.rdev) : st.size, type: typeOf(st) };
}

/** Where /sys does not say it the device has to be opened; one that cannot be has no size that matters. */
function sizeOfDevice(name: string, rdev: number): number {
  const size = sysfsSize(rdev);
  if (size !== undefined) return size;
  const file = attempt(() => openPath(name, { read: true }));
  file.close();
  return file.size;
}

function typeOf(st: Stats): HostFileType {
  if (st.isFile()) return 'reg';
  if (st.isDirectory()) return 'dir';
  if (st.isBlockDevice()) return 'blk';
  return st.isCharacterDevice() ? 'chr' : 'other';
}

/** The path of a name, as text or as bytes. */
function hostPath(name: string): string | Buffer {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: every byte counts.
  if (!/[\x80-\xff]/.test(name) || /[^\x00-\xff]/.test(name)) return name;
  const bytes = Buffer.from(name, 'latin1');
  return process.getBuiltinModule('node:buffer').isUtf8(bytes) ? bytes : name;
}

function attempt<T>(fn: () => T): T {
  try {
    return fn();
  } catch (e) {
    throw errnoOf(e);
  }
}
