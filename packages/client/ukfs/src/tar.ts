/**
 * Archives as ustar with pax records (POSIX.1-2017, pax, "ustar Interchange Format" and "pax Extended Header"), and files with holes as GNU tar keeps
 * them (format 1.0: GNU.sparse.* records, and a map before the data).
 *
 * Names, link targets and owners' names are byte strings (lib/bytes), whatever their encoding. What is no archive is a TarError that says where.
 */
import { bytesOf, bytestrOf } from '@anykernel/lib-bytes';

const TYPES = { file: '0', link: '1', symlink: '2', char: '3', block: '4', directory: '5', fifo: '6' } as const;
export type TarType = keyof typeof TYPES;

/** Seconds since 1970, and nanoseconds. */
export interface TarTime {
  readonly sec: number;
  readonly nsec: number;
}

export interface TarEntry {
  readonly name: string;
  readonly type: TarType;
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: TarTime;
  readonly atime: TarTime | undefined;
  /** Of a link. */
  readonly target: string;
  /** Of a device. */
  readonly major: number;
  readonly minor: number;
  /** Of a file: its length, and what of it is data, in order and without overlaps. The rest are holes. */
  readonly size: number;
  readonly extents: readonly TarExtent[];
}

export interface TarExtent {
  readonly off: number;
  readonly data: Uint8Array;
}

/** It is no archive, or a damaged one. */
export class TarError extends Error {
  override name = 'TarError';
}

const BLOCK = 512;
const EMPTY = new Uint8Array(0);

function padded(len: number): number {
  return Math.ceil(len / BLOCK) * BLOCK;
}

// -- emit

function put(block: Uint8Array, off: number, text: string, len: number): void {
  for (let i = 0; i < Math.min(text.length, len); i++) block[off + i] = text.charCodeAt(i);
}

function octal(value: number, digits: number): string | undefined {
  const text = value.toString(8);
  return value >= 0 && text.length <= digits ? text.padStart(digits, '0') : undefined;
}

/** A header; numbers and names that do not fit become pax records. */
function header(e: TarEntry, len: number, records: Map<string, string>): Uint8Array {
  const block = new Uint8Array(BLOCK);
  const number = (off: number, digits: number, value: number, key: string): void => {
    const text = octal(value, digits);
    if (text === undefined) records.set(key, String(value));
    put(block, off, text ?? '0'.repeat(digits), digits);
  };
  if (e.name.length > 100) records.set('path', e.name);
  if (e.target.length > 100) records.set('linkpath', e.target);
  put(block, 0, e.name, 100);
  put(block, 100, octal(e.mode & 0o7777, 7) ?? '', 7);
  number(108, 7, e.uid, 'uid');
  number(116, 7, e.gid, 'gid');
  number(124, 11, len, 'size');
  put(block, 136, octal(Math.max(0, e.mtime.sec), 11) ?? '0'.repeat(11), 11);
  put(block, 156, TYPES[e.type], 1);
  put(block, 157, e.target, 100);
  put(block, 257, 'ustar\0' + '00', 8);
  put(block, 329, octal(e.major, 7) ?? '', 7);
  put(block, 337, octal(e.minor, 7) ?? '', 7);
  put(block, 148, `${checksum(block).toString(8).padStart(6, '0')}\0 `, 8);
  return block;
}

/** The sum of all bytes, those of the sum itself as blanks. */
function checksum(block: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < BLOCK; i++) sum += i >= 148 && i < 156 ? 32 : block[i];
  return sum;
}

function seconds({ sec, nsec }: TarTime): string {
  if (nsec === 0) return String(sec);
  // Of a time before 1970 the digits count backwards.
  const [whole, part] = sec < 0 ? [sec + 1, 1e9 - nsec] : [sec, nsec];
  return `${sec < 0 && whole === 0 ? '-' : ''}${whole}.${String(part).padStart(9, '0').replace(/0+$/, '')}`;
}

/** One record: its own length in decimal, a blank, key=value, a newline. */
function record(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let len = rest.length + 1;
  while (String(len).length + rest.length !== len) len = String(len).length + rest.length;
  return `${len}${rest}`;
}

/** The map of a file with holes, and what goes before it in records. */
function sparse(e: TarEntry, records: Map<string, string>): { name: string; map: Uint8Array } {
  records.set('GNU.sparse.major', '1');
  records.set('GNU.sparse.minor', '0');
  records.set('GNU.sparse.name', e.name);
  records.set('GNU.sparse.realsize', String(e.size));
  // GNU tar wants the end of the file in the map where it ends with a hole.
  const last = e.extents[e.extents.length - 1];
  const ends = last !== undefined && last.off + last.data.length === e.size;
  const extents = ends ? e.extents : [...e.extents, { off: e.size, data: EMPTY }];
  const text = `${extents.length}\n${extents.map((x) => `${x.off}\n${x.data.length}\n`).join('')}`;
  const map = new Uint8Array(padded(text.length));
  put(map, 0, text, text.length);
  const slash = e.name.lastIndexOf('/') + 1;
  return { name: `${e.name.slice(0, slash)}GNUSparseFile.0/${e.name.slice(slash)}`, map };
}

