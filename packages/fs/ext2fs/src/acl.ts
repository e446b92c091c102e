/**
 * Access lists as POSIX 1003.1e draft 17 has them, as far as modes depend on them: what a new file takes from its directory's default list, and what chmod(2)
 * does to a list. Pure.
 *
 * On disk: version u32 (1), then entries: tag u16, permissions u16, and for named users and groups an id u32. An xattr of the system call interface has
 * version 2 and an id in every entry.
 */
import { getU16le, getU32le, putU16le, putU32le } from '@anykernel/lib-bytes';

const VERSION = 1;
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
