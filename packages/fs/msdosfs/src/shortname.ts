/**
 * Short names: eight bytes and three, in capitals, padded with blanks; and how Windows makes one for a name that is none.
 *
 * Source: "FAT: General Overview of On-Disk Format" 1.03, the basis-name generation algorithm; the manners of Windows NT beyond it (bits for lower
 * case, a checksum after the fourth name of a kind).
 */
import { oemByte, oemChar } from './charset.js';
import { CASE_BASE, CASE_EXT, DE_CASE, SLOT_FREE, SLOT_KANJI } from './ondisk.js';

const BASE = 8;
const EXT = 3;
const LEN = BASE + EXT;
/** Names that differ in their number only, before the checksum comes in. */
const PLAIN_TAILS = 4;
const TAILS_MAX = 999_999;

/** A name for a new entry. */
export interface ShortName {
  /** Eleven bytes. */
  readonly bytes: Uint8Array;
  /** CASE_BASE, CASE_EXT. */
  readonly caseBits: number;
  /** The name needs a long name besides. */
  readonly long: boolean;
}

/** The UTF-16 of the short name at `off`, in lower case where NT's bits say so. What no path can have is `_`. */
export function shortNameAt(b: Uint8Array, off: number, caseBits: number = b[off + DE_CASE]): string {
  const base = partAt(b, off, BASE, (caseBits & CASE_BASE) !== 0);
  const ext = partAt(b, off + BASE, EXT, (caseBits & CASE_EXT) !== 0);
  const name = ext === '' ? base : `${base}.${ext}`;
  return name === '' || name === '.' || name === '..' ? '_'.repeat(Math.max(1, name.length)) : name;
}

function partAt(b: Uint8Array, off: number, len: number, lower: boolean): string {
  let end = off + len;
  while (end > off && b[end - 1] === 0x20) end--;
  let s = '';
  for (let i = off; i < end; i++) {
    const byte = len === BASE && i === off && b[i] === SLOT_KANJI ? SLOT_FREE : b[i];
    s += byte < 0x20 || byte === 0x2f || byte === 0x7f ? '_' : oemChar(byte);
  }
  return lower ? s.toLowerCase() : s;
}