/** Whether all of a file is data. */
function isWhole(e: TarEntry): boolean {
  return e.size === 0 || (e.extents.length === 1 && e.extents[0].off === 0 && e.extents[0].data.length === e.size);
}

/** Pieces that follow one another; data is not copied. */
function* entryPieces(e: TarEntry): Generator<Uint8Array, void, undefined> {
  const records = new Map<string, string>();
  if (e.mtime.nsec !== 0 || e.mtime.sec < 0 || e.mtime.sec >= 8 ** 11) records.set('mtime', seconds(e.mtime));
  if (e.atime !== undefined) records.set('atime', seconds(e.atime));
  const holes = e.type === 'file' && !isWhole(e) ? sparse(e, records) : undefined;
  const data = e.type === 'file' ? e.extents.map((x) => x.data) : [];
  const len = data.reduce((sum, d) => sum + d.length, holes?.map.length ?? 0);
  const block = header(holes === undefined ? e : { ...e, name: holes.name }, len, records);
  if (records.size > 0) {
    const text = bytesOf([...records].map(([k, v]) => record(k, v)).join(''));
    const x: TarEntry = { ...e, name: 'PaxHeaders/x', target: '', size: 0, extents: [], mode: 0o644, mtime: { sec: 0, nsec: 0 }, type: 'file' };
    const head = header(x, text.length, new Map());
    put(head, 156, 'x', 1);
    put(head, 148, `${checksum(head).toString(8).padStart(6, '0')}\0 `, 8);
    yield head;
    yield* filled(text, text.length);
  }
  yield block;
  if (holes !== undefined) yield holes.map;
  for (const d of data) yield d;
  yield new Uint8Array(padded(len) - len);
}

function* filled(bytes: Uint8Array, len: number): Generator<Uint8Array, void, undefined> {
  yield bytes;
  yield new Uint8Array(padded(len) - len);
}

/** The archive of entries, in their order. */
export function emitTar(entries: readonly TarEntry[]): Uint8Array {
  const pieces = entries.flatMap((e) => [...entryPieces(e)]);
  pieces.push(new Uint8Array(2 * BLOCK));
  const out = new Uint8Array(pieces.reduce((sum, p) => sum + p.length, 0));
  let off = 0;
  for (const p of pieces) {
    out.set(p, off);
    off += p.length;
  }
  return out;
}

// -- parse

/** The text of a field, up to its NUL. */
function text(block: Uint8Array, off: number, len: number): string {
  const end = block.indexOf(0, off);
  return bytestrOf(block, off, end < 0 || end > off + len ? off + len : end);
}

/** A number in octal digits, or as GNU tar has others: in base 256, below zero with all bits set before it. */
function numberAt(block: Uint8Array, off: number, len: number, at: number, least = 0): number {
  if ((block[off] & 0x80) !== 0) {
    let value = block[off] === 0xff ? -1 : block[off] & 0x7f;
    for (let i = 1; i < len; i++) value = value * 256 + block[off + i];
    if (!Number.isSafeInteger(value) || value < least) throw new TarError(`number out of range in the header at ${at}`);
    return value;
  }
  const digits = text(block, off, len).trim();
  if (!/^[0-7]*$/.test(digits)) throw new TarError(`no number in the header at ${at}`);
  return digits === '' ? 0 : Number.parseInt(digits, 8);
}

function parseRecords(bytes: Uint8Array, at: number): Map<string, string> {
  const records = new Map<string, string>();
  const all = bytestrOf(bytes);
  for (let off = 0; off < all.length; ) {
    const m = /^(\d{1,9}) /.exec(all.slice(off, off + 11));
    const len = Number(m?.[1]);
    const eq = all.indexOf('=', off);
    if (m === null || len < m[0].length + 2 || off + len > all.length || eq < 0 || eq >= off + len || all[off + len - 1] !== '\n') {
      throw new TarError(`damaged record in the extended header at ${at}`);
    }
    records.set(all.slice(off + m[0].length, eq), all.slice(eq + 1, off + len - 1));
    off += len;
  }
  return records;
}

function decimal(value: string, at: number): number {
  const n = Number(value);
  if (!/^\d{1,16}$/.test(value) || !Number.isSafeInteger(n)) throw new TarError(`no number in a record of the entry at ${at}`);
  return n;
}

function parseTime(value: string, at: number): TarTime {
  const m = /^(-?)(\d{1,14})(?:\.(\d{1,30}))?$/.exec(value);
  if (m === null) throw new TarError(`no time in a record of the entry at ${at}`);
  const nsec = Number((m[3] ?? '').slice(0, 9).padEnd(9, '0'));
  if (m[1] === '') return { sec: Number(m[2]), nsec };
  return nsec === 0 ? { sec: -Number(m[2]), nsec: 0 } : { sec: -Number(m[2]) - 1, nsec: 1e9 - nsec };
}

