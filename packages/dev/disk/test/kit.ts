/** Disks as bytes: a medium over an array, and tables written into it by hand. */
import { crc32, putU16be, putU16le, putU32be, putU32le, putU64le } from '@anykernel/lib-bytes';
import { type Medium, type Table, scanTable } from '../src/index.js';

export const SECTOR = 512;

export class Bytes implements Medium {
  reads = 0;
  bytesRead = 0;
  constructor(
    readonly data: Uint8Array,
    readonly secsize = SECTOR,
    readonly size = data.length,
  ) {}

  /** What lies behind the array, on a disk that is said to be larger, is zeros. */
  peek(off: number, len: number): Uint8Array {
    this.reads++;
    const end = Math.min(off + len, this.size);
    if (!(off >= 0) || end <= off) return new Uint8Array(0);
    this.bytesRead += end - off;
    const b = new Uint8Array(end - off);
    b.set(this.data.subarray(Math.min(off, this.data.length), Math.min(end, this.data.length)));
    return b;
  }
}

export function tableOf(data: Uint8Array, secsize = SECTOR): Table | undefined {
  return scanTable(new Bytes(data, secsize));
}

/** `id off+size` in sectors of what can be used. */
export function usable(t: Table | undefined, secsize = SECTOR): string[] {
  return (t?.parts ?? []).filter((p) => !p.container && p.fault === undefined).map((p) => `${p.id} ${p.off / secsize}+${p.size / secsize}`);
}

export interface Slice {
  readonly type: number;
  readonly start: number;
  readonly count: number;
  readonly boot?: boolean;
}

/** A record in sector `lba`. */
export function putMbr(b: Uint8Array, lba: number, slices: readonly Slice[], diskId = 0): void {
  const at = lba * SECTOR;
  putU32le(b, at + 440, diskId);
  slices.forEach((s, i) => {
    const e = at + 446 + i * 16;
    b[e] = s.boot === true ? 0x80 : 0;
    b[e + 4] = s.type;
    putU32le(b, e + 8, s.start);
    putU32le(b, e + 12, s.count);
  });
  b[at + 510] = 0x55;
  b[at + 511] = 0xaa;
}

export interface GptPart {
  readonly type?: number;
  readonly start: number;
  readonly end: number;
  readonly name?: string;
}

/** A whole GPT with its protective record: 8 entries, unless said otherwise. */
export function putGpt(b: Uint8Array, parts: readonly GptPart[], o: { secsize?: number; count?: number; entrySize?: number } = {}): void {
  const { secsize = SECTOR, count = 8, entrySize = 128 } = o;
  const last = b.length / secsize - 1;
  putMbr(b, 0, [{ type: 0xee, start: 1, count: last }]);
  const entries = new Uint8Array(count * entrySize);
  parts.forEach((p, i) => {
    const at = i * entrySize;
    entries[at] = p.type ?? 0xaf;
    entries[at + 16] = i + 1;
    putU64le(entries, at + 32, p.start);
    putU64le(entries, at + 40, p.end);
    [...(p.name ?? '')].forEach((c, j) => putU16le(entries, at + 56 + 2 * j, c.charCodeAt(0)));
  });
  const sectors = Math.ceil(entries.length / secsize);
  putGptHeader(b, { secsize, self: 1, other: last, at: 2, sectors, entries, count, entrySize });
  putGptHeader(b, { secsize, self: last, other: 1, at: last - sectors, sectors, entries, count, entrySize });
}

interface HeaderInit {
  readonly secsize: number;
  readonly self: number;
  readonly other: number;
  readonly at: number;
  readonly sectors: number;
  readonly entries: Uint8Array;
  readonly count: number;
  readonly entrySize: number;
}

function putGptHeader(b: Uint8Array, h: HeaderInit): void {
  const last = b.length / h.secsize - 1;
  const header = b.subarray(h.self * h.secsize, (h.self + 1) * h.secsize);
  header.fill(0);
  header.set(Buffer.from('EFI PART'));
  putU32le(header, 8, 0x1_0000);
  putU32le(header, 12, 92);
  putU64le(header, 24, h.self);
  putU64le(header, 32, h.other);
  putU64le(header, 40, 2 + h.sectors);
  putU64le(header, 48, last - h.sectors - 1);
  header[56] = 0xd1;
  putU64le(header, 72, h.at);
  putU32le(header, 80, h.count);
  putU32le(header, 84, h.entrySize);
  putU32le(header, 88, crc32(h.entries));
  b.set(h.entries, h.at * h.secsize);
  sealGpt(header);
}

/** Gives a header its checksum. */
export function sealGpt(header: Uint8Array): void {
  putU32le(header, 16, 0);
  putU32le(header, 16, crc32(header, 0, 92));
}

export interface LabelPart {
  readonly offset: number;
  readonly size: number;
  readonly fstype: number;
}

/** A label at byte `at`. `wide`: as OpenBSD writes it. */
export function putLabel(b: Uint8Array, at: number, parts: readonly LabelPart[], o: { big?: boolean; wide?: boolean; secsize?: number } = {}): void {
  const u16 = o.big === true ? putU16be : putU16le;
  const u32 = o.big === true ? putU32be : putU32le;
  const end = at + 148 + parts.length * 16;
  b.fill(0, at, end);
  u32(b, at, 0x82564557);
  u32(b, at + 40, o.secsize ?? SECTOR);
  u32(b, at + 132, 0x82564557);
  u16(b, at + 138, parts.length);
  if (o.wide === true) u16(b, at + 114, 1);
  parts.forEach((p, i) => {
    const e = at + 148 + i * 16;
    u32(b, e, p.size % 2 ** 32);
    u32(b, e + 4, p.offset % 2 ** 32);
    if (o.wide === true) {
      u16(b, e + 8, Math.floor(p.offset / 2 ** 32));
      u16(b, e + 10, Math.floor(p.size / 2 ** 32));
    }
    b[e + 12] = p.fstype;
  });
  let sum = 0;
  for (let i = at; i < end; i += 2) sum ^= (b[i] as number) | ((b[i + 1] as number) << 8);
  b[at + 136] = sum & 0xff;
  b[at + 137] = sum >> 8;
}

/** Apple's map, in blocks of `secsize` bytes and steps of `step`. */
export function putApple(b: Uint8Array, parts: readonly { start: number; blocks: number; name: string; type: string }[], secsize = SECTOR, step = secsize): void {
  b.set(Buffer.from('ER'));
  putU16be(b, 2, secsize);
  putU32be(b, 4, b.length / secsize);
  parts.forEach((p, i) => {
    const e = b.subarray((i + 1) * step);
    e.set(Buffer.from('PM'));
    putU32be(e, 4, parts.length);
    putU32be(e, 8, p.start);
    putU32be(e, 12, p.blocks);
    e.set(Buffer.from(p.name), 16);
    e.set(Buffer.from(p.type), 48);
  });
}

/** Numbers from a seed: 0 to n-1. */
export function rng(seed: number): (n: number) => number {
  let s = seed | 0;
  return (n) => {
    s = (Math.imul(s, 1664525) + 1013904223) | 0;
    return Math.floor(((s >>> 8) / 2 ** 24) * n);
  };
}
