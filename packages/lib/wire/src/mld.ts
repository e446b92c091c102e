/**
 * Multicast listener discovery, versions 1 and 2 (RFC 2710, RFC 3810 5): ICMPv6 messages.
 *
 * Version 1 and the start of a query: longest delay 4 (16 bits), group 8[16]; of version 2 follow S and QRV 24, QQIC 25, the count of sources 26, sources 28.
 * A report of version 2: count of records 6, records from 8: type 0, auxiliary words 1, count of sources 2, group 4[16], sources.
 */
import { getU16be, putU16be } from '@anykernel/lib-bytes';

export const MLD_LEN = 24;
export const MLD2_QUERY_LEN = 28;
export const MLD2_IS_INCLUDE = 1;
export const MLD2_IS_EXCLUDE = 2;
export const MLD2_TO_INCLUDE = 3;
export const MLD2_TO_EXCLUDE = 4;

export interface MldQuery {
  readonly version: 1 | 2;
  readonly maxDelayMs: number;
  /** All zero: a general query. */
  readonly group: Uint8Array;
  readonly robustness: number;
  readonly intervalSec: number;
  readonly sources: readonly Uint8Array[];
}

export interface MldRecord {
  /** MLD2_*. */
  readonly type: number;
  readonly group: Uint8Array;
  readonly sources: readonly Uint8Array[];
}

/** The query whose ICMPv6 header is at `off`; undefined: it is not one (RFC 3810 8.1). */
export function parseMldQuery(b: Uint8Array, off: number, end: number): MldQuery | undefined {
  const len = end - off;
  if (len < MLD_LEN || (len > MLD_LEN && len < MLD2_QUERY_LEN)) return undefined;
  const group = b.slice(off + 8, off + 24);
  const code = getU16be(b, off + 4);
  if (len === MLD_LEN) return { version: 1, maxDelayMs: code, group, robustness: 0, intervalSec: 0, sources: [] };
  const count = getU16be(b, off + 26);
  if (MLD2_QUERY_LEN + 16 * count > len) return undefined;
  return {
    version: 2,
    maxDelayMs: delayOf(code),
    group,
    robustness: b[off + 24] & 7,
    intervalSec: intervalOf(b[off + 25]),
    sources: addresses(b, off + MLD2_QUERY_LEN, count),
  };
}

/** RFC 3810 5.1.3: above 32767 a floating point number. */
function delayOf(code: number): number {
  return code < 0x8000 ? code : ((code & 0xfff) | 0x1000) << (((code >> 12) & 7) + 3);
}

function intervalOf(code: number): number {
  return code < 128 ? code : ((code & 15) | 16) << (((code >> 4) & 7) + 3);
}

function addresses(b: Uint8Array, off: number, count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => b.slice(off + 16 * i, off + 16 * i + 16));
}

/** The records of a report of version 2; undefined: its counts go beyond its end. */
export function parseMld2Report(b: Uint8Array, off: number, end: number): MldRecord[] | undefined {
  if (off + 8 > end) return undefined;
  const records: MldRecord[] = [];
  let at = off + 8;
  for (let left = getU16be(b, off + 6); left > 0; left--) {
    if (at + 20 > end) return undefined;
    const count = getU16be(b, at + 2);
    const next = at + 20 + 16 * count + 4 * b[at + 1];
    if (next > end) return undefined;
    records.push({ type: b[at], group: b.slice(at + 4, at + 20), sources: addresses(b, at + 20, count) });
    at = next;
  }
  return records;
}

/** A report's bytes, from its ICMPv6 header on, with type, code and checksum zero. */
export function mld2Report(records: readonly MldRecord[]): Uint8Array {
  const b = new Uint8Array(records.reduce((len, record) => len + 20 + 16 * record.sources.length, 8));
  putU16be(b, 6, records.length);
  let at = 8;
  for (const { type, group, sources } of records) {
    b[at] = type;
    putU16be(b, at + 2, sources.length);
    b.set(group, at + 4);
    sources.forEach((source, i) => b.set(source, at + 20 + 16 * i));
    at += 20 + 16 * sources.length;
  }
  return b;
}

/** A query's bytes, of version 2, or of version 1 with no robustness. Delays up to 32767 ms, intervals up to 127 s. */
export function mldQuery(q: MldQuery): Uint8Array {
  const b = new Uint8Array(q.version === 1 ? MLD_LEN : MLD2_QUERY_LEN + 16 * q.sources.length);
  putU16be(b, 4, Math.min(q.maxDelayMs, 0x7fff));
  b.set(q.group, 8);
  if (q.version === 1) return b;
  b[24] = q.robustness & 7;
  b[25] = Math.min(q.intervalSec, 127);
  putU16be(b, 26, q.sources.length);
  q.sources.forEach((source, i) => b.set(source, MLD2_QUERY_LEN + 16 * i));
  return b;
}
