/**
 * Options of TCP: end 0, no-operation 1, maximum segment size 2 (RFC 9293 3.2), window scale 3 and timestamps 8 (RFC 7323), selective acknowledgment
 * permitted 4 and blocks 5 (RFC 2018), fast open 34 (RFC 7413).
 *
 * Options of other kinds are passed over. One whose length does not fit ends the list: what came before it counts (RFC 9293 3.1, MUST-7).
 */
import { getI32be, getU16be, putU16be, putU32be } from '@anykernel/lib-bytes';

export const TCPOPT_EOL = 0;
export const TCPOPT_NOP = 1;
export const TCPOPT_MAXSEG = 2;
export const TCPOPT_WINDOW = 3;
export const TCPOPT_SACK_PERMITTED = 4;
export const TCPOPT_SACK = 5;
export const TCPOPT_TIMESTAMP = 8;
export const TCPOPT_FASTOPEN = 34;

export const TCPOLEN_MAXSEG = 4;
export const TCPOLEN_WINDOW = 3;
export const TCPOLEN_TIMESTAMP = 10;
/** Timestamps with two no-operations before them, as they are always sent. */
export const TCPOLEN_TSTAMP_APPA = 12;
/** The largest shift of a window (RFC 7323 2.3). */
export const TCP_MAX_WINSHIFT = 14;
export const SACK_BLOCKS_MAX = 4;
/** The longest cookie of fast open, bytes. */
export const TFO_COOKIE_MAX = 16;
export const TFO_COOKIE_MIN = 4;

/** The options of one segment. One object serves for many. */
export class TcpOptions {
  /** Bytes; 0: not there. */
  mss = 0;
  /** -1: not there. As sent: above TCP_MAX_WINSHIFT it counts as that. */
  wscale = -1;
  sackPermitted = false;
  hasTs = false;
  tsVal = 0;
  tsEcr = 0;
  /** Blocks of selective acknowledgment: start and end by turns. */
  readonly sack: Int32Array = new Int32Array(2 * SACK_BLOCKS_MAX);
  sackCount = 0;
  /** Bytes of the fast open cookie; 0: a cookie is asked for; -1: not there. */
  tfoLen = -1;
  /** Where the cookie begins in the parsed bytes. */
  tfoOff = 0;

  clear(): void {
    this.mss = 0;
    this.wscale = -1;
    this.sackPermitted = false;
    this.hasTs = false;
    this.tsVal = this.tsEcr = 0;
    this.sackCount = 0;
    this.tfoLen = -1;
    this.tfoOff = 0;
  }
}

/** The options off..end of a segment. A list cut short, or with lengths that do not fit, gives what came before. */
export function parseTcpOptions(b: Uint8Array, off: number, end: number, into: TcpOptions = new TcpOptions()): TcpOptions {
  into.clear();
  for (let at = off; at < end; ) {
    const kind = b[at]!;
    if (kind === TCPOPT_EOL) break;
    if (kind === TCPOPT_NOP) {
      at++;
      continue;
    }
    const len = at + 1 < end ? b[at + 1]! : 0;
    if (len < 2 || at + len > end) break;
    take(b, at, kind, len, into);
    at += len;
  }
  return into;
}

/** One option; those of a wrong length are passed over. */
function take(b: Uint8Array, at: number, kind: number, len: number, into: TcpOptions): void {
  switch (kind) {
    case TCPOPT_MAXSEG:
      if (len === TCPOLEN_MAXSEG) into.mss = getU16be(b, at + 2);
      return;
    case TCPOPT_WINDOW:
      if (len === TCPOLEN_WINDOW) into.wscale = b[at + 2]!;
      return;
    case TCPOPT_SACK_PERMITTED:
      if (len === 2) into.sackPermitted = true;
      return;
    case TCPOPT_SACK:
      if (len > 2 && (len - 2) % 8 === 0) takeSack(b, at, (len - 2) >>> 3, into);
      return;
    case TCPOPT_TIMESTAMP:
      if (len !== TCPOLEN_TIMESTAMP) return;
      into.hasTs = true;
      into.tsVal = getI32be(b, at + 2);
      into.tsEcr = getI32be(b, at + 6);
      return;
    case TCPOPT_FASTOPEN:
      if (len !== 2 && (len < 2 + TFO_COOKIE_MIN || len > 2 + TFO_COOKIE_MAX || len % 2 !== 0)) return;
      into.tfoLen = len - 2;
      into.tfoOff = at + 2;
      return;
  }
}

