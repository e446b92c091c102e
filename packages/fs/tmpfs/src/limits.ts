/** Mounting and unmounting tmpfs: what mount(2) is told, the limits on bytes and nodes, and writing within them. */
import { ERR } from '@anykernel/lib-sys';
import { type Lwp, PAGE_SIZE, type Uio } from '@anykernel/rumpkern';
import { type Mount, type Uobj, type Vfsops, type Vnode, uobjHas } from '@anykernel/rumpvfs';
import { tmountOfMount } from './of.js';
import { NODES_UNLIMITED, type OpsOf, PAGES_UNLIMITED, Tmount, putFreely } from './tmount.js';

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

/** The limits of a mount. 0: none. */
interface Limits {
  readonly sizeBytes: number;
  readonly nodes: number;
}

const ID_MAX = 0xffff_ffff;

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
  const old = update ? limitsOf(tmountOfMount(mp)) : { sizeBytes: 0, nodes: 0 };
  const limits: Limits = { sizeBytes: arg(size, Number.MAX_SAFE_INTEGER, old.sizeBytes), nodes: arg(nodes, ID_MAX, old.nodes) };
  if (limits.sizeBytes > 0 && limits.sizeBytes < PAGE_SIZE) throw ERR.EINVAL;
  if (!update) {
    const { cred } = l.proc;
    mp.data = new Tmount(mp, opsOf, { mode: arg(mode, 0o7777, 0o777), uid: arg(uid, ID_MAX, cred.euid), gid: arg(gid, ID_MAX, cred.egid) });
  }
  setLimits(tmountOfMount(mp), limits);
}

function limitsOf(tm: Tmount): Limits {
  return { sizeBytes: tm.put === putFreely ? 0 : tm.maxPages * PAGE_SIZE, nodes: tm.maxNodes === NODES_UNLIMITED ? 0 : tm.maxNodes };
}

/** EBUSY: more is in use than the new limits allow. Nothing has changed then. */
function setLimits(tm: Tmount, { sizeBytes, nodes }: Limits): void {
  const maxPages = sizeBytes === 0 ? PAGES_UNLIMITED : Math.min(PAGES_UNLIMITED, Math.floor(sizeBytes / PAGE_SIZE));
  const maxNodes = nodes === 0 ? NODES_UNLIMITED : nodes;
  if (tm.pages > maxPages || tm.nodes > maxNodes) throw ERR.EBUSY;
  tm.maxPages = maxPages;
  tm.maxNodes = maxNodes;
  tm.put = sizeBytes === 0 ? putFreely : putWithin;
}

/** As much as there is room for. ENOSPC: nothing more. */
function putWithin(tm: Tmount, uobj: Uobj, uio: Uio, len: number, size: number): void {
  const end = uio.offset + len;
  while (uio.offset < end) {
    const room = tm.maxPages - tm.pages;
    if (room === 0 && !uobjHas(uobj, uio.offset)) throw ERR.ENOSPC;
    const pageEnd = (Math.floor(uio.offset / PAGE_SIZE) + Math.max(room, 1)) * PAGE_SIZE;
    putFreely(tm, uobj, uio, Math.min(end, pageEnd) - uio.offset, Math.max(size, uio.offset));
  }
}

/** All files are gone, named or not. */
function unmount(mp: Mount): void {
  const tm = tmountOfMount(mp);
  for (const node of tm.slots) if (node !== undefined) tm.freePages(node);
  tm.uncharge(tm.charged);
  tm.slots.length = 0;
}

function vnodes(mp: Mount): Vnode[] {
  return tmountOfMount(mp).slots.flatMap((node) => node?.vp ?? []);
}

export function mountsWith(opsOf: OpsOf): Pick<Vfsops, 'mount' | 'unmount' | 'vnodes'> {
  return { mount: (mp, args, l, update) => mount(opsOf, mp, args, l, update), unmount, vnodes };
}
