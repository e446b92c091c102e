/** tmpfs as a file system type: mount, limits, figures. */
import { ERR, NAME_MAX, type Statvfs } from '@anykernel/lib-sys';
import { type Lwp, PAGE_SIZE } from '@anykernel/rumpkern';
import type { Mount, Vfsops, Vnode } from '@anykernel/rumpvfs';
import { IOSIZE } from './attr.js';
import { tmountOfMount } from './of.js';
import { type Limits, type OpsOf, Tmount } from './tmount.js';

/** What mount(2) takes for tmpfs; everything may be left out. */
export interface TmpfsArgs {
  /** Bytes that files may have together, rounded down to pages of 4 KiB. 0: no limit. */
  readonly size?: number;
  /** Files, directories and so on, the root among them. 0: no limit. */
  readonly nodes?: number;
  /** Mode, owner and group of the root directory: 0777, and the mounter's. */
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
}

const ID_MAX = 0xffff_ffff;

/** `handles`: files can be named by handles. */
export function tmpfsVfsops(opsOf: OpsOf, handles?: Pick<Vfsops, 'vptofh' | 'fhtovp'>): Vfsops {
  return {
    name: 'tmpfs',
    mount: (mp, args, l, update) => mount(opsOf, mp, args, l, update),
    unmount,
    root,
    statvfs,
    sync,
    vnodes: (mp) => tmountOfMount(mp).vnodes(),
    ...handles,
  };
}

/** A whole number between 0 and `max`, or `otherwise` when it is left out. EINVAL. */
function arg(value: unknown, max: number, otherwise: number): number {
  if (value === undefined) return otherwise;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > max) throw ERR.EINVAL;
  return value;
}

const ARGS: readonly string[] = ['size', 'nodes', 'mode', 'uid', 'gid', 'fspec'] satisfies (keyof TmpfsArgs | 'fspec')[];

/** EINVAL: an argument makes no sense, or is none of tmpfs's (a limit with its name misspelt would be no limit). EBUSY (update): more is in use than the new limits allow. */
function mount(opsOf: OpsOf, mp: Mount, args: object, l: Lwp, update: boolean): void {
  for (const name of Object.keys(args)) if (!ARGS.includes(name)) throw ERR.EINVAL;
  const { size, nodes, mode, uid, gid } = args as Record<keyof TmpfsArgs, unknown>;
  const old = update ? tmountOfMount(mp).limits : { sizeBytes: 0, nodes: 0 };
  const limits: Limits = { sizeBytes: arg(size, Number.MAX_SAFE_INTEGER, old.sizeBytes), nodes: arg(nodes, ID_MAX, old.nodes) };
  if (limits.sizeBytes > 0 && limits.sizeBytes < PAGE_SIZE) throw ERR.EINVAL;
  if (update) {
    tmountOfMount(mp).setLimits(limits);
    return;
  }
  const cred = l.proc.cred;
  mp.data = new Tmount(mp, limits, opsOf, {
    mode: arg(mode, 0o7777, 0o777),
    uid: arg(uid, ID_MAX, cred.euid),
    gid: arg(gid, ID_MAX, cred.egid),
  });
}

function unmount(mp: Mount): void {
  tmountOfMount(mp).destroyAll();
}

function root(mp: Mount): Vnode {
  const tm = tmountOfMount(mp);
  return tm.vnode(tm.root);
}

function statvfs(mp: Mount, sb: Statvfs): void {
  const tm = tmountOfMount(mp);
  sb.bsize = sb.frsize = PAGE_SIZE;
  sb.iosize = IOSIZE;
  sb.blocks = tm.maxPages;
  sb.bfree = sb.bavail = tm.maxPages - tm.pages;
  sb.bresvd = 0;
  sb.files = tm.maxNodes;
  sb.ffree = sb.favail = tm.maxNodes - tm.nodes;
  sb.fresvd = 0;
  sb.namemax = NAME_MAX;
}

/** There is nowhere to write to. */
function sync(): void {}
