/**
 * `node:fs` in one line: a kernel with its file systems, and the `fs` of a process in it.
 *
 * Everything that @anykernel/ukfs exports is exported here too, and `ukfs(proc)` is the same; without a process, ukfs() boots a kernel.
 */
import type { Rumpuser } from '@anykernel/host-rumpuser';
import type { AnyComponent } from '@anykernel/lib-component';
import { type Kernel, Proc } from '@anykernel/rumpkern';
import { type MountSpec, bootStack } from '@anykernel/stack-boot';
import { type Tree, type Ukfs, fromSnapshot, fromTree, ukfs as ofProcess } from '@anykernel/ukfs';
import { type Checked, checked } from './arguments.js';
import { haltAtExit, haltNow } from './atexit.js';
import { componentsFor } from './filesystems.js';

export * from '@anykernel/ukfs';

export interface UkfsOptions {
  /**
   * What is mounted: an image (a host file's name or `file:` URL, or its bytes, which are changed in place) on the root, its type found out; or a list of
   * mounts, of any types. Without it the root is a fresh tmpfs.
   */
  readonly mount?: string | URL | Uint8Array | readonly MountSpec[];
  /** For an image: its type, and mount(8)'s words (`ro`). For a tmpfs: `size=64m`. */
  readonly type?: string;
  readonly options?: readonly string[];
  /** Components besides those of the file systems: a third party's file system, a driver. */
  readonly components?: readonly AnyComponent[];
  /** Who the process is; the superuser otherwise. */
  readonly uid?: number;
  readonly gid?: number;
  readonly groups?: readonly number[];
  readonly umask?: number;
  /** Its current directory; `/` otherwise. */
  readonly cwd?: string;
  /** What is in the root at first. */
  readonly tree?: Tree;
  readonly snapshot?: Uint8Array;
  /** The world of the kernel; Node otherwise. */
  readonly host?: Rumpuser;
}

/** An `fs` with a kernel of its own. */
export interface OwnUkfs extends Ukfs {
  readonly kernel: Kernel;
  readonly process: Proc;
  /** Writes everything back, unmounts, and ends the kernel. A second time is nothing. */
  halt(): void;
  [Symbol.dispose](): void;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * `await ukfs()`: a fresh tmpfs. `await ukfs({ mount: 'disk.img' })`: an image. `ukfs(process)`: the `fs` of a process that there is.
 *
 * What goes wrong (no such file, an image that nobody knows) rejects, and leaves no kernel. TypeError: options that make no sense. Files of this machine are written back at the end
 * of the program if not by halt().
 */
export function ukfs(process: Proc): Ukfs;
export function ukfs(options?: UkfsOptions): Promise<OwnUkfs>;
export function ukfs(of?: Proc | UkfsOptions): Ukfs | Promise<OwnUkfs> {
  return of instanceof Proc ? ofProcess(of) : booted(of);
}

/** An image that is given as bytes has this name in the kernel's world. */
const BYTES = 'image';

async function booted(options: UkfsOptions | undefined): Promise<OwnUkfs> {
  const o = checked(options);
  const host = o.host ?? (await nodeHost(o.mount));
  const mounts = mountsOf(o);
  const kernel = bootStack(host, [...(await componentsFor(mounts)), ...(o.components ?? [])], mounts, { verbose: false });
  try {
    const own = start(kernel, o);
    if (o.host === undefined && mounts.some((m) => m.source !== undefined && m.source !== BYTES)) haltAtExit(kernel);
    return own;
  } catch (e) {
    kernel.halt({ nosync: true });
    throw e;
  }
}

async function nodeHost(mount: Checked['mount']): Promise<Rumpuser> {
  const { hostNode } = await import('@anykernel/host-node');
  return hostNode({ input: false, ...(mount instanceof Uint8Array ? { files: { [BYTES]: mount } } : {}) });
}

function mountsOf({ mount, type, options = [] }: Checked): readonly MountSpec[] {
  if (mount === undefined) return [{ type: type ?? 'tmpfs', on: '/', options }];
  if (typeof mount !== 'string' && !(mount instanceof Uint8Array)) return mount;
  return [{ type: type ?? 'auto', source: typeof mount === 'string' ? mount : BYTES, on: '/', options }];
}

function start(kernel: Kernel, o: Checked): OwnUkfs {
  if (o.tree !== undefined || o.snapshot !== undefined) {
    const root = ofProcess(kernel.newproc());
    if (o.snapshot !== undefined) fromSnapshot(root, o.snapshot);
    if (o.tree !== undefined) fromTree(root, o.tree);
  }
  const { uid, gid, groups } = o;
  const process = kernel.newproc({ ...(uid === undefined ? {} : { uid }), ...(gid === undefined ? {} : { gid }), ...(groups === undefined ? {} : { groups }) });
  if (o.umask !== undefined) process.sys.umask(o.umask);
  if (o.cwd !== undefined) process.sys.chdir(o.cwd);
  const halt = (): void => haltNow(kernel);
  const own = {
    kernel,
    process,
    halt,
    [Symbol.dispose ?? Symbol.for('Symbol.dispose')]: halt,
    [Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]: async () => halt(),
  };
  return Object.assign(ofProcess(process), own) as unknown as OwnUkfs;
}
