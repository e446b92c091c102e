/** The fifth pass: the maps and sums of each group, the table of groups and the totals, as they must be by what the others have found. */
import {
  CG_CGX, CG_CLUSTEROFF, CG_CLUSTERSUMOFF, CG_CS, CG_FREEOFF, CG_FROTOR, CG_FRSUM, CG_INITEDIBLK, CG_IROTOR, CG_IUSEDOFF, CG_MAGIC, CG_MAGIC_NUMBER,
  CG_NCLUSTERBLKS, CG_NDBLK, CG_NEXTFREEOFF, CG_NIBLK, CG_OLD_BOFF, CG_OLD_BTOTOFF, CG_OLD_NCYL, CG_OLD_NIBLK, CG_ROTOR, CG_SPACE, CS_LEN, FS_CSTOTAL,
  FS_OLD_CPG, FS_OLD_CSTOTAL, FS_OLD_NRPOS, cgStart,
} from '../ondisk.js';
import { set64 } from '@anykernel/ufs';
import { type Context, DIR, FOUND, FREE } from './context.js';
import { initedOf } from './inodes.js';
import { sameBytes } from './store.js';

/** Directories, free blocks, free inodes, free fragments. */
type Counts = [number, number, number, number];

/** Puts the groups right, and the table of them. Gives the totals. */
export function checkGroups(c: Context): Counts {
  const total: Counts = [0, 0, 0, 0];
  const table = new Uint8Array(c.info.ncg * CS_LEN);
  const view = new DataView(table.buffer);
  for (let g = 0; g < c.info.ncg; g++) {
    const counts = new Group(c, g).check();
    for (let i = 0; i < 4; i++) {
      view.setInt32(g * CS_LEN + 4 * i, counts[i], c.le);
      total[i] += counts[i];
    }
  }
  if (c.store.put(c.info.csaddr * c.fsize, table)) c.say('the table of groups is not what the groups say: corrected');
  return total;
}

/** The totals in the superblock. */
export function checkTotals(c: Context, total: Counts): void {
  const at = c.info.loc;
  const b = new Uint8Array(32);
  const view = new DataView(b.buffer);
  for (let i = 0; i < 4; i++) set64(view, 8 * i, total[i], c.le);
  if (c.store.put(at + FS_CSTOTAL, b)) c.say('the totals in the superblock are not those of the groups: corrected');
  if (c.info.version === 2) return;
  const old = new Uint8Array(16);
  const oldView = new DataView(old.buffer);
  for (let i = 0; i < 4; i++) oldView.setInt32(4 * i, total[i], c.le);
  // Those of old are brought up to date with the others, and are no fault where they are not.
  if (c.store.changed) c.store.put(at + FS_OLD_CSTOTAL, old);
}

class Group {
  readonly #c: Context;
  readonly #g: number;
  readonly #base: number;
  readonly #len: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #before: Uint8Array;

  constructor(c: Context, g: number) {
    this.#c = c;
    this.#g = g;
    this.#base = g * c.info.fpg;
    this.#len = Math.min(c.info.fpg, c.info.size - this.#base);
    this.#before = c.store.bytes(this.#at, Math.min(c.info.cgsize, c.bsize));
    this.#bytes = this.#before.slice();
    this.#view = new DataView(this.#bytes.buffer);
  }

