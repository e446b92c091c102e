/**
 * Names of local sockets: nodes of the file system.
 *
 * bind(2) makes a node, connect(2) finds the socket through it. The node stays when the socket goes, and leads nowhere then; whoever wants the name again
 * removes it first.
 */
import { ERR, parseSockaddrUn } from '@anykernel/lib-sys';
import type { Lwp } from '@anykernel/rumpkern';
import type { Socket } from '@anykernel/rumpnet';
import { NAMEI_FOLLOW, VSOCK, VWRITE, type Vnode, attrOfNew, cwdiOf, namei, vopCreate } from '@anykernel/rumpvfs';
import type { Local } from './state.js';
import { type Unpcb, unpcbOf } from './unpcb.js';

/** The path of an address. EAFNOSUPPORT: it is of another family. EINVAL: it is too long. ENOENT: it is empty. */
function pathOf(nam: Uint8Array): string {
  const path = parseSockaddrUn(nam);
  if (path === undefined) throw ERR.EAFNOSUPPORT;
  if (path.length === 0) throw ERR.ENOENT;
  return path;
}

/**
 * Gives a socket a name. EINVAL: it has one. EAFNOSUPPORT, EINVAL, ENOENT: not a name. The errors of the path. EADDRINUSE: there is something of this name.
 * ENOSPC, EIO.
 */
export function unpBind(state: Local, pcb: Unpcb, nam: Uint8Array, l: Lwp): void {
  if (pcb.vp !== undefined) throw ERR.EINVAL;
  const nd = namei(l, state.vfs.nd, 'create', 0, pathOf(nam), undefined);
  if (nd.vp !== undefined) throw ERR.EADDRINUSE;
  const dvp = nd.dvp as Vnode;
  const vp = vopCreate(dvp, nd.cnp, attrOfNew(dvp, VSOCK, 0o777 & ~cwdiOf(l).umask, l.proc.cred));
  vp.special = pcb.so;
  pcb.vp = vp.hold();
  pcb.addr = nam.slice();
  pcb.addr[0] = nam.length;
}

/** The socket of a name is gone, or goes: the node leads nowhere. */
export function unpUnbind(pcb: Unpcb): void {
  const { vp } = pcb;
  if (vp === undefined) return;
  pcb.vp = undefined;
  if (vp.special === pcb.so) vp.special = undefined;
  vp.rele();
}

/**
 * The socket that `nam` leads to, for one of the same type. EAFNOSUPPORT, EINVAL, ENOENT; the errors of the path. ENOTSOCK: it is no socket. EACCES: it may not
 * be written. ECONNREFUSED: nobody is there. EPROTOTYPE: it is of another type.
 */
export function unpFind(state: Local, so: Socket, nam: Uint8Array, l: Lwp): Unpcb {
  const vp = namei(l, state.vfs.nd, 'lookup', NAMEI_FOLLOW, pathOf(nam), undefined).vp as Vnode;
  if (vp.type !== VSOCK) throw ERR.ENOTSOCK;
  vp.ops.access(vp, VWRITE, l.proc.cred);
  const so2 = vp.special as Socket | undefined;
  if (so2 === undefined || so2.pcb === undefined) throw ERR.ECONNREFUSED;
  if (so2.type !== so.type) throw ERR.EPROTOTYPE;
  return unpcbOf(so2);
}
