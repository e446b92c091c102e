/** How files look in listings. Lines are byte strings. */
import type { Stats } from 'node:fs';

/** The letter of a file's type: `d`, `l`, `-`. */
export function typeLetter(st: Stats): string {
  if (st.isDirectory()) return 'd';
  if (st.isSymbolicLink()) return 'l';
  if (st.isFIFO()) return 'p';
  if (st.isSocket()) return 's';
  if (st.isBlockDevice()) return 'b';
  if (st.isCharacterDevice()) return 'c';
  return '-';
}

/** `-rwsr-xr-t`. */
export function modeString(st: Stats): string {
  const triple = (shift: number, special: number, letter: string): string => {
    const bits = st.mode >> shift;
    const exec = (bits & 1) !== 0;
    const last = (st.mode & special) === 0 ? (exec ? 'x' : '-') : exec ? letter : letter.toUpperCase();
    return ((bits & 4) !== 0 ? 'r' : '-') + ((bits & 2) !== 0 ? 'w' : '-') + last;
  };
  return typeLetter(st) + triple(6, 0o4000, 's') + triple(3, 0o2000, 's') + triple(0, 0o1000, 't');
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  d: 'directory',
  l: 'symlink',
  p: 'fifo',
  s: 'socket',
  b: 'block',
  c: 'character',
  '-': 'file',
};

/** The type in words, for programs. */
export function typeName(st: Stats): string {
  return TYPE_NAMES[typeLetter(st)] ?? 'file';
}

/** Permission bits as four octal digits. */
export function octalMode(st: Stats): string {
  return (st.mode & 0o7777).toString(8).padStart(4, '0');
}

/** `2026-11-24 09:15:02`, UTC. A time that no calendar has (a damaged disk's) is a number of seconds. */
export function timeString(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? String(Math.floor(ms / 1000)) : date.toISOString().slice(0, 19).replace('T', ' ');
}

/** ISO 8601 with milliseconds. */
export function isoTime(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? String(ms / 1000) : date.toISOString();
}

const UNITS = ['', 'K', 'M', 'G', 'T', 'P'];

/** `1.5M`: 1024s, three digits at most. */
export function humanSize(bytes: number): string {
  let n = bytes;
  let unit = 0;
  while (n >= 1024 && unit < UNITS.length - 1) {
    n /= 1024;
    unit++;
  }
  return `${n >= 100 || unit === 0 ? Math.round(n) : n.toFixed(1)}${UNITS[unit]}`;
}

/** Bytes from `64m`, `1g`, `4096`. undefined: it is no size. */
export function parseSize(text: string): number | undefined {
  const m = /^(\d+(?:\.\d+)?)([kmgt]?)(?:i?b)?$/i.exec(text);
  if (m === null) return undefined;
  const bytes = Number(m[1]) * 1024 ** ' kmgt'.indexOf((m[2] ?? '').toLowerCase() || ' ');
  return Number.isSafeInteger(bytes) ? bytes : Math.floor(bytes);
}

/** Device number's halves as they stand in listings; numbers are packed as NetBSD packs them. */
export function deviceString(rdev: number): string {
  return `${(rdev & 0xfff00) >>> 8}, ${(((rdev & 0xfff00000) >>> 12) | (rdev & 0xff)) >>> 0}`;
}

/** Names come from anybody: what a terminal would obey is shown as `\x1b`. `s` is a byte string. */
export function shown(s: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  return s.replace(/[\0-\x1f\x7f]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

/** Characters that a byte string of UTF-8 takes on a terminal, near enough. */
function width(s: string): number {
  let n = 0;
  for (let i = 0; i < s.length; i++) if ((s.charCodeAt(i) & 0xc0) !== 0x80) n++;
  return n;
}

/** Rows with their columns under each other; columns named in `right` end together. Cells are byte strings. */
export function columns(rows: readonly (readonly string[])[], right: readonly number[] = []): string[] {
  const widths: number[] = [];
  for (const row of rows) for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, width(cell));
  const pad = (cell: string, i: number): string => ' '.repeat((widths[i] ?? 0) - width(cell));
  return rows.map((row) =>
    row.map((cell, i) => (right.includes(i) ? pad(cell, i) + cell : i === row.length - 1 ? cell : cell + pad(cell, i))).join(' '),
  );
}