  get #at(): number {
    return (cgStart(this.#c.info, this.#g) + this.#c.info.cblkno) * this.#c.fsize;
  }

  check(): Counts {
    const c = this.#c;
    if (this.#get(CG_MAGIC) !== CG_MAGIC_NUMBER) {
      c.say(`group ${this.#g} has no magic number: made anew`);
      this.#bytes.fill(0);
    }
    this.#head();
    if (!sameBytes(this.#bytes, this.#before) && this.#get(CG_MAGIC) === CG_MAGIC_NUMBER) c.say(`group ${this.#g}: its head is wrong: corrected`);
    const head = this.#bytes.slice();
    const counts = this.#maps();
    if (!sameBytes(this.#bytes, head)) c.say(`group ${this.#g}: its maps and sums are not those of its files: corrected`);
    c.store.put(this.#at, this.#bytes);
    return counts;
  }

  #get(off: number): number {
    return this.#view.getInt32(off, this.#c.le);
  }
  #put(off: number, value: number): void {
    this.#view.setInt32(off, value, this.#c.le);
  }

  /** What does not depend on files. */
  #head(): void {
    const { info, frag } = this.#c;
    const ufs2 = info.version === 2;
    const inited = initedOf(this.#c, this.#g);
    this.#put(CG_MAGIC, CG_MAGIC_NUMBER);
    this.#put(CG_CGX, this.#g);
    this.#put(CG_NDBLK, this.#len);
    if (ufs2) {
      this.#put(CG_NIBLK, info.ipg);
      this.#put(CG_INITEDIBLK, inited);
    } else {
      this.#view.setInt16(CG_OLD_NIBLK, info.ipg, this.#c.le);
      if (this.#view.getInt16(CG_OLD_NCYL, this.#c.le) <= 0) this.#view.setInt16(CG_OLD_NCYL, 1, this.#c.le);
    }
    this.#offsets();
    if (info.contigsumsize > 0) this.#put(CG_NCLUSTERBLKS, Math.floor(this.#len / frag));
    for (const rotor of [CG_ROTOR, CG_FROTOR]) if (this.#get(rotor) < 0 || this.#get(rotor) >= this.#len) this.#put(rotor, 0);
    if (this.#get(CG_IROTOR) < 0 || this.#get(CG_IROTOR) >= info.ipg) this.#put(CG_IROTOR, 0);
  }

  /** Where the maps are: always the same, by the sizes in the superblock. */
  #offsets(): void {
    const { info, frag } = this.#c;
    const maps = Math.ceil(info.ipg / 8) + Math.ceil(info.fpg / 8);
    const clusters = info.contigsumsize > 0 ? 4 * info.contigsumsize + 4 + Math.ceil(info.fpg / frag / 8) : 0;
    // UFS1 has tables of old before the maps, where there is room for them.
    const old = this.#oldTables();
    const tables = CG_SPACE + old[0] + old[1] + maps + clusters <= this.#bytes.length ? old : [0, 0];
    if (info.version === 1) {
      this.#put(CG_OLD_BTOTOFF, CG_SPACE);
      this.#put(CG_OLD_BOFF, CG_SPACE + tables[0]);
    }
    const iused = CG_SPACE + tables[0] + tables[1];
    const free = iused + Math.ceil(info.ipg / 8);
    let next = free + Math.ceil(info.fpg / 8);
    if (info.contigsumsize > 0) {
      const sums = Math.ceil(next / 4) * 4 - 4;
      this.#put(CG_CLUSTERSUMOFF, sums);
      this.#put(CG_CLUSTEROFF, sums + 4 * (info.contigsumsize + 1));
      next = sums + 4 * (info.contigsumsize + 1) + Math.ceil(info.fpg / frag / 8);
    }
    this.#put(CG_IUSEDOFF, iused);
    this.#put(CG_FREEOFF, free);
    this.#put(CG_NEXTFREEOFF, next);
  }

  /** Bytes of the two tables of cylinders. */
  #oldTables(): readonly [number, number] {
    const { info, store, le } = this.#c;
    if (info.version === 2) return [0, 0];
    const i32 = (off: number): number => new DataView(store.bytes(info.loc + off, 4).buffer).getInt32(0, le);
    const cpg = i32(FS_OLD_CPG);
    const nrpos = i32(FS_OLD_NRPOS);
    return cpg > 0 && cpg < 1024 && nrpos > 0 && nrpos < 64 ? [4 * cpg, 2 * cpg * nrpos] : [0, 0];
  }

  #maps(): Counts {
    const c = this.#c;
    const counts: Counts = [0, 0, 0, 0];
    const iused = this.#get(CG_IUSEDOFF);
    this.#bytes.fill(0, iused, iused + Math.ceil(c.info.ipg / 8));
    for (let i = 0; i < c.info.ipg; i++) {
      const ino = this.#g * c.info.ipg + i;
      const state = ino < 2 ? DIR : c.state[ino];
      if (state === FREE) counts[2]++;
      else this.#bytes[iused + (i >> 3)] |= 1 << (i & 7);
      if (ino >= 2 && (state === DIR || state === FOUND)) counts[0]++;
    }
    this.#fragments(counts);
    for (let i = 0; i < 4; i++) this.#put(CG_CS + 4 * i, counts[i]);
    return counts;
  }

  #fragments(counts: Counts): void {
    const c = this.#c;
    const free = this.#get(CG_FREEOFF);
    const { contigsumsize } = c.info;
    const sums = this.#get(CG_CLUSTERSUMOFF);
    const clusters = this.#get(CG_CLUSTEROFF);
    const blocks = Math.floor(this.#len / c.frag);
    for (let n = 0; n < 8; n++) this.#put(CG_FRSUM + 4 * n, 0);
    if (contigsumsize > 0) {
      this.#bytes.fill(0, sums + 4, sums + 4 * (contigsumsize + 1));
      this.#bytes.fill(0, clusters, clusters + Math.ceil(c.info.fpg / c.frag / 8));
    }
    this.#bytes.fill(0, free, free + Math.ceil(c.info.fpg / 8));
    let run = 0;
    const addRun = (): void => {
      if (run > 0 && contigsumsize > 0) this.#add(sums + 4 * Math.min(run, contigsumsize));
      run = 0;
    };
    for (let b = 0; b * c.frag < this.#len; b++) {
      if (this.#block(b, free, counts) && b < blocks) {
        if (contigsumsize > 0) this.#bytes[clusters + (b >> 3)] |= 1 << (b & 7);
        run++;
      } else addRun();
    }
    addRun();
  }

  #add(off: number): void {
    this.#put(off, this.#get(off) + 1);
  }

  /** The fragments of one block; whether all are free. */
  #block(b: number, free: number, counts: Counts): boolean {
    const c = this.#c;
    let count = 0;
    let run = 0;
    const runs: number[] = [];
    for (let f = b * c.frag; f < (b + 1) * c.frag; f++) {
      if (f < this.#len && !c.isUsed(this.#base + f)) {
        this.#bytes[free + (f >> 3)] |= 1 << (f & 7);
        count++;
        run++;
        continue;
      }
      if (run > 0) runs.push(run);
      run = 0;
    }
    if (run > 0) runs.push(run);
    if (count === c.frag) {
      counts[1]++;
      return true;
    }
    counts[3] += count;
    for (const n of runs) this.#add(CG_FRSUM + 4 * n);
    return false;
  }
}
