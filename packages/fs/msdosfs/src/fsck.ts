/**
 * fsck: checks a FAT volume, and repairs it where that is wanted. Pure but for the image that it is given.
 *
 * What is wrong is mended as other checkers mend it: a chain is cut where it makes no sense, a file is as long as its clusters, the second of two files that
 * share clusters loses them, parts of long names that belong to nothing go, clusters that belong to nothing are free.
 */
import { getU32le, putU16le, putU32le } from '@anykernel/lib-bytes';
import { ERR } from '@anykernel/lib-sys';
import { FatTable } from './fattable.js';
import { LongName } from './longname.js';
import {
  ATTR_DIRECTORY, ATTR_LONG, ATTR_MASK, ATTR_VOLUME, BOOT_LEN, DE_ATTR, DE_SIZE, DE_START, DE_START_HIGH, DIRENT_LEN, DIR_SLOTS_MAX, type FatInfo,
  FSI_FREE, FSI_LEAD_SIG, FSI_STRUCT_SIG, FSI_UNKNOWN, LEAD_SIG, SLOT_END, SLOT_FREE, STATE_DIRTY, STRUCT_SIG, looksLikeBoot, parseBoot,
} from './ondisk.js';
import { shortNameAt } from './shortname.js';

/** A volume, all of whose bytes read() gives. */
export interface FsckImage {
  /** Bytes. */
  readonly size: number;
  read(off: number, len: number): Uint8Array;
  write(off: number, data: Uint8Array): void;
}

export interface FsckReport {
  /** What was found, a line each, in the order of finding; no more than 1000 of them. */
  readonly problems: readonly string[];
  /** Nothing is wrong any more. */
  readonly clean: boolean;
  readonly files: number;
  readonly directories: number;
  readonly usedClusters: number;
  readonly clusters: number;
}

const PROBLEMS_MAX = 1000;
const DEPTH_MAX = 1024;

/** Whether there is a FAT volume on an image. */
export function hasFat(image: Pick<FsckImage, 'size' | 'read'>): boolean {
  return image.size >= BOOT_LEN && looksLikeBoot(image.read(0, BOOT_LEN));
}

/** Checks; with `repair` it writes what it mends. EINVAL: there is no FAT volume, or it is larger than the image. ENOMEM: it is too large to be checked. */
export function fsck(image: FsckImage, options: { readonly repair: boolean }): FsckReport {
  const info = image.size >= BOOT_LEN ? parseBoot(image.read(0, BOOT_LEN)) : 'too small';
  if (typeof info === 'string' || info.size > image.size) throw ERR.EINVAL;
  return new Check(image, info, options.repair).run();
}

/** A directory that waits for its turn. */
interface Waiting {
  readonly path: string;
  readonly start: number;
  readonly parent: number;
  readonly depth: number;
}

/** An entry, where it is on the image, and how many entries of a long name are before it. */
interface Entry {
  readonly bytes: Uint8Array;
  readonly off: number;
  readonly path: string;
  readonly longs: readonly number[];
}

class Check {
  readonly #image: FsckImage;
  readonly #info: FatInfo;
  readonly #repair: boolean;
  readonly #fat: FatTable;
  readonly #problems: string[] = [];
  readonly #queue: Waiting[] = [];
  #unrepaired = false;
  #files = 0;
  #directories = 0;

  constructor(image: FsckImage, info: FatInfo, repair: boolean) {
    this.#image = image;
    this.#info = info;
    this.#repair = repair;
    this.#fat = new FatTable(image, info);
  }