function takeSack(b: Uint8Array, at: number, count: number, into: TcpOptions): void {
  into.sackCount = count < SACK_BLOCKS_MAX ? count : SACK_BLOCKS_MAX;
  for (let i = 0; i < 2 * into.sackCount; i++) into.sack[i] = getI32be(b, at + 2 + 4 * i);
}

/**
 * Writes options at `off`, in place, filled up with no-operations to a multiple of four; returns their length, 40 at most: SACK blocks that do
 * not fit are left out. The cookie of fast open is `cookie`; `tfoLen` is not looked at.
 */
export function emitTcpOptions(o: TcpOptions, b: Uint8Array, off: number, cookie?: Uint8Array): number {
  let at = off;
  if (o.mss !== 0) {
    b[at] = TCPOPT_MAXSEG;
    b[at + 1] = TCPOLEN_MAXSEG;
    putU16be(b, at + 2, o.mss);
    at += TCPOLEN_MAXSEG;
  }
  if (o.wscale >= 0) {
    b[at] = TCPOPT_NOP;
    b[at + 1] = TCPOPT_WINDOW;
    b[at + 2] = TCPOLEN_WINDOW;
    b[at + 3] = o.wscale;
    at += 4;
  }
  if (o.sackPermitted) {
    if (!o.hasTs) at = pad(b, at, 2);
    b[at] = TCPOPT_SACK_PERMITTED;
    b[at + 1] = 2;
    at += 2;
  }
  if (o.hasTs) {
    if (!o.sackPermitted) at = pad(b, at, 2);
    at = emitTimestamps(b, at, o.tsVal, o.tsEcr);
  }
  if (cookie !== undefined) at = emitCookie(b, at, cookie);
  if (o.sackCount > 0) at = emitSack(o, b, at, off + 40);
  return pad(b, at, (off - at) & 3) - off;
}

/** The ten bytes of timestamps; returns where they end. */
export function emitTimestamps(b: Uint8Array, at: number, tsVal: number, tsEcr: number): number {
  b[at] = TCPOPT_TIMESTAMP;
  b[at + 1] = TCPOLEN_TIMESTAMP;
  putU32be(b, at + 2, tsVal);
  putU32be(b, at + 6, tsEcr);
  return at + TCPOLEN_TIMESTAMP;
}

function emitCookie(b: Uint8Array, at: number, cookie: Uint8Array): number {
  b[at] = TCPOPT_FASTOPEN;
  b[at + 1] = 2 + cookie.length;
  b.set(cookie, at + 2);
  return at + 2 + cookie.length;
}

function emitSack(o: TcpOptions, b: Uint8Array, from: number, end: number): number {
  const fit = (end - from - 4) >>> 3;
  const count = o.sackCount < fit ? o.sackCount : fit;
  if (end - from < 12) return from;
  const at = pad(b, from, 2);
  b[at] = TCPOPT_SACK;
  b[at + 1] = 2 + 8 * count;
  for (let i = 0; i < 2 * count; i++) putU32be(b, at + 2 + 4 * i, o.sack[i]!);
  return at + 2 + 8 * count;
}

function pad(b: Uint8Array, at: number, count: number): number {
  for (let i = 0; i < count; i++) b[at + i] = TCPOPT_NOP;
  return at + count;
}
