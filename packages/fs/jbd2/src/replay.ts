/**
 * Recovery: what committed transactions of the log say is brought home.
 *
 * The log is read once, from where its superblock says to the first transaction that is not whole; then the last bytes of every block that was not revoked since
 * are copied. The work goes on where it was after a sleep. Nothing is written unless all of the log makes sense.
 */
import { getU32be, isZero, putU32be } from '@anykernel/lib-bytes';
import { Io, type ReplayDevice } from './io.js';
import {
  B_COMMIT, B_DESCRIPTOR, B_REVOKE, CB_SIZE, CB_SUM, CB_TYPE, COMPAT_CHECKSUM, JBD2_MAGIC, JS_ERRNO, JS_SEQUENCE, JS_START, type JournalSuper,
  type JournalTag, TAG_DELETED, TAG_ESCAPED, commitHolds, crc32be, kindOf, parseRevoked, parseTags, sealSuper, tagHolds, tailHolds,
} from './ondisk.js';
import type { JournalPlace } from './place.js';

/** The last that the log says of a block. */
interface Record {
  readonly tid: number;
  /** Block of the ring. */
  readonly at: number;
  readonly tag: JournalTag;
}

export interface ReplayResult {
  /** Transactions that were found. */
  readonly transactions: number;
  /** Blocks that were written. */
  readonly blocks: number;
}

/** a is later than b, of numbers that go round. */
function later(a: number, b: number): boolean {
  return ((a - b) | 0) > 0;
}

export class Replay {
  readonly #place: JournalPlace;
  readonly #super: JournalSuper;
  readonly #sb: Uint8Array;
  /** Blocks of the file system: none beyond is written. */
  readonly #blocks: number;
  readonly #io: Io;
  #phase: 'scan' | 'write' | 'drain' | 'super' | 'done' = 'scan';
  /** Scanning: where, in which transaction, how many blocks of the ring have been seen. */
  #at: number;
  #tid: number;
  #seen = 0;
  /** Of the transaction that is being read. */
  #open: Record[] = [];
  #openRevoked: number[] = [];
  /** Its tags whose blocks are still to be looked at, and the sum of its blocks. */
  #unread: Record[] = [];
  #crc = 0xffffffff;
  readonly #last = new Map<number, Record>();
  readonly #revoked = new Map<number, number>();
  #list: Record[] = [];
  #written = 0;

  /** `sb`: the first block of the journal, kept and changed in place. */
  constructor(disk: ReplayDevice, place: JournalPlace, sb: Uint8Array, info: JournalSuper, blocks: number) {
    this.#io = new Io(disk);
    this.#place = place;
    this.#sb = sb;
    this.#super = info;
    this.#blocks = blocks;
    this.#at = info.start - info.first;
    this.#tid = info.sequence;
  }

  /** The transaction after those that were found. */
  get next(): number {
    // One is left out: of it there may be blocks in the log.
    return this.#super.start === 0 ? this.#super.sequence : (this.#tid + 1) >>> 0;
  }

