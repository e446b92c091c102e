/**
 * The master boot record, and the chain of logical partitions in an extended one.
 *
 * Four entries of 16 bytes from 446 on, and 55 aa at 510: status 0 (80: boot), type 4, first sector 8, sectors 12 (little-endian, 32 bits). An extended
 * partition begins with a record of the same form: its first entry is a logical partition, relative to this record; its second one the next
 * record, relative to the extended partition.
 */
import { getU16le, getU32le } from '@anykernel/lib-bytes';
import { LABEL_TYPES, addLabel } from './bsdlabel.js';
import { type Medium, type Table, TableMaker } from './table.js';
import { mbrType } from './typenames.js';

const ENTRIES = 446;
const ENTRY_LEN = 16;
const SIGNATURE = 510;
const DISK_ID = 440;
const PROTECTIVE = 0xee;
const EXTENDED: readonly number[] = [0x05, 0x0f, 0x85];
/** Records of one chain. */
const CHAIN_MAX = 1024;

export interface MbrEntry {
  readonly boot: boolean;
  readonly type: number;
  /** Sectors. */
  readonly start: number;
  readonly count: number;
}

/** The entries of a record: what is empty has type 0. undefined: these bytes are no such record. */
function parseMbr(b: Uint8Array): MbrEntry[] | undefined {
  if (b.length < 512 || b[SIGNATURE] !== 0x55 || b[SIGNATURE + 1] !== 0xaa) return undefined;
  const entries: MbrEntry[] = [];
  for (let i = 0; i < 4; i++) {
    const at = ENTRIES + i * ENTRY_LEN;
    if (((b[at] as number) & 0x7f) !== 0) return undefined;
    entries.push({ boot: b[at] === 0x80, type: b[at + 4] as number, start: getU32le(b, at + 8), count: getU32le(b, at + 12) });
  }
  return entries;
}

/** Whether the first sector is that of a FAT, exFAT or NTFS file system, which has boot code where a table would be. */
function isBootSector(b: Uint8Array): boolean {
  const jump = b[0] === 0xe9 || (b[0] === 0xeb && b[2] === 0x90);
  if (!jump || b.length < 512) return false;
  const oem = String.fromCharCode(...b.subarray(3, 11));
  if (oem === 'EXFAT   ' || oem === 'NTFS    ') return true;
  const bytes = getU16le(b, 11);
  const sectors = b[13] as number;
  const fats = b[16] as number;
  const powers = bytes >= 512 && bytes <= 4096 && (bytes & (bytes - 1)) === 0 && sectors > 0 && (sectors & (sectors - 1)) === 0;
  return powers && (fats === 1 || fats === 2) && (b[21] as number) >= 0xf0;
}

export type MbrKind = 'none' | 'empty' | 'mbr' | 'protective';

/** What the first sector says. `protective`: there is a GPT. */
export function mbrKind(b: Uint8Array): MbrKind {
  const entries = isBootSector(b) ? undefined : parseMbr(b);
  if (entries === undefined) return 'none';
  if (entries.some((e) => e.type === PROTECTIVE)) return 'protective';
  return entries.some((e) => e.type !== 0 && e.count > 0) ? 'mbr' : 'empty';
}

/** The table; undefined: there is none. */
export function scanMbr(m: Medium): Table | undefined {
  const b = m.peek(0, 512);
  const entries = isBootSector(b) ? undefined : parseMbr(b);
  if (entries === undefined) return undefined;
  const t = new TableMaker(m, 'mbr', m.secsize);
  const id = getU32le(b, DISK_ID).toString(16).padStart(8, '0');
  entries.forEach((e, i) => {
    if (e.type !== 0 && e.count > 0) addPrimary(t, e, String(i + 1), id);
  });
  let next = 5;
  for (const e of entries) if (EXTENDED.includes(e.type) && e.count > 0) next = walkChain(t, e, next, id);
  return t.finish(id);
}

function addPrimary(t: TableMaker, e: MbrEntry, number: string, id: string): void {
  const held = LABEL_TYPES[e.type] === undefined ? undefined : addLabel(t, e.start * t.secsize, e.count * t.secsize, LABEL_TYPES[e.type], number);
  add(t, e, e.start, number, id, EXTENDED.includes(e.type) || held !== undefined, undefined);
  if (held !== undefined) for (const part of held) t.add(part);
}

function add(t: TableMaker, e: MbrEntry, start: number, number: string, id: string, container: boolean, fault: string | undefined): void {
  const code = e.type.toString(16).padStart(2, '0');
  const [type, ptype] = mbrType(e.type);
  const uuid = id === '00000000' ? '' : `${id}-${Number(number).toString(16).padStart(2, '0')}`;
  const place = { off: start * t.secsize, size: e.count * t.secsize };
  t.add({ id: number, uuid, code, type, ptype, ...place, flags: e.boot ? ['boot'] : [], container, ...(fault === undefined ? {} : { fault }) });
}

/** The logical partitions in `extended`, numbered from `next` on. Returns the number after the last. */
function walkChain(t: TableMaker, extended: MbrEntry, first: number, id: string): number {
  const { m, secsize } = t;
  const seen = new Set<number>();
  let number = first;
  for (let at: number | undefined = extended.start; at !== undefined; ) {
    if (seen.has(at)) return broken(t, number, `the chain of logical partitions goes back to sector ${at}`);
    if (seen.size >= CHAIN_MAX || t.full) return broken(t, number, `there are more than ${CHAIN_MAX} logical partitions`);
    seen.add(at);
    const entries = parseMbr(m.peek(at * secsize, 512));
    if (entries === undefined) return broken(t, number, `there is no record of logical partitions in sector ${at}`);
    const [part, link] = entries as [MbrEntry, MbrEntry];
    if (part.type !== 0 && part.count > 0 && !EXTENDED.includes(part.type)) {
      const start = at + part.start;
      const inside = start >= extended.start && start + part.count <= extended.start + extended.count;
      add(t, part, start, String(number++), id, false, inside ? undefined : 'is not in the extended partition');
    }
    at = nextRecord(t, extended, part, link);
  }
  return number;
}

/** Where the chain goes on. Some programs put the link first where there is no partition. */
function nextRecord(t: TableMaker, extended: MbrEntry, part: MbrEntry, link: MbrEntry): number | undefined {
  const e = [link, part].find((x) => EXTENDED.includes(x.type) && x.count > 0);
  if (e === undefined) return undefined;
  if (e.start < extended.count) return extended.start + e.start;
  t.fault('the chain of logical partitions leaves the extended partition');
  return undefined;
}

function broken(t: TableMaker, number: number, fault: string): number {
  t.fault(fault);
  return number;
}
