/**
 * Extended attributes: extattr_*(2), where a namespace goes with the name, and the setxattr(2) family, where it is the name's first word.
 *
 * `user.x` is `x` in the user namespace. Names that begin with `system.`, `trusted.` or `security.` are in the system namespace under
 * their whole name. The user namespace goes by the permissions of the file, the system namespace is the superuser's.
 */
import { ERR, EXTATTR_MAXNAMELEN, EXTATTR_NAMESPACE_SYSTEM, EXTATTR_NAMESPACE_USER, NOTE_ATTRIB, XATTR_CREATE, XATTR_REPLACE } from '@anykernel/lib-sys';
import { emitBytestr } from '@anykernel/lib-bytes';
import type { Lwp } from '@anykernel/rumpkern';
import { checkWritable } from '../permission.js';
import { VREAD, VWRITE, type Vnode } from '../vnode.js';
import { type VfsCalls, fdVnode, lookup } from './common.js';

const USER_PREFIX = 'user.';
const SYSTEM_PREFIX = /^(system|trusted|security)\../;

/** EINVAL: no such namespace, or no such name. EPERM: the system namespace, and not the superuser. */
function checkName(l: Lwp, ns: number, name: string): void {
  checkNamespace(l, ns);
  if (name.length === 0 || name.includes('\0')) throw ERR.EINVAL;
  if (name.length >= EXTATTR_MAXNAMELEN) throw ERR.ENAMETOOLONG;
}

function checkNamespace(l: Lwp, ns: number): void {
  if (ns !== EXTATTR_NAMESPACE_USER && ns !== EXTATTR_NAMESPACE_SYSTEM) throw ERR.EINVAL;
  if (ns === EXTATTR_NAMESPACE_SYSTEM && l.proc.cred.euid !== 0) throw ERR.EPERM;
}

function get(l: Lwp, vp: Vnode, ns: number, name: string): Uint8Array {
  checkName(l, ns, name);
  if (ns === EXTATTR_NAMESPACE_USER) vp.ops.access(vp, VREAD, l.proc.cred);
  const value = vp.ops.getextattr(vp, ns, name);
  if (value === undefined) throw ERR.ENOATTR;
  return value;
}

function set(l: Lwp, vp: Vnode, ns: number, name: string, value: Uint8Array): number {
  if (!(value instanceof Uint8Array)) throw ERR.EFAULT;
  checkChange(l, vp, ns, name);
  vp.ops.setextattr(vp, ns, name, value);
  vp.knotes?.note(NOTE_ATTRIB);
  return value.length;
}

function remove(l: Lwp, vp: Vnode, ns: number, name: string): void {
  checkChange(l, vp, ns, name);
  vp.ops.deleteextattr(vp, ns, name);
  vp.knotes?.note(NOTE_ATTRIB);
}

function checkChange(l: Lwp, vp: Vnode, ns: number, name: string): void {
  checkName(l, ns, name);
  checkWritable(vp);
  if (ns === EXTATTR_NAMESPACE_USER) vp.ops.access(vp, VWRITE, l.proc.cred);
}

/** Records of length u8 and name; without a buffer the length of all. */
function list(l: Lwp, vp: Vnode, ns: number, buf: Uint8Array | undefined): number {
  checkNamespace(l, ns);
  if (ns === EXTATTR_NAMESPACE_USER) vp.ops.access(vp, VREAD, l.proc.cred);
  const names = vp.ops.listextattr(vp, ns);
  if (buf === undefined) return names.reduce((len, name) => len + 1 + name.length, 0);
  let at = 0;
  for (const name of names) {
    if (at + 1 + name.length > buf.length) break;
    buf[at] = name.length;
    at = emitBytestr(buf, at + 1, name);
  }
  return at;
}

/** As much of a value as there is room for; without a buffer its length. */
function give(value: Uint8Array, buf: Uint8Array | undefined): number {
  if (buf === undefined) return value.length;
  const len = Math.min(value.length, buf.length);
  buf.set(value.subarray(0, len));
  return len;
}

/** A name of the setxattr(2) family, by namespace and name. EOPNOTSUPP: no such namespace. */
function split(name: string): [number, string] {
  if (name.startsWith(USER_PREFIX) && name.length > USER_PREFIX.length) return [EXTATTR_NAMESPACE_USER, name.slice(USER_PREFIX.length)];
  if (SYSTEM_PREFIX.test(name)) return [EXTATTR_NAMESPACE_SYSTEM, name];
  throw name === '' ? ERR.EINVAL : ERR.EOPNOTSUPP;
}