  /** A string says what is wrong with the log; nothing has been written then. Sleeps, EIO; called again it goes on. */
  run(): ReplayResult | string {
    if (this.#phase === 'scan') {
      const wrong = this.#super.start === 0 ? undefined : this.#scan();
      if (wrong !== undefined) return wrong;
      if (this.#hasFastCommits()) return 'it has fast commits, which are not supported: e2fsck can bring them home';
      this.#list = [...this.#last.values()].filter((r) => !this.#isRevoked(r)).sort((a, b) => a.at - b.at);
      this.#phase = 'write';
    }
    const fault = this.#phase === 'write' ? this.#write() : undefined;
    if (fault !== undefined) return fault;
    if (this.#phase === 'drain') this.#drain();
    if (this.#phase === 'super') this.#finish();
    return { transactions: this.#super.start === 0 ? 0 : (this.#tid - this.#super.sequence) >>> 0, blocks: this.#list.length };
  }

  #read(at: number): Uint8Array {
    return this.#io.read(this.#place.off(this.#super.first + (at % this.#super.length)), this.#place.bsize);
  }

  // -- scanning

  #scan(): string | undefined {
    for (;;) {
      this.#look();
      if (this.#seen > this.#super.length) return undefined;
      const b = this.#read(this.#at);
      const kind = kindOf(b, this.#tid);
      if (kind === B_DESCRIPTOR && tailHolds(b, this.#super)) this.#descriptor(b);
      else if (kind === B_REVOKE && tailHolds(b, this.#super)) {
        const list = parseRevoked(b, this.#super);
        if (list === undefined) return 'a list of revoked blocks makes no sense';
        this.#openRevoked.push(...list);
        this.#step(1);
      } else if (kind === B_COMMIT && commitHolds(b, this.#super) && this.#sumHolds(b)) this.#committed();
      else return undefined;
    }
  }

  #step(count: number): void {
    this.#at = (this.#at + count) % this.#super.length;
    this.#seen += count;
  }

  #descriptor(b: Uint8Array): void {
    const tags = parseTags(b, this.#super);
    if ((this.#super.compat & COMPAT_CHECKSUM) !== 0) this.#crc = crc32be(this.#crc, b);
    const first = this.#at + 1;
    for (const [i, tag] of tags.entries()) {
      const record = { tid: this.#tid, at: (first + i) % this.#super.length, tag };
      this.#unread.push(record);
      if ((tag.flags & TAG_DELETED) === 0) this.#open.push(record);
    }
    this.#step(1 + tags.length);
  }

  /** The blocks behind a descriptor, where they have sums. A block with a wrong one is no matter if the transaction did not commit. */
  #look(): void {
    const sums = (this.#super.compat & COMPAT_CHECKSUM) !== 0;
    while (this.#unread.length > 0) {
      if (sums) this.#crc = crc32be(this.#crc, this.#read(this.#unread[0]!.at));
      this.#unread.shift();
    }
  }

  /** Version 1 of the checksums: over all blocks of the transaction, where the commit block has one. */
  #sumHolds(b: Uint8Array): boolean {
    if ((this.#super.compat & COMPAT_CHECKSUM) === 0 || b[CB_TYPE] === 0) return true;
    return b[CB_TYPE] === 1 && b[CB_SIZE] === 4 && getU32be(b, CB_SUM) === this.#crc;
  }

  #committed(): void {
    for (const r of this.#open) this.#last.set(r.tag.blkno, r);
    for (const blkno of this.#openRevoked) this.#revoked.set(blkno, this.#tid);
    this.#open = [];
    this.#openRevoked = [];
    this.#crc = 0xffffffff;
    this.#tid = (this.#tid + 1) >>> 0;
    this.#step(1);
  }

  #isRevoked(r: Record): boolean {
    const tid = this.#revoked.get(r.tag.blkno);
    return tid !== undefined && !later(r.tid, tid);
  }

  /** The area behind the ring, and one more block that nothing uses, begins with a head (tag 9) of the transaction that would come next. */
  #hasFastCommits(): boolean {
    const { fastBlocks, first, length } = this.#super;
    if (fastBlocks < 2 || this.#super.start === 0) return false;
    const b = this.#io.read(this.#place.off(first + length + 1), this.#place.bsize);
    if (isZero(b)) return false;
    const [tag, tid] = [b[0]! | (b[1]! << 8), (b[8]! | (b[9]! << 8) | (b[10]! << 16) | (b[11]! << 24)) >>> 0];
    return tag === 9 && tid === this.#tid;
  }

  // -- writing

  /** Verifies all blocks in a first round, and writes them in a second. A string: one is not what its tag says. */
  #write(): string | undefined {
    const { bsize } = this.#place;
    for (; this.#written < 2 * this.#list.length; this.#written++) {
      const r = this.#list[this.#written % this.#list.length]!;
      const b = this.#read(r.at);
      if (this.#written < this.#list.length) {
        if (r.tag.blkno >= this.#blocks) return `it has a block for place ${r.tag.blkno}, which there is not`;
        if (!tagHolds(r.tag, b, r.tid, this.#super)) return `its copy of block ${r.tag.blkno} has a wrong checksum`;
        continue;
      }
      const data = (r.tag.flags & TAG_ESCAPED) === 0 ? b : b.slice();
      if (data !== b) putU32be(data, 0, JBD2_MAGIC);
      this.#io.write(r.tag.blkno * bsize, data);
    }
    this.#phase = 'drain';
    return undefined;
  }

  #drain(): void {
    this.#io.drain();
    const sb = this.#sb;
    putU32be(sb, JS_START, 0);
    putU32be(sb, JS_SEQUENCE, this.next);
    putU32be(sb, JS_ERRNO, 0);
    sealSuper(sb, this.#super);
    this.#io.write(this.#place.off(0), sb);
    this.#phase = 'super';
  }

  #finish(): void {
    this.#io.drain();
    this.#phase = 'done';
  }
}
