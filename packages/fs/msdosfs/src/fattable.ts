/** A whole file allocation table in memory, for fsck: which clusters follow each other, and which belong to a file. */
import { ERR } from '@anykernel/lib-sys';
import type { FsckImage } from './fsck.js';
import { CLEAN16, CLEAN32, type FatInfo, FIRST_CLUSTER } from './ondisk.js';

/** Clusters of a volume that is not too large. */
const CLUSTERS_MAX = 1 << 26;
const EOC = 0x0fff_ffff;
const EOC_MIN: Readonly<Record<number, number>> = { 12: 0xff8, 16: 0xfff8, 32: 0x0fff_fff8 };
const BAD: Readonly<Record<number, number>> = { 12: 0xff7, 16: 0xfff7, 32: 0x0fff_fff7 };
/** Bytes of a table that are written at once. */
const CHUNK = 1 << 20;

export class FatTable {
  readonly #image: FsckImage;
  readonly #info: FatInfo;
  /** The bytes of the FAT that counts. */
  readonly #bytes: Uint8Array;
  /** 1: the cluster belongs to a file. */
  readonly #taken: Uint8Array;
  #changed = false;

  /** ENOMEM: it is too large. */
  constructor(image: FsckImage, info: FatInfo) {
    if (info.clusters > CLUSTERS_MAX) throw ERR.ENOMEM;
    this.#image = image;
    this.#info = info;
    this.#bytes = image.read(this.#copyOff(info.activeFat), info.fatLen).slice();
    this.#taken = new Uint8Array(info.clusters + FIRST_CLUSTER);
  }

  #copyOff(i: number): number {
    return this.#info.fatOff + i * this.#info.fatLen;
  }

  offOf(c: number): number {
    return this.#info.dataOff + (c - FIRST_CLUSTER) * this.#info.clusterSize;
  }
  isCluster(c: number): boolean {
    return c >= FIRST_CLUSTER && c < this.#info.clusters + FIRST_CLUSTER;
  }
  isTaken(c: number): boolean {
    return this.#taken[c] === 1;
  }

  get(c: number): number {
    const b = this.#bytes;
    const { bits } = this.#info;
    if (bits === 12) {
      const at = c + (c >> 1);
      const word = b[at] | (b[at + 1] << 8);
      return (c & 1) === 0 ? word & 0xfff : word >> 4;
    }
    return bits === 16 ? b[2 * c] | (b[2 * c + 1] << 8) : (b[4 * c] | (b[4 * c + 1] << 8) | (b[4 * c + 2] << 16) | (b[4 * c + 3] << 24)) & 0x0fff_ffff;
  }

  #set(c: number, value: number): void {
    const b = this.#bytes;
    const { bits } = this.#info;
    this.#changed = true;
    if (bits === 12) {
      const at = c + (c >> 1);
      const odd = (c & 1) !== 0;
      b[at] = odd ? (b[at] & 0x0f) | ((value << 4) & 0xf0) : value & 0xff;
      b[at + 1] = odd ? (value >> 4) & 0xff : (b[at + 1] & 0xf0) | ((value >> 8) & 0x0f);
      return;
    }
    const width = bits === 16 ? 2 : 4;
    for (let i = 0; i < width; i++) b[width * c + i] = i === 3 ? (b[4 * c + 3] & 0xf0) | ((value >>> 24) & 0x0f) : (value >>> (8 * i)) & 0xff;
  }

  /** The first `max` clusters of a chain are a file's from here on. `end`: why it was cut there; undefined: it was not. */
  claim(start: number, max: number): { clusters: number[]; end: string | undefined } {
    const clusters: number[] = [];
    let end: string | undefined;
    for (let c = start; clusters.length < max; ) {
      if (!this.isCluster(c)) end = `it leads to cluster ${c}, which there is not`;
      else if (this.isTaken(c)) end = `cluster ${c} is another file's, or its own a second time`;
      else if (this.get(c) === 0) end = `cluster ${c} is free`;
      else if (this.get(c) === BAD[this.#info.bits]) end = `cluster ${c} is bad`;
      if (end !== undefined) break;
      clusters.push(c);
      this.#taken[c] = 1;
      const next = this.get(c);
      if (next >= (EOC_MIN[this.#info.bits] as number)) return { clusters, end };
      c = next;
    }
    const last = clusters[clusters.length - 1];
    if (end === undefined && max > 0) end = 'it has more clusters than it needs';
    if (last !== undefined) this.#set(last, EOC);
    return { clusters, end };
  }

  /** Clusters that are in use, and belong to no file: they are free from here on. */
  freeLost(): number {
    let count = 0;
    for (let c = FIRST_CLUSTER; c < this.#info.clusters + FIRST_CLUSTER; c++) {
      const value = this.get(c);
      if (this.#taken[c] === 1 || value === 0 || value === BAD[this.#info.bits]) continue;
      count++;
      this.#set(c, 0);
    }
    return count;
  }

  free(): number {
    let count = 0;
    for (let c = FIRST_CLUSTER; c < this.#info.clusters + FIRST_CLUSTER; c++) if (this.get(c) === 0) count++;
    return count;
  }

  /** Whether all tables that are kept say the same. */
  copiesAgree(): boolean {
    if (!this.#info.mirrored) return true;
    for (let i = 1; i < this.#info.fats; i++) {
      for (let at = 0; at < this.#bytes.length; at += CHUNK) {
        const len = Math.min(CHUNK, this.#bytes.length - at);
        const b = this.#image.read(this.#copyOff(i) + at, len);
        for (let j = 0; j < len; j++) if (b[j] !== this.#bytes[at + j]) return false;
      }
    }
    return true;
  }

  isMarkedClean(): boolean {
    const { bits } = this.#info;
    if (bits === 12) return true;
    return bits === 16 ? (this.get(1) & CLEAN16) !== 0 : (this.get(1) & CLEAN32) !== 0;
  }

  markClean(): void {
    const { bits } = this.#info;
    if (bits !== 12) this.#set(1, this.get(1) | (bits === 16 ? CLEAN16 : CLEAN32));
  }

  /** Writes all tables that are kept, where this one has changed, or they may differ. */
  write(differ: boolean): void {
    if (!this.#changed && !differ) return;
    for (let i = 0; i < this.#info.fats; i++) {
      if (!this.#info.mirrored && i !== this.#info.activeFat) continue;
      for (let at = 0; at < this.#bytes.length; at += CHUNK) this.#image.write(this.#copyOff(i) + at, this.#bytes.subarray(at, at + CHUNK));
    }
  }
}
