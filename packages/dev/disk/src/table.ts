/**
 * Partition tables as they are read from a disk: what all kinds have in common.
 *
 * A table comes from anybody. What makes no sense is a fault, of a part or of the whole table, in words; a part that has one is listed and is
 * no device. Whatever the bytes are, reading a table takes a bounded number of reads, and yields at most PARTS_MAX parts.
 */

export type Scheme = 'gpt' | 'mbr' | 'bsd' | 'apple';

/** A part of a disk. */
export interface Part {
  /** By place in the table: `1`; a logical one `5`; in a label `a`, in a label that is in a slice `2a`. */
  readonly id: string;
  /** A byte string of UTF-8, mostly; '' where the table has no names. */
  readonly label: string;
  /** Lower case; '' where the table has none. */
  readonly uuid: string;
  /** The type as the table has it: a GUID, two hexadecimal digits, a number, a name. */
  readonly code: string;
  /** The same for people. */
  readonly type: string;
  /** The same in dk(4)'s words; '' where there is none. */
  readonly ptype: string;
  /** Bytes. */
  readonly off: number;
  readonly size: number;
  /** `boot`, `required`, `read-only` ... */
  readonly flags: readonly string[];
  /** It holds other parts, or the table itself, or nothing. */
  readonly container: boolean;
  /** Why it cannot be used. */
  readonly fault: string | undefined;
}

export interface Table {
  readonly scheme: Scheme;
  /** Of the disk: a GUID, eight hexadecimal digits; '' where the table has none. */
  readonly uuid: string;
  /** Bytes of a sector, as the table counts them. */
  readonly secsize: number;
  readonly parts: readonly Part[];
  readonly faults: readonly string[];
}

/** The disk that a table is read from. */
export interface Medium {
  /** Bytes. */
  readonly size: number;
  readonly secsize: number;
  /** `len` bytes from `off`, fewer at the end. EIO. It may sleep: whoever reads a table begins anew then, and finds the same bytes. */
  peek(off: number, len: number): Uint8Array;
}

export const PARTS_MAX = 1024;
const FAULTS_MAX = 32;

/** A table being put together. */
export class TableMaker {
  readonly parts: Part[] = [];
  readonly faults: string[] = [];

  constructor(
    readonly m: Medium,
    readonly scheme: Scheme,
    readonly secsize: number,
  ) {}

  /** Whether there may be more. */
  get full(): boolean {
    return this.parts.length >= PARTS_MAX;
  }

  fault(text: string): void {
    if (this.faults.length < FAULTS_MAX && !this.faults.includes(text)) this.faults.push(text);
  }

  /** Adds a part; `off` and `size` are checked against the medium. */
  add(part: Partial<Part> & Pick<Part, 'id' | 'off' | 'size'>): void {
    if (this.full) {
      this.fault(`there are more than ${PARTS_MAX} partitions`);
      return;
    }
    const blank = { label: '', uuid: '', code: '', type: '', ptype: '', flags: [], container: false, fault: undefined };
    this.parts.push({ ...blank, ...part, fault: part.fault ?? this.#faultOf(part.off, part.size) });
  }

  #faultOf(off: number, size: number): string | undefined {
    if (!(size > 0)) return 'has no length';
    if (!(off >= 0) || off >= this.m.size) return 'lies beyond the end of the disk';
    return off + size > this.m.size ? 'reaches beyond the end of the disk' : undefined;
  }

  finish(uuid = ''): Table {
    this.#findOverlaps();
    return { scheme: this.scheme, uuid, secsize: this.secsize, parts: this.parts, faults: this.faults };
  }

  /** Parts that have bytes in common, but for those that hold others. */
  #findOverlaps(): void {
    const inOrder = this.parts.filter((p) => !p.container && p.fault === undefined).sort((a, b) => a.off - b.off);
    let last: Part | undefined;
    for (const p of inOrder) {
      if (last !== undefined && p.off < last.off + last.size) this.fault(`partitions ${last.id} and ${p.id} overlap`);
      if (last === undefined || p.off + p.size > last.off + last.size) last = p;
    }
  }
}
