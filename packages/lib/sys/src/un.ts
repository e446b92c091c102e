/**
 * Local sockets: NetBSD's sockaddr_un, and the options and records of their credentials.
 *
 * sockaddr_un: length 0, family 1, then the path, which a NUL ends unless the address does. It is at most 253 bytes long.
 */
import { getI32le, getU32le } from '@anykernel/lib-bytes';
import { AF_LOCAL } from './socket.js';

/** The longest path. */
export const SUN_PATH_MAX = 253;

/** The level of the options below. */
export const SOL_LOCAL = 0;
/** Messages come with the credentials of who sent them (SCM_CREDS). */
export const LOCAL_CREDS = 0x0001;
/** connect(2) waits until the connection is accepted. */
export const LOCAL_CONNWAIT = 0x0002;
/** Who the peer is: struct unpcbid. */
export const LOCAL_PEEREID = 0x0003;

/** The address of a path (bytes, one a code unit); the array may be longer than an address can be, and is refused then. */
export function sockaddrUn(path: string | Uint8Array): Uint8Array {
  const sa = new Uint8Array(2 + path.length);
  sa[0] = Math.min(sa.length, 255);
  sa[1] = AF_LOCAL;
  if (typeof path === 'string') for (let i = 0; i < path.length; i++) sa[2 + i] = path.charCodeAt(i);
  else sa.set(path, 2);
  return sa;
}

/** The path of an address as a byte string: empty for an address without a name. undefined: not a sockaddr_un. */
export function parseSockaddrUn(sa: Uint8Array): string | undefined {
  if (sa.length < 2 || sa.length > 255 || sa[1] !== AF_LOCAL) return undefined;
  let path = '';
  for (let i = 2; i < sa.length && sa[i] !== 0; i++) path += String.fromCharCode(sa[i]!);
  return path;
}

/** struct unpcbid: process i32, effective user u32, effective group u32. */
export const UNPCBID_LEN = 12;

export function parseUnpcbid(b: Uint8Array): { readonly pid: number; readonly euid: number; readonly egid: number } | undefined {
  return b.length < UNPCBID_LEN ? undefined : { pid: getI32le(b, 0), euid: getU32le(b, 4), egid: getU32le(b, 8) };
}

/** What SCM_CREDS carries. */
export interface Sockcred {
  readonly pid: number;
  readonly uid: number;
  readonly euid: number;
  readonly gid: number;
  readonly egid: number;
  readonly groups: readonly number[];
}

/** Bytes of struct sockcred without its groups: process, user, effective user, group, effective group, count of groups, 32 bits each. */
export const SOCKCRED_LEN = 24;

/** undefined: too short. */
export function parseSockcred(b: Uint8Array): Sockcred | undefined {
  if (b.length < SOCKCRED_LEN) return undefined;
  const count = getI32le(b, 20);
  if (count < 0 || b.length < SOCKCRED_LEN + 4 * count) return undefined;
  const groups = Array.from({ length: count }, (_, i) => getU32le(b, SOCKCRED_LEN + 4 * i));
  return { pid: getI32le(b, 0), uid: getU32le(b, 4), euid: getU32le(b, 8), gid: getU32le(b, 12), egid: getU32le(b, 16), groups };
}
