/**
 * El Torito: what a machine can boot from a disk, by the catalogue that a boot record descriptor leads to. Pure.
 *
 * The images are parts of the disk; mostly they are files of the hierarchy as well, and otherwise they can be cut out by what is said of them here.
 *
 * Source: "El Torito" Bootable CD-ROM Format Specification 1.0; UEFI 2.10, 13.3.2.1.
 */
import { bytestrOf, getU16le, getU32le } from '@anykernel/lib-bytes';
import { DESCRIPTORS_MAX, FIRST_DESCRIPTOR, SECTOR, VD_BOOT, VD_END, bootCatalogOf, descriptorType } from './ondisk.js';

/** What the image pretends to be. */
export type BootMedia = 'none' | 'floppy 1.2M' | 'floppy 1.44M' | 'floppy 2.88M' | 'hard disk';

export interface BootEntry {
  /** Whether a machine would take it. */
  readonly bootable: boolean;
  readonly media: BootMedia;
  /** 0: PC BIOS, 1: PowerPC, 2: Macintosh, 0xef: UEFI. */
  readonly platform: number;
  /** Of the section that it stands in: who made it, a byte string. */
  readonly id: string;
  /** Where the image is, in sectors of 2048 bytes. */
  readonly sector: number;
  /** What is loaded of it, in units of 512 bytes; of a floppy or a hard disk, the first sector. */
  readonly count: number;
}

/** Reads `len` bytes at `off` of an image; fewer at its end. */
type Peek = (off: number, len: number) => Uint8Array;

const ENTRY = 32;
/** Bytes of a catalogue that are looked at. */
const CATALOG_MAX = SECTOR;
const HEADER_MORE = 0x90;
const HEADER_LAST = 0x91;
const EXTENSION = 0x44;
const MEDIA: readonly BootMedia[] = ['none', 'floppy 1.2M', 'floppy 1.44M', 'floppy 2.88M', 'hard disk'];

/** The entries of the catalogue, in their order; undefined: the disk has none, or one that makes no sense. `session`: its first sector. */
export function bootEntries(peek: Peek, session: number = 0): readonly BootEntry[] | undefined {
  for (let n = 0; n < DESCRIPTORS_MAX; n++) {
    const b = peek((session + FIRST_DESCRIPTOR + n) * SECTOR, SECTOR);
    const type = descriptorType(b);
    if (type < 0 || type === VD_END) return undefined;
    const block = type === VD_BOOT ? bootCatalogOf(b) : undefined;
    if (block !== undefined) return parseCatalog(peek(block * SECTOR, CATALOG_MAX));
  }
  return undefined;
}

/** A validation entry, the default one, then sections of others. */
function parseCatalog(b: Uint8Array): readonly BootEntry[] | undefined {
  if (b.length < 2 * ENTRY || !isValid(b)) return undefined;
  const entries = [parseEntry(b, ENTRY, b[1], bytestrOf(b, 4, 28).replace(/[ \0]+$/, ''))];
  for (let off = 2 * ENTRY; off + ENTRY <= b.length && (b[off] === HEADER_MORE || b[off] === HEADER_LAST); ) {
    const header = off;
    const id = bytestrOf(b, header + 4, header + ENTRY).replace(/[ \0]+$/, '');
    off += ENTRY;
    for (let left = getU16le(b, header + 2); left > 0 && off + ENTRY <= b.length; left--) {
      entries.push(parseEntry(b, off, b[header + 1], id));
      off += ENTRY;
      while (off + ENTRY <= b.length && b[off] === EXTENSION) off += ENTRY;
    }
    if (b[header] === HEADER_LAST) break;
  }
  return entries;
}

/** The words of the first entry add up to zero, and it ends in 55 AA. */
function isValid(b: Uint8Array): boolean {
  let sum = 0;
  for (let i = 0; i < ENTRY; i += 2) sum += getU16le(b, i);
  return b[0] === 1 && (sum & 0xffff) === 0 && b[30] === 0x55 && b[31] === 0xaa;
}

function parseEntry(b: Uint8Array, off: number, platform: number, id: string): BootEntry {
  return {
    platform, id,
    bootable: b[off] === 0x88,
    media: MEDIA[b[off + 1] & 15] ?? 'none',
    sector: getU32le(b, off + 8),
    count: getU16le(b, off + 6),
  };
}