  run(): FsckReport {
    if (!this.#fat.copiesAgree()) this.#found('the FATs differ');
    this.#root();
    for (let dir = this.#queue.shift(); dir !== undefined; dir = this.#queue.shift()) this.#directory(dir, this.#clustersOf(dir));
    const lost = this.#fat.freeLost();
    if (lost > 0) this.#found(`${lost} clusters belong to no file`);
    this.#fsinfo();
    this.#state();
    if (this.#repair) this.#fat.write(this.#problems.length > 0);
    return {
      problems: this.#problems,
      clean: this.#problems.length === 0 || (this.#repair && !this.#unrepaired),
      files: this.#files,
      directories: this.#directories,
      usedClusters: this.#info.clusters - this.#fat.free(),
      clusters: this.#info.clusters,
    };
  }

  #found(what: string, mended = true): void {
    if (this.#problems.length < PROBLEMS_MAX) this.#problems.push(what);
    if (!mended) this.#unrepaired = true;
  }

  #put(off: number, data: Uint8Array): void {
    if (this.#repair) this.#image.write(off, data);
  }

  // -- directories

  #root(): void {
    const info = this.#info;
    if (info.bits === 32) {
      const dir = { path: '', start: info.rootCluster, parent: 0, depth: 0 };
      this.#directory(dir, this.#clustersOf(dir));
      return;
    }
    this.#directories++;
    this.#entries('', 0, [[info.rootOff, info.rootLen]], 0);
  }

  /** The clusters of a directory, which are its own from here on. A chain that makes no sense is cut. */
  #clustersOf(dir: Waiting): number[] {
    const max = Math.max(1, Math.floor((DIR_SLOTS_MAX * DIRENT_LEN) / this.#info.clusterSize));
    return this.#claim(dir.path === '' ? 'the root directory' : dir.path, dir.start, max).clusters;
  }

  #directory(dir: Waiting, clusters: readonly number[]): void {
    this.#directories++;
    if (dir.path !== '') this.#dots(dir);
    this.#entries(dir.path, dir.start, clusters.map((c) => [this.#fat.offOf(c), this.#info.clusterSize]), dir.depth);
  }

  /** `.` and `..` say where the directory and its parent are. */
  #dots(dir: Waiting): void {
    for (const [i, name, want] of [[0, '.', dir.start], [1, '..', dir.parent]] as const) {
      const off = this.#fat.offOf(dir.start) + i * DIRENT_LEN;
      const b = this.#image.read(off, DIRENT_LEN).slice();
      const named = Array.from({ length: 11 }, (_, at) => (at < name.length ? 0x2e : 0x20)).every((byte, at) => b[at] === byte);
      if (!named || (b[DE_ATTR] & ATTR_DIRECTORY) === 0) {
        this.#found(`${dir.path} has no entry ${name}`, false);
        continue;
      }
      // On FAT32 some say where the root is, and others 0.
      const says = this.#startOf(b);
      if (says === want || (i === 1 && dir.parent === 0 && says === this.#info.rootCluster)) continue;
      this.#found(`${dir.path}/${name} leads to cluster ${says} instead of ${want}`);
      this.#setStart(b, want);
      this.#put(off, b);
    }
  }

  #entries(path: string, start: number, parts: readonly (readonly [number, number])[], depth: number): void {
    const long = new LongName();
    let longs: number[] = [];
    const names = new Set<string>();
    let slot = 0;
    for (const [off, len] of parts) {
      const part = this.#image.read(off, len).slice();
      for (let at = 0; at + DIRENT_LEN <= len; at += DIRENT_LEN, slot++) {
        const b = part.subarray(at, at + DIRENT_LEN);
        if (b[0] === SLOT_END) {
          this.#orphans(path, longs);
          return;
        }
        if (b[0] !== SLOT_FREE && (b[DE_ATTR] & ATTR_MASK) === ATTR_LONG) {
          long.take(b, 0);
          longs.push(off + at);
          if (long.count < longs.length) longs = this.#orphansBut(path, longs, long.count);
          continue;
        }
        const name = b[0] === SLOT_FREE ? undefined : long.finish(b, 0);
        if (name === undefined) longs = this.#orphansBut(path, longs, 0);
        const isDots = path !== '' && slot < 2;
        if (b[0] !== SLOT_FREE && (b[DE_ATTR] & ATTR_VOLUME) === 0 && !isDots) {
          this.#entry({ bytes: b.slice(), off: off + at, path: `${path}/${name ?? shortNameAt(b, 0)}`, longs }, start, depth, names);
        }
        long.reset();
        longs = [];
      }
    }
    this.#orphans(path, longs);
  }

  #orphans(path: string, longs: readonly number[]): void {
    this.#orphansBut(path, longs, 0);
  }

  /** Parts of long names that belong to nothing go, but for the last `keep`. */
  #orphansBut(path: string, longs: readonly number[], keep: number): number[] {
    const gone = longs.slice(0, longs.length - keep);
    if (gone.length > 0) this.#found(`${path === '' ? 'the root directory' : path} has ${gone.length} parts of a long name that belongs to nothing`);
    for (const off of gone) this.#put(off, Uint8Array.of(SLOT_FREE));
    return longs.slice(longs.length - keep);
  }

  // -- files

