/**
 * Ancillary data of messages (CMSG_DATA(3)) and socket options that are structures, in NetBSD/amd64's layout, little-endian.
 *
 * A control message: length u32 (with its header, without padding), level i32, type i32, 4 bytes of padding, data; the next one begins at a multiple of 8.
 */
import { getI32le, getI64le, getU32le, putU32le, putU64le } from '@anykernel/lib-bytes';
import { SCM_RIGHTS, SOL_SOCKET } from './socket.js';

/** Bytes in front of the data. */
export const CMSG_HDR_LEN = 16;

/** The length of a control message with `len` bytes of data, and the place that it takes up. */
export function CMSG_LEN(len: number): number {
  return CMSG_HDR_LEN + len;
}
export function CMSG_SPACE(len: number): number {
  return CMSG_HDR_LEN + ((len + 7) & ~7);
}

/** A control message. `data` is a view. */
export interface Cmsg {
  readonly level: number;
  readonly type: number;
  readonly data: Uint8Array;
}

/** Writes a control message at `at` of `b`, in place, which has CMSG_SPACE bytes for it. Returns where the next one goes. */
export function emitCmsg(b: Uint8Array, at: number, level: number, type: number, data: Uint8Array): number {
  const end = at + CMSG_SPACE(data.length);
  putU32le(b, at, CMSG_LEN(data.length));
  putU32le(b, at + 4, level >>> 0);
  putU32le(b, at + 8, type >>> 0);
  putU32le(b, at + 12, 0);
  b.set(data, at + CMSG_HDR_LEN);
  b.fill(0, at + CMSG_HDR_LEN + data.length, end);
  return end;
}

/** The messages as bytes. */
export function cmsgBytes(...messages: readonly Cmsg[]): Uint8Array {
  const b = new Uint8Array(messages.reduce((len, one) => len + CMSG_SPACE(one.data.length), 0));
  let at = 0;
  for (const { level, type, data } of messages) at = emitCmsg(b, at, level, type, data);
  return b;
}

/** The messages in `b`; undefined: a length is not one. */
export function parseCmsgs(b: Uint8Array): Cmsg[] | undefined {
  const all: Cmsg[] = [];
  for (let at = 0; at + CMSG_HDR_LEN <= b.length; ) {
    const len = getU32le(b, at);
    if (len < CMSG_HDR_LEN || len > b.length - at) return undefined;
    all.push({ level: getI32le(b, at + 4), type: getI32le(b, at + 8), data: b.subarray(at + CMSG_HDR_LEN, at + len) });
    at += CMSG_SPACE(len - CMSG_HDR_LEN);
  }
  return all;
}

/** A control message that passes descriptors. */
export function rightsCmsg(...fds: readonly number[]): Uint8Array {
  const data = new Uint8Array(4 * fds.length);
  fds.forEach((fd, i) => putU32le(data, 4 * i, fd >>> 0));
  return cmsgBytes({ level: SOL_SOCKET, type: SCM_RIGHTS, data });
}

/** The descriptors in control messages. */
export function rightsIn(control: Uint8Array): number[] {
  const fds: number[] = [];
  for (const { level, type, data } of parseCmsgs(control) ?? []) {
    if (level === SOL_SOCKET && type === SCM_RIGHTS) for (let i = 0; i + 4 <= data.length; i += 4) fds.push(getI32le(data, i));
  }
  return fds;
}

/** Bytes of an option that is an int, of struct linger, struct timeval. */
export const INT_LEN = 4;
export const LINGER_LEN = 8;
export const TIMEVAL_LEN = 16;

/** An int: i32. */
export function intBytes(value: number): Uint8Array {
  const b = new Uint8Array(INT_LEN);
  putU32le(b, 0, value >>> 0);
  return b;
}

/** struct linger: onoff i32, seconds i32. */
export function lingerBytes(on: boolean, seconds: number): Uint8Array {
  const b = new Uint8Array(LINGER_LEN);
  putU32le(b, 0, on ? 1 : 0);
  putU32le(b, 4, seconds >>> 0);
  return b;
}

/** struct timeval: seconds i64, microseconds i32, padding. */
export function timevalBytes(sec: number, usec: number): Uint8Array {
  const b = new Uint8Array(TIMEVAL_LEN);
  putU64le(b, 0, sec);
  putU32le(b, 8, usec >>> 0);
  return b;
}

/** undefined: too short. */
export function parseTimeval(b: Uint8Array): { readonly sec: number; readonly usec: number } | undefined {
  return b.length < 12 ? undefined : { sec: getI64le(b, 0), usec: getI32le(b, 8) };
}