/** Characters below 0x80 that short names have. */
const SHORT_CHAR = /^[A-Z0-9$%'\-_@~`!(){}^#&]$/;

/**
 * The short name for `name` (UTF-16, as it is kept). `taken` says whether a name, in capitals, is in the directory. Undefined: there are no more.
 */
export function shortNameFor(name: string, taken: (short: string) => boolean): ShortName | undefined {
  const plain = asciiShort(name) ?? plainShort(name);
  if (plain !== undefined && !taken(shortNameAt(plain.bytes, 0, 0))) return plain;
  const { base, ext, lossy } = basisOf(name);
  if (!lossy) {
    const bytes = packed(base, ext);
    if (!taken(shortNameAt(bytes, 0, 0))) return { bytes, caseBits: 0, long: true };
  }
  return numbered(name, base, ext, taken);
}

/** What a character below 0x80 is in a short name: in it as it is, a capital, a small letter; 0: not in it. */
const OTHER = 1;
const CAPITAL = 2;
const SMALL = 4;
const KIND = Uint8Array.from({ length: 128 }, (_, c) => {
  const char = String.fromCharCode(c);
  if (char >= 'a' && char <= 'z') return SMALL;
  return !SHORT_CHAR.test(char) ? 0 : char >= 'A' && char <= 'Z' ? CAPITAL : OTHER;
});

/** The same as plainShort(), for most names; undefined: this is not for here to say, or it is none. */
function asciiShort(name: string): ShortName | undefined {
  if (name.length > LEN + 1) return undefined;
  const bytes = new Uint8Array(LEN).fill(0x20);
  let at = 0;
  let end = BASE;
  const seen = [0, 0];
  let part = 0;
  for (let i = 0; i < name.length; i++) {
    const c = name.charCodeAt(i);
    if (c === 0x2e && part === 0 && i > 0 && i < name.length - 1) {
      part = 1;
      at = BASE;
      end = LEN;
      continue;
    }
    const kind = c < 0x80 ? KIND[c] : 0;
    if (kind === 0 || at === end) return undefined;
    seen[part] |= kind;
    bytes[at++] = kind === SMALL ? c - 0x20 : c;
  }
  const both = CAPITAL | SMALL;
  if ((seen[0] & both) === both || (seen[1] & both) === both) return undefined;
  return { bytes, caseBits: ((seen[0] & SMALL) !== 0 ? CASE_BASE : 0) | ((seen[1] & SMALL) !== 0 ? CASE_EXT : 0), long: false };
}

/** A name that is a short one, each of its two parts in one case: it needs no other. */
function plainShort(name: string): ShortName | undefined {
  const dot = name.indexOf('.');
  const base = dot < 0 ? name : name.slice(0, dot);
  const ext = dot < 0 ? '' : name.slice(dot + 1);
  if (base.length === 0 || base.length > BASE || ext.length > EXT || (dot >= 0 && ext === '')) return undefined;
  const baseCase = caseOf(base);
  const extCase = caseOf(ext);
  if (baseCase < 0 || extCase < 0) return undefined;
  return { bytes: packed(oemOf(base.toUpperCase()), oemOf(ext.toUpperCase())), caseBits: (baseCase * CASE_BASE) | (extCase * CASE_EXT), long: false };
}

/** 0: in capitals; 1: in lower case; -1: both, or with characters that short names have not. Beyond ASCII, only what has no case. */
function caseOf(part: string): number {
  const up = part.toUpperCase();
  if (up.length !== part.length) return -1;
  for (const char of up) if (char.charCodeAt(0) < 0x80 ? !SHORT_CHAR.test(char) : oemByte(char) === undefined || char.toLowerCase() !== char) return -1;
  if (part === up) return 0;
  return part === part.toLowerCase() ? 1 : -1;
}

function oemOf(part: string): number[] {
  return [...part].map((char) => oemByte(char) ?? 0x5f);
}

/** What a name leaves of itself in a short one: OEM bytes; and whether something got lost on the way, but for its case. */
function basisOf(name: string): { base: number[]; ext: number[]; lossy: boolean } {
  let start = 0;
  while (name[start] === '.' || name[start] === ' ') start++;
  const dot = name.lastIndexOf('.');
  const cut = dot < start ? name.length : dot;
  const base = capitals(name.slice(start, cut));
  const ext = capitals(name.slice(cut + 1));
  const lossy = start > 0 || base.lossy || ext.lossy || base.bytes.length === 0 || base.bytes.length > BASE || ext.bytes.length > EXT;
  return { base: base.bytes.slice(0, BASE), ext: ext.bytes.slice(0, EXT), lossy };
}

function capitals(part: string): { bytes: number[]; lossy: boolean } {
  const bytes: number[] = [];
  let lossy = false;
  for (const char of part) {
    if (char === ' ' || char === '.') {
      lossy = true;
      continue;
    }
    const up = char.toUpperCase();
    const byte = oemByte(up.length === 1 ? up : char);
    if (byte === undefined || (byte < 0x80 && !SHORT_CHAR.test(up))) {
      bytes.push(0x5f);
      lossy = true;
    } else bytes.push(byte);
  }
  return { bytes, lossy };
}

function packed(base: readonly number[], ext: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(LEN).fill(0x20);
  bytes.set(base.slice(0, BASE), 0);
  bytes.set(ext.slice(0, EXT), BASE);
  if (bytes[0] === SLOT_FREE) bytes[0] = SLOT_KANJI;
  return bytes;
}

function numbered(name: string, base: readonly number[], ext: readonly number[], taken: (short: string) => boolean): ShortName | undefined {
  if (base.length > 2) {
    for (let n = 1; n <= PLAIN_TAILS; n++) {
      const bytes = withTail(base, ext, n);
      if (!taken(shortNameAt(bytes, 0, 0))) return { bytes, caseBits: 0, long: true };
    }
  }
  const hashed = [...base.slice(0, 2), ...hexOf(hashOf(name))];
  for (let n = 1; n <= TAILS_MAX; n++) {
    const bytes = withTail(hashed, ext, n);
    if (!taken(shortNameAt(bytes, 0, 0))) return { bytes, caseBits: 0, long: true };
  }
  return undefined;
}

function withTail(base: readonly number[], ext: readonly number[], n: number): Uint8Array {
  const tail = `~${n}`;
  const bytes = [...tail].map((c) => c.charCodeAt(0));
  return packed([...base.slice(0, BASE - tail.length), ...bytes], ext);
}

function hexOf(n: number): number[] {
  return [...n.toString(16).toUpperCase().padStart(4, '0')].map((c) => c.charCodeAt(0));
}

/** A number of 16 bits for a name, which names that begin alike do not share. */
function hashOf(name: string): number {
  let h = 0;
  for (let i = 0; i < name.length; i++) h = (Math.imul(h, 0x25) + name.charCodeAt(i)) & 0xffff;
  return (Math.imul(h, 0x9e3779b1) >>> 16) & 0xffff;
}