const TYPE_OF: ReadonlyMap<string, TarType> = new Map<string, TarType>([
  ...(Object.entries(TYPES) as [TarType, string][]).map(([type, flag]): [string, TarType] => [flag, type]),
  ['\0', 'file'],
  ['7', 'file'],
]);

/** The data of a file with holes: the map, then the pieces. */
function parseSparse(data: Uint8Array, realsize: number, at: number): TarExtent[] {
  let off = 0;
  const next = (): number => {
    const end = data.indexOf(10, off);
    if (end < 0 || end - off > 16) throw new TarError(`damaged map of holes in the entry at ${at}`);
    const n = decimal(bytestrOf(data, off, end), at);
    off = end + 1;
    return n;
  };
  const count = next();
  if (count > data.length / 4) throw new TarError(`damaged map of holes in the entry at ${at}`);
  const spans: [number, number][] = [];
  for (let i = 0; i < count; i++) spans.push([next(), next()]);
  let from = padded(off);
  let past = 0;
  return spans.flatMap(([start, len]): TarExtent[] => {
    if (start < past || start + len > realsize || from + len > data.length) throw new TarError(`map of holes beyond the entry at ${at}`);
    past = start + len;
    from += len;
    return len === 0 ? [] : [{ off: start, data: data.subarray(from - len, from) }];
  });
}

interface Head {
  readonly block: Uint8Array;
  readonly at: number;
  readonly flag: string;
  readonly records: ReadonlyMap<string, string>;
}

function parseEntry(h: Head, data: Uint8Array): TarEntry {
  const { block, at, records } = h;
  const type = TYPE_OF.get(h.flag);
  if (type === undefined) throw new TarError(`entry of an unknown type (${JSON.stringify(h.flag)}) at ${at}`);
  const prefix = text(block, 257, 5) === 'ustar' && block[262] === 0 ? text(block, 345, 155) : '';
  const short = text(block, 0, 100);
  const name = records.get('GNU.sparse.name') ?? records.get('path') ?? (prefix === '' ? short : `${prefix}/${short}`);
  const holes = records.get('GNU.sparse.major') === '1' && records.get('GNU.sparse.minor') === '0';
  const size = holes ? decimal(records.get('GNU.sparse.realsize') ?? '', at) : data.length;
  const number = (key: string, off: number): number => {
    const value = records.get(key);
    return value === undefined ? numberAt(block, off, 8, at) : decimal(value, at);
  };
  const [mtime, atime] = [records.get('mtime'), records.get('atime')];
  return {
    name,
    type,
    mode: numberAt(block, 100, 8, at) & 0o7777,
    uid: number('uid', 108),
    gid: number('gid', 116),
    mtime: mtime === undefined ? { sec: numberAt(block, 136, 12, at, Number.MIN_SAFE_INTEGER), nsec: 0 } : parseTime(mtime, at),
    atime: atime === undefined ? undefined : parseTime(atime, at),
    target: records.get('linkpath') ?? text(block, 157, 100),
    major: type === 'char' || type === 'block' ? numberAt(block, 329, 8, at) : 0,
    minor: type === 'char' || type === 'block' ? numberAt(block, 337, 8, at) : 0,
    size: type === 'file' ? size : 0,
    extents: type !== 'file' || size === 0 ? [] : holes ? parseSparse(data, size, at) : [{ off: 0, data }],
  };
}

/** The entries of an archive. Their data are views of `bytes`. TarError. */
export function parseTar(bytes: Uint8Array): TarEntry[] {
  const entries: TarEntry[] = [];
  let global = new Map<string, string>();
  let own: Map<string, string> | undefined;
  for (let at = 0; ; ) {
    if (at + BLOCK > bytes.length) throw new TarError(`the archive ends within a header at ${at}`);
    const block = bytes.subarray(at, at + BLOCK);
    if (block.every((b) => b === 0)) return entries;
    if (numberAt(block, 148, 8, at) !== checksum(block)) throw new TarError(`no header at ${at}: its checksum is wrong`);
    const flag = String.fromCharCode(block[156]);
    const records = new Map([...global, ...(own ?? [])]);
    const len = records.has('size') ? decimal(records.get('size') ?? '', at) : numberAt(block, 124, 12, at);
    const has = TYPE_OF.get(flag) === undefined || TYPE_OF.get(flag) === 'file' ? len : 0;
    if (at + BLOCK + has > bytes.length) throw new TarError(`the archive ends within the entry at ${at}`);
    const data = bytes.subarray(at + BLOCK, at + BLOCK + has);
    if (flag === 'x') own = parseRecords(data, at);
    else if (flag === 'g') global = new Map([...global, ...parseRecords(data, at)]);
    else if (flag === 'L' || flag === 'K') own = new Map([...(own ?? []), [flag === 'L' ? 'path' : 'linkpath', text(data, 0, data.length)]]);
    else {
      entries.push(parseEntry({ block, at, flag, records }, data));
      own = undefined;
    }
    at += BLOCK + padded(has);
  }
}

