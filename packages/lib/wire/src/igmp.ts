/**
 * IGMP (RFC 1112, RFC 2236, RFC 3376): type 0, maximum response code 1, checksum 2, group 4; in queries of version 3 flags 8, querier's interval 9,
 * number of sources 10, sources from 12. Reports of version 3: type 0, checksum 2, number of records 6, then records: type, length of auxiliary data,
 * number of sources 2 (16 bits), group 4, sources.
 */
import { getU16be, getU32be, putU16be, putU32be } from '@anykernel/lib-bytes';
import { inCksum } from './checksum.js';

export const IGMP_MINLEN = 8;
export const IGMP_V3_QUERY_LEN = 12;
export const IGMP_QUERY = 0x11;
export const IGMP_V1_REPORT = 0x12;
export const IGMP_V2_REPORT = 0x16;
export const IGMP_V2_LEAVE = 0x17;
export const IGMP_V3_REPORT = 0x22;

/** Types of group records. */
export const IGMP_MODE_IS_INCLUDE = 1;
export const IGMP_MODE_IS_EXCLUDE = 2;
export const IGMP_TO_INCLUDE = 3;
export const IGMP_TO_EXCLUDE = 4;

/** Bytes of a record without sources. */
const RECORD_LEN = 8;

export interface IgmpMessage {
  readonly type: number;
  /** Of a query: its version, 1, 2 or 3. */
  readonly version: number;
  /** How long an answer may take, milliseconds. */
  readonly maxRespMs: number;
  /** 0: all groups. */
  readonly group: number;
  /** Sources that a query of version 3 names. */
  readonly sources: readonly number[];
  /** Of a report of version 3. */
  readonly records: readonly IgmpRecord[];
}

/** A record about a group: any source, or these. */
export interface IgmpRecord {
  readonly type: number;
  readonly group: number;
  readonly sources?: readonly number[];
}

/** The message at off..end, whose checksum is right; undefined: it is none. */
export function parseIgmp(b: Uint8Array, off: number = 0, end: number = b.length): IgmpMessage | undefined {
  if (off < 0 || end > b.length || off + IGMP_MINLEN > end || inCksum(b, off, end - off) !== 0) return undefined;
  const type = b[off]!;
  const code = b[off + 1]!;
  const group = getU32be(b, off + 4);
  if (type === IGMP_V3_REPORT) {
    const records = parseRecords(b, off, end);
    return records === undefined ? undefined : { type, version: 3, maxRespMs: 0, group: 0, sources: [], records };
  }
  if (type !== IGMP_QUERY) return { type, version: 2, maxRespMs: 0, group, sources: [], records: [] };
  if (end - off < IGMP_V3_QUERY_LEN) {
    // RFC 3376 7.1: eight bytes, and no time with version 1.
    if (end - off !== IGMP_MINLEN) return undefined;
    return { type, version: code === 0 ? 1 : 2, maxRespMs: (code === 0 ? 100 : code) * 100, group, sources: [], records: [] };
  }
  const count = getU16be(b, off + 10);
  if (off + IGMP_V3_QUERY_LEN + 4 * count > end) return undefined;
  const sources = Array.from({ length: count }, (_, i) => getU32be(b, off + IGMP_V3_QUERY_LEN + 4 * i));
  return { type, version: 3, maxRespMs: floatCode(code) * 100, group, sources, records: [] };
}

/** RFC 3376 4.1.1: from 128 on a mantissa and an exponent. */
function floatCode(code: number): number {
  return code < 128 ? code : ((code & 15) | 16) << (((code >> 4) & 7) + 3);
}

function parseRecords(b: Uint8Array, off: number, end: number): IgmpRecord[] | undefined {
  const records: IgmpRecord[] = [];
  let at = off + IGMP_MINLEN;
  for (let left = getU16be(b, off + 6); left > 0; left--) {
    if (at + RECORD_LEN > end) return undefined;
    const count = getU16be(b, at + 2);
    const next = at + RECORD_LEN + 4 * count + 4 * b[at + 1]!;
    if (next > end) return undefined;
    const from = at + RECORD_LEN;
    records.push({ type: b[at]!, group: getU32be(b, at + 4), sources: Array.from({ length: count }, (_, i) => getU32be(b, from + 4 * i)) });
    at = next;
  }
  return records;
}

/** A message of version 1 or 2: a report or a leave of a group, or a query with its time in units of 100 ms. */
export function emitIgmp(type: number, code: number, group: number): Uint8Array {
  const b = new Uint8Array(IGMP_MINLEN);
  b[0] = type;
  b[1] = code;
  putU32be(b, 4, group);
  putU16be(b, 2, inCksum(b));
  return b;
}

/** A report of version 3. */
export function emitIgmpReport(records: readonly IgmpRecord[]): Uint8Array {
  const len = records.reduce((sum, record) => sum + RECORD_LEN + 4 * (record.sources?.length ?? 0), IGMP_MINLEN);
  const b = new Uint8Array(len);
  b[0] = IGMP_V3_REPORT;
  putU16be(b, 6, records.length);
  let at = IGMP_MINLEN;
  for (const { type, group, sources } of records) {
    b[at] = type;
    putU16be(b, at + 2, sources?.length ?? 0);
    putU32be(b, at + 4, group);
    at += RECORD_LEN;
    for (const source of sources ?? []) {
      putU32be(b, at, source);
      at += 4;
    }
  }
  putU16be(b, 2, inCksum(b));
  return b;
}