/** EINVAL: unknown flags. EEXIST: it is there and should be made. ENOATTR: it is not there and should be replaced. */
function setx(l: Lwp, vp: Vnode, name: string, value: Uint8Array, flags: number): void {
  const [ns, bare] = split(name);
  if ((flags & ~(XATTR_CREATE | XATTR_REPLACE)) !== 0 || flags === (XATTR_CREATE | XATTR_REPLACE)) throw ERR.EINVAL;
  checkChange(l, vp, ns, bare);
  if (flags !== 0) {
    const old = vp.ops.getextattr(vp, ns, bare);
    if (flags === XATTR_CREATE && old !== undefined) throw ERR.EEXIST;
    if (flags === XATTR_REPLACE && old === undefined) throw ERR.ENOATTR;
  }
  set(l, vp, ns, bare, value);
}

/** ERANGE: the buffer is too short; an empty one asks for the length. */
function getx(l: Lwp, vp: Vnode, name: string, buf: Uint8Array | undefined): number {
  const [ns, bare] = split(name);
  const value = get(l, vp, ns, bare);
  if (buf !== undefined && buf.length > 0 && buf.length < value.length) throw ERR.ERANGE;
  return buf === undefined || buf.length === 0 ? value.length : give(value, buf);
}

/** Names with a NUL each; those of the system namespace for the superuser only. */
function listx(l: Lwp, vp: Vnode, buf: Uint8Array | undefined): number {
  const { cred } = l.proc;
  vp.ops.access(vp, VREAD, cred);
  const names = vp.ops.listextattr(vp, EXTATTR_NAMESPACE_USER).map((name) => USER_PREFIX + name);
  if (cred.euid === 0) names.push(...vp.ops.listextattr(vp, EXTATTR_NAMESPACE_SYSTEM));
  const len = names.reduce((sum, name) => sum + name.length + 1, 0);
  if (buf === undefined || buf.length === 0) return len;
  if (len > buf.length) throw ERR.ERANGE;
  let at = 0;
  for (const name of names) {
    at = emitBytestr(buf, at, name);
    buf[at++] = 0;
  }
  return at;
}

function removex(l: Lwp, vp: Vnode, name: string): void {
  const [ns, bare] = split(name);
  remove(l, vp, ns, bare);
}

const file = (l: Lwp, path: string): Vnode => lookup(l, path);
const link = (l: Lwp, path: string): Vnode => lookup(l, path, false);

type Names = Extract<keyof VfsCalls, `extattr_${string}` | `${string}xattr`>;

export const xattrCalls: Pick<VfsCalls, Names | 'extattrctl'> = {
  extattr_set_file: (l, path, ns, name, value) => set(l, file(l, path), ns, name, value),
  extattr_set_link: (l, path, ns, name, value) => set(l, link(l, path), ns, name, value),
  extattr_set_fd: (l, fd, ns, name, value) => set(l, fdVnode(l, fd), ns, name, value),
  extattr_get_file: (l, path, ns, name, buf) => give(get(l, file(l, path), ns, name), buf),
  extattr_get_link: (l, path, ns, name, buf) => give(get(l, link(l, path), ns, name), buf),
  extattr_get_fd: (l, fd, ns, name, buf) => give(get(l, fdVnode(l, fd), ns, name), buf),
  extattr_delete_file: (l, path, ns, name) => remove(l, file(l, path), ns, name),
  extattr_delete_link: (l, path, ns, name) => remove(l, link(l, path), ns, name),
  extattr_delete_fd: (l, fd, ns, name) => remove(l, fdVnode(l, fd), ns, name),
  extattr_list_file: (l, path, ns, buf) => list(l, file(l, path), ns, buf),
  extattr_list_link: (l, path, ns, buf) => list(l, link(l, path), ns, buf),
  extattr_list_fd: (l, fd, ns, buf) => list(l, fdVnode(l, fd), ns, buf),

  setxattr: (l, path, name, value, flags = 0) => setx(l, file(l, path), name, value, flags),
  lsetxattr: (l, path, name, value, flags = 0) => setx(l, link(l, path), name, value, flags),
  fsetxattr: (l, fd, name, value, flags = 0) => setx(l, fdVnode(l, fd), name, value, flags),
  getxattr: (l, path, name, buf) => getx(l, file(l, path), name, buf),
  lgetxattr: (l, path, name, buf) => getx(l, link(l, path), name, buf),
  fgetxattr: (l, fd, name, buf) => getx(l, fdVnode(l, fd), name, buf),
  listxattr: (l, path, buf) => listx(l, file(l, path), buf),
  llistxattr: (l, path, buf) => listx(l, link(l, path), buf),
  flistxattr: (l, fd, buf) => listx(l, fdVnode(l, fd), buf),
  removexattr: (l, path, name) => removex(l, file(l, path), name),
  lremovexattr: (l, path, name) => removex(l, link(l, path), name),
  fremovexattr: (l, fd, name) => removex(l, fdVnode(l, fd), name),

  /** Attribute files beside a file system are not known here. EPERM, and the errors of the path; then EOPNOTSUPP. */
  extattrctl(l, path) {
    if (l.proc.cred.euid !== 0) throw ERR.EPERM;
    file(l, path);
    throw ERR.EOPNOTSUPP;
  },
};
