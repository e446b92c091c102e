/**
 * Access lists as POSIX 1003.1e draft 17 has them: who may, what a new file takes from its directory's default list, and what chmod(2) does to a list. Pure.
 *
 * On disk: version u32 (1), then entries: tag u16, permissions u16, and for named users and groups an id u32. An xattr of the system call interface, as Linux
 * has it, has version 2 and an id in every entry.
 */
import { getU16le, getU32le, putU16le, putU32le } from '@anykernel/lib-bytes';
import type { Cred } from '@anykernel/rumpkern';

const VERSION = 1;
const XATTR_VERSION = 2;
const XATTR_ENTRY_LEN = 8;
/** The id of an entry that names nobody, in an xattr. */
const NO_ID = 0xffffffff;
const USER_OBJ = 0x01;
const USER = 0x02;
const GROUP_OBJ = 0x04;
const GROUP = 0x08;
const MASK = 0x10;
const OTHER = 0x20;

export interface AclEntry {
  readonly tag: number;
  readonly perm: number;
  /** Of a named user or group. */
  readonly id: number;
}

function named(tag: number): boolean {
  return tag === USER || tag === GROUP;
}

/** The list on disk; undefined: it is none. */
export function parseAcl(b: Uint8Array): AclEntry[] | undefined {
  if (b.length < 4 || getU32le(b, 0) !== VERSION) return undefined;
  const list: AclEntry[] = [];
  for (let at = 4; at < b.length; ) {
    if (at + 4 > b.length) return undefined;
    const tag = getU16le(b, at);
    const len = named(tag) ? 8 : 4;
    if (at + len > b.length) return undefined;
    list.push({ tag, perm: getU16le(b, at + 2) & 7, id: len === 8 ? getU32le(b, at + 4) : 0 });
    at += len;
  }
  const has = (tag: number): boolean => list.some((e) => e.tag === tag);
  return has(USER_OBJ) && has(GROUP_OBJ) && has(OTHER) ? list : undefined;
}

export function emitAcl(list: readonly AclEntry[]): Uint8Array {
  const b = new Uint8Array(list.reduce((sum, e) => sum + (named(e.tag) ? 8 : 4), 4));
  putU32le(b, 0, VERSION);
  let at = 4;
  for (const e of list) {
    putU16le(b, at, e.tag);
    putU16le(b, at + 2, e.perm);
    if (named(e.tag)) putU32le(b, at + 4, e.id);
    at += named(e.tag) ? 8 : 4;
  }
  return b;
}

/** The list of an xattr: every kind of entry in its order, a mask where somebody is named. undefined: it is none. */
export function aclOfXattr(b: Uint8Array): AclEntry[] | undefined {
  if (b.length < 4 || (b.length - 4) % XATTR_ENTRY_LEN !== 0 || getU32le(b, 0) !== XATTR_VERSION) return undefined;
  const list: AclEntry[] = [];
  for (let at = 4; at < b.length; at += XATTR_ENTRY_LEN) {
    const tag = getU16le(b, at);
    list.push({ tag, perm: getU16le(b, at + 2), id: named(tag) ? getU32le(b, at + 4) : 0 });
  }
  return list.length === 0 || inOrder(list) ? list : undefined;
}

/** Tags rise from the owner's to the others'; only names are there more than once. */
function inOrder(list: readonly AclEntry[]): boolean {
  const known = list.every((e, i) => e.perm <= 7 && e.id !== NO_ID && (i === 0 || e.tag > list[i - 1]!.tag || (named(e.tag) && e.tag === list[i - 1]!.tag)));
  const tags = new Set(list.map((e) => e.tag));
  const all = [...tags].every((tag) => [USER_OBJ, USER, GROUP_OBJ, GROUP, MASK, OTHER].includes(tag));
  const masked = tags.has(MASK) || (!tags.has(USER) && !tags.has(GROUP));
  return known && all && masked && tags.has(USER_OBJ) && tags.has(GROUP_OBJ) && tags.has(OTHER);
}

export function xattrOfAcl(list: readonly AclEntry[]): Uint8Array {
  const b = new Uint8Array(4 + XATTR_ENTRY_LEN * list.length);
  putU32le(b, 0, XATTR_VERSION);
  for (const [i, e] of list.entries()) {
    const at = 4 + XATTR_ENTRY_LEN * i;
    putU16le(b, at, e.tag);
    putU16le(b, at + 2, e.perm);
    putU32le(b, at + 4, named(e.tag) ? e.id : NO_ID);
  }
  return b;
}

/** The permission bits of a file with this list. */
export function modeOf(list: readonly AclEntry[]): number {
  const of = (tag: number): number => list.find((e) => e.tag === tag)?.perm ?? 0;
  const group = list.some((e) => e.tag === MASK) ? of(MASK) : of(GROUP_OBJ);
  return (of(USER_OBJ) << 6) | (group << 3) | of(OTHER);
}

/** Whether the list of a file of `uid` and `gid` gives `cred`, who is not the superuser, all of `wanted`. */
export function allows(list: readonly AclEntry[], uid: number, gid: number, cred: Cred, wanted: number): boolean {
  const of = (tag: number): number => list.find((e) => e.tag === tag)?.perm ?? 0;
  const mask = list.find((e) => e.tag === MASK)?.perm ?? 7;
  const has = (perm: number): boolean => (perm & wanted) === wanted;
  if (cred.euid === uid) return has(of(USER_OBJ));
  const own = list.find((e) => e.tag === USER && e.id === cred.euid);
  if (own !== undefined) return has(own.perm & mask);
  const groups = list.filter((e) => (e.tag === GROUP_OBJ && cred.inGroup(gid)) || (e.tag === GROUP && cred.inGroup(e.id)));
  return groups.length > 0 ? groups.some((e) => has(e.perm & mask)) : has(of(OTHER));
}

/** Whether the list says no more than a mode does. */
export function isMinimal(list: readonly AclEntry[]): boolean {
  return list.every((e) => e.tag === USER_OBJ || e.tag === GROUP_OBJ || e.tag === OTHER);
}

/** chmod(2): the owner's entry, the mask (or the group's, where there is none) and the others' are those of `mode`. */
export function withMode(list: readonly AclEntry[], mode: number): AclEntry[] {
  const masked = list.some((e) => e.tag === MASK);
  return list.map((e) => {
    if (e.tag === USER_OBJ) return { ...e, perm: (mode >> 6) & 7 };
    if (e.tag === (masked ? MASK : GROUP_OBJ)) return { ...e, perm: (mode >> 3) & 7 };
    return e.tag === OTHER ? { ...e, perm: mode & 7 } : e;
  });
}

/** The list of a new file in a directory with default list `list`, and its mode: what `mode` does not ask for is not given. */
export function inherit(list: readonly AclEntry[], mode: number): { readonly list: AclEntry[]; readonly mode: number } {
  const masked = list.some((e) => e.tag === MASK);
  let bits = mode & ~0o777;
  const cut = list.map((e) => {
    const shift = e.tag === USER_OBJ ? 6 : e.tag === (masked ? MASK : GROUP_OBJ) ? 3 : e.tag === OTHER ? 0 : -1;
    if (shift < 0) return e;
    const perm = e.perm & ((mode >> shift) & 7);
    bits |= perm << shift;
    return { ...e, perm };
  });
  return { list: cut, mode: bits };
}
