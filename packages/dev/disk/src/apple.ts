/**
 * Apple's partition map: Inside Macintosh: Devices, chapter 3.
 *
 * Big-endian. Block 0: "ER" 0, bytes of a block 2 (16 bits). From block 1 on an entry in each block: "PM" 0, entries of the map 4, first block 8, blocks 12,
 * name 16[32], type 48[32]. Disks for 2048-byte blocks have their entries in steps of 512 bytes, too.
 */
import { cstringOf, getU16be, getU32be } from '@anykernel/lib-bytes';
import { type Medium, type Table, TableMaker } from './table.js';
import { appleType } from './typenames.js';

const DRIVER_MAGIC = 0x4552;
const ENTRY_MAGIC = 0x504d;
const ENTRY_LEN = 80;
const ENTRIES_MAX = 256;
/** What is no place for files. */
const EMPTY: readonly string[] = ['Apple_partition_map', 'Apple_Free', 'Apple_Void', 'Apple_Scratch'];

export interface AppleEntry {
  /** Entries of the whole map. */
  readonly count: number;
  /** Blocks. */
  readonly start: number;
  readonly blocks: number;
  readonly name: string;
  readonly type: string;
}

/** The entry in these bytes; undefined: it is none. */
function parseAppleEntry(b: Uint8Array): AppleEntry | undefined {
  if (b.length < ENTRY_LEN || getU16be(b, 0) !== ENTRY_MAGIC) return undefined;
  return { count: getU32be(b, 4), start: getU32be(b, 8), blocks: getU32be(b, 12), name: cstringOf(b, 16, 32), type: cstringOf(b, 48, 32) };
}

/** The map; undefined: there is none. */
export function scanApple(m: Medium): Table | undefined {
  const driver = m.peek(0, 512);
  if (driver.length < 512 || getU16be(driver, 0) !== DRIVER_MAGIC) return undefined;
  const said = getU16be(driver, 2);
  const secsize = said >= 512 && said <= 8192 && (said & (said - 1)) === 0 ? said : 512;
  const step = [secsize, 512].find((s) => parseAppleEntry(m.peek(s, ENTRY_LEN)) !== undefined);
  if (step === undefined) return undefined;
  const t = new TableMaker(m, 'apple', step === secsize ? secsize : 512);
  const count = parseAppleEntry(m.peek(step, ENTRY_LEN))?.count ?? 0;
  if (count > ENTRIES_MAX) t.fault(`the map has ${count} entries; ${ENTRIES_MAX} are read`);
  for (let i = 1; i <= Math.min(count, ENTRIES_MAX); i++) {
    const e = parseAppleEntry(m.peek(i * step, ENTRY_LEN));
    if (e === undefined) {
      t.fault(`entry ${i} of the map is none`);
      break;
    }
    add(t, e, i);
  }
  return t.finish();
}

function add(t: TableMaker, e: AppleEntry, number: number): void {
  const [type, ptype] = appleType(e.type);
  const place = { off: e.start * t.secsize, size: e.blocks * t.secsize };
  t.add({ id: String(number), label: e.name, code: e.type, type, ptype, ...place, container: EMPTY.includes(e.type) });
}