  #entry(e: Entry, parent: number, depth: number, names: Set<string>): void {
    const short = String.fromCharCode(...e.bytes.subarray(0, 11));
    if (names.has(short)) {
      this.#found(`${e.path} has the short name of another file`);
      this.#rename(e, names);
    } else names.add(short);
    if ((e.bytes[DE_ATTR] & ATTR_DIRECTORY) !== 0) this.#subdirectory(e, parent, depth);
    else this.#file(e);
  }

  /** A short name that is free, and no long one. */
  #rename(e: Entry, names: Set<string>): void {
    let name = '';
    for (let n = 0; name === '' || names.has(name); n++) name = `FSCK${String(n).padStart(4, '0')}REN`;
    names.add(name);
    for (let i = 0; i < 11; i++) e.bytes[i] = name.charCodeAt(i);
    this.#put(e.off, e.bytes);
    for (const off of e.longs) this.#put(off, Uint8Array.of(SLOT_FREE));
  }

  #subdirectory(e: Entry, parent: number, depth: number): void {
    const start = this.#startOf(e.bytes);
    const wrong = !this.#fat.isCluster(start) ? 'begins nowhere' : this.#fat.isTaken(start) ? 'has the clusters of another file' : depth >= DEPTH_MAX ? 'is too deep' : undefined;
    if (wrong !== undefined) {
      this.#found(`directory ${e.path} ${wrong}`);
      for (const off of [...e.longs, e.off]) this.#put(off, Uint8Array.of(SLOT_FREE));
      return;
    }
    if (getU32le(e.bytes, DE_SIZE) !== 0) {
      this.#found(`directory ${e.path} has a length`);
      putU32le(e.bytes, DE_SIZE, 0);
      this.#put(e.off, e.bytes);
    }
    this.#queue.push({ path: e.path, start, parent: this.#isRoot(parent) ? 0 : parent, depth: depth + 1 });
  }

  #isRoot(start: number): boolean {
    return start === 0 || start === this.#info.rootCluster;
  }

  #file(e: Entry): void {
    this.#files++;
    const { clusterSize } = this.#info;
    const start = this.#startOf(e.bytes);
    const size = getU32le(e.bytes, DE_SIZE);
    const want = Math.ceil(size / clusterSize);
    if (start === 0 && size === 0) return;
    const { clusters, cut } = start === 0 ? { clusters: [], cut: false } : this.#claim(e.path, start, want);
    if (clusters.length === want && !(want === 0 && start !== 0)) return;
    if (!cut) this.#found(`${e.path} has ${size} bytes, and ${clusters.length} clusters of ${clusterSize}`);
    putU32le(e.bytes, DE_SIZE, Math.min(size, clusters.length * clusterSize));
    if (clusters.length === 0) this.#setStart(e.bytes, 0);
    this.#put(e.off, e.bytes);
  }

  /** Follows a chain for up to `max` clusters, which belong to this file from here on, and cuts it where it makes no sense or is longer. */
  #claim(path: string, start: number, max: number): { clusters: number[]; cut: boolean } {
    const { clusters, end } = this.#fat.claim(start, max);
    if (end !== undefined) this.#found(`${path}: ${end}`);
    return { clusters, cut: end !== undefined };
  }

  #startOf(b: Uint8Array): number {
    const low = b[DE_START] | (b[DE_START + 1] << 8);
    return this.#info.bits === 32 ? (low | ((b[DE_START_HIGH] | (b[DE_START_HIGH + 1] << 8)) << 16)) >>> 0 : low;
  }

  #setStart(b: Uint8Array, start: number): void {
    putU16le(b, DE_START, start & 0xffff);
    if (this.#info.bits === 32) putU16le(b, DE_START_HIGH, start >>> 16);
  }

  // -- what the volume says of itself

  #fsinfo(): void {
    const { fsinfoOff } = this.#info;
    if (fsinfoOff === 0) return;
    const b = this.#image.read(fsinfoOff, BOOT_LEN).slice();
    if (getU32le(b, FSI_LEAD_SIG) !== LEAD_SIG || getU32le(b, FSI_STRUCT_SIG) !== STRUCT_SIG) return;
    const says = getU32le(b, FSI_FREE);
    const free = this.#fat.free();
    if (says === free || says === FSI_UNKNOWN) return;
    this.#found(`FSInfo says that ${says} clusters are free, and ${free} are`);
    putU32le(b, FSI_FREE, free);
    this.#put(fsinfoOff, b);
  }

  /** The marks of a volume that was not unmounted. */
  #state(): void {
    const { stateOff } = this.#info;
    const b = stateOff > 0 ? this.#image.read(stateOff, 1).slice() : new Uint8Array(1);
    const dirty = (b[0] & STATE_DIRTY) !== 0 || !this.#fat.isMarkedClean();
    if (!dirty) return;
    this.#found('it was not unmounted cleanly');
    b[0] &= ~STATE_DIRTY;
    if (stateOff > 0) this.#put(stateOff, b);
    this.#fat.markClean();
  }
}
