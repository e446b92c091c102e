/** Extended attributes of tmpfs files, in both name spaces. A name with its value is charged to the kernel's memory. */
import { ERR, EXTATTR_MAXNAMELEN } from '@anykernel/lib-sys';
import type { Vnode, VnodeOps } from '@anykernel/rumpvfs';
import { CTIME, type Node } from './node.js';
import { nodeOf, tmountOf } from './of.js';

/** The longest value: what other systems take, too. */
const VALUE_MAX = 65536;
/** Memory that an attribute takes apart from its name and value. */
const ATTR_BYTES = 128;

function keyOf(ns: number, name: string): string {
  return String.fromCharCode(ns) + name;
}

function cost(key: string, value: Uint8Array | undefined): number {
  return value === undefined ? 0 : ATTR_BYTES + key.length + value.length;
}

function getextattr(vp: Vnode, ns: number, name: string): Uint8Array | undefined {
  return nodeOf(vp).xattrs?.get(keyOf(ns, name));
}

/** ENAMETOOLONG. E2BIG: the value is too long. ENOMEM. */
function setextattr(vp: Vnode, ns: number, name: string, value: Uint8Array): void {
  if (name.length >= EXTATTR_MAXNAMELEN) throw ERR.ENAMETOOLONG;
  if (value.length > VALUE_MAX) throw ERR.E2BIG;
  const node = nodeOf(vp);
  const key = keyOf(ns, name);
  recharge(vp, node, cost(key, value) - cost(key, node.xattrs?.get(key)));
  (node.xattrs ??= new Map()).set(key, value.slice());
  node.touch(CTIME, tmountOf(vp).now());
}

/** ENOATTR. */
function deleteextattr(vp: Vnode, ns: number, name: string): void {
  const node = nodeOf(vp);
  const key = keyOf(ns, name);
  const value = node.xattrs?.get(key);
  if (value === undefined) throw ERR.ENOATTR;
  node.xattrs?.delete(key);
  recharge(vp, node, -cost(key, value));
  node.touch(CTIME, tmountOf(vp).now());
}

function recharge(vp: Vnode, node: Node, bytes: number): void {
  tmountOf(vp).charge(bytes);
  node.extra += bytes;
}

function listextattr(vp: Vnode, ns: number): string[] {
  const names: string[] = [];
  for (const key of nodeOf(vp).xattrs?.keys() ?? []) if (key.charCodeAt(0) === ns) names.push(key.slice(1));
  return names;
}

export const xattrs: Pick<VnodeOps, 'getextattr' | 'setextattr' | 'deleteextattr' | 'listextattr'> = { getextattr, setextattr, deleteextattr, listextattr };
