/**
 * Long names: UTF-16, in up to twenty entries of thirteen units before the one that has the short name; the last part comes first. A checksum of the
 * short name ties them to it.
 *
 * Source: "FAT: General Overview of On-Disk Format" 1.03, long directory entries.
 */
import { getU16le, putU16le } from '@anykernel/lib-bytes';
import { ATTR_LONG, DE_ATTR, DIRENT_LEN, NAME_MAX } from './ondisk.js';

/** Units in one entry. */
const UNITS = 13;
const LAST_PART = 0x40;
const PARTS_MAX = 20;
const LDE_CHECKSUM = 13;
const fromCharCode = String.fromCharCode;

/** Where unit `i` of a part is in its entry. */
const UNIT_OFF: readonly number[] = [1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30];

/** Entries that a name of so many units takes, besides the short one. */
export function longSlots(units: number): number {
  return Math.ceil(units / UNITS);
}

/** The checksum of the eleven bytes of a short name. */
export function checksumOf(b: Uint8Array, off: number): number {
  let sum = 0;
  for (let i = 0; i < 11; i++) sum = (((sum & 1) << 7) + (sum >> 1) + b[off + i]) & 0xff;
  return sum;
}

/** Writes part `part` (from 1) of a name's `parts`, 32 bytes, at `off`, in place. */
export function emitLongPart(b: Uint8Array, off: number, name: string, part: number, parts: number, checksum: number): void {
  b.fill(0, off, off + DIRENT_LEN);
  b[off] = part === parts ? part | LAST_PART : part;
  b[off + DE_ATTR] = ATTR_LONG;
  b[off + LDE_CHECKSUM] = checksum;
  for (let i = 0; i < UNITS; i++) {
    const at = (part - 1) * UNITS + i;
    putU16le(b, off + UNIT_OFF[i], at < name.length ? name.charCodeAt(at) : at === name.length ? 0 : 0xffff);
  }
}

/** Takes a long name in, entry by entry, as they stand in a directory. */
export class LongName {
  /** Entries of the name that were taken; 0: there is none. */
  count = 0;
  #left = 0;
  #checksum = 0;
  #text = '';

  reset(): void {
    this.count = this.#left = 0;
    this.#text = '';
  }

  /** One part. What does not belong to the one before begins anew, or is no name. */
  take(b: Uint8Array, off: number): void {
    const order = b[off];
    if ((order & LAST_PART) !== 0) this.#begin(order & ~LAST_PART, b[off + LDE_CHECKSUM]);
    else if (this.#left === 0 || order !== this.#left || b[off + LDE_CHECKSUM] !== this.#checksum) this.reset();
    if (this.#left === 0) return;
    this.#left--;
    this.count++;
    this.#text = partOf(b, off) + this.#text;
  }

  #begin(parts: number, checksum: number): void {
    this.reset();
    if (parts === 0 || parts > PARTS_MAX) return;
    this.#left = parts;
    this.#checksum = checksum;
  }

  /** The UTF-16 of the name that belongs to the short entry at `off`; undefined: it has none. Parts are for the next one from here on. */
  finish(b: Uint8Array, off: number): string | undefined {
    if (this.count === 0) return undefined;
    if (this.#left === 0 && this.#checksum === checksumOf(b, off)) {
      const end = this.#text.indexOf('\0');
      const name = end < 0 ? this.#text : this.#text.slice(0, end);
      if (isSayable(name)) return name;
    }
    this.reset();
    return undefined;
  }
}

function partOf(b: Uint8Array, off: number): string {
  let s = '';
  for (const at of UNIT_OFF) s += fromCharCode(getU16le(b, off + at));
  return s;
}

/** Whether a path can have this name in it. */
function isSayable(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && name.length <= NAME_MAX && !name.includes('/');
}

/** Characters that no name has (Windows, "Naming Files, Paths, and Namespaces"). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused.
const FORBIDDEN = /[\x00-\x1f"*/:<>?\\|\x7f]/;

/** A name as it is kept: blanks and dots at its end are not. Undefined: there can be none like it. */
export function keptName(name: string): string | undefined {
  const kept = trimmed(name);
  return kept === '' || FORBIDDEN.test(kept) ? undefined : kept;
}

/** Without the blanks and dots at its end. */
export function trimmed(name: string): string {
  let end = name.length;
  while (end > 0 && (name.charCodeAt(end - 1) === 0x20 || name.charCodeAt(end - 1) === 0x2e)) end--;
  return end === name.length ? name : name.slice(0, end);
}
