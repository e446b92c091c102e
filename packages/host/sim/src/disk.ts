/**
 * A RAM disk, or a file in memory, of a simulation: sparse, with numbered writes, power cuts and failures on demand.
 *
 * A write counts, and has its number, when it ends. On an asynchronous disk that is at a virtual time after the call; a flush then covers the
 * writes that had ended when it was asked for.
 */
import type { Completion, HostFileInfo, HostFileType, OpenMode } from '@anykernel/host-rumpuser';
import { ERR, Errno } from '@anykernel/lib-sys';
import { type CutOptions, cutImage } from './cut.js';
import { type FaultPlan, type FaultSpec, Faults } from './faults.js';
import { SimFile } from './file.js';
import { DiskImage } from './image.js';
import { Journal, type JournalWrite, type Recording } from './journal.js';
import { Rng } from './rng.js';
import type { Sim } from './sim.js';

export interface DiskOptions {
  /** Bytes. Otherwise the length of `bytes` or `image`. */
  readonly size?: number;
  /** What it holds at first, copied. */
  readonly bytes?: Uint8Array;
  readonly image?: DiskImage;
  /** Transfers end at once; true otherwise. */
  readonly sync?: boolean;
  /** How long a transfer takes when it does not end at once: a time, or the shortest and the longest, of which the seed chooses. 100 µs otherwise. */
  readonly latencyNs?: number | readonly [number, number];
  /** Where transfers do not end at once, how many of a hundred do all the same, of which the seed chooses: none otherwise. */
  readonly atOnce?: number;
  /** Bytes up to which writes make it longer: a file. Otherwise it keeps its size: a disk, which is full at its end. */
  readonly growTo?: number;
  /** EROFS for whoever opens it for writing. */
  readonly readonly?: boolean;
  /** What it says that it is: a regular file if it can grow, a block device otherwise. */
  readonly type?: HostFileType;
  /** Bytes that are written whole or not at all; 512 otherwise. */
  readonly sector?: number;
  /** What cut() can go back to; the writes since the last flush otherwise. */
  readonly record?: Recording;
}

const LATENCY_NS = 100_000;

export class SimDisk {
  readonly name: string;
  readonly sync: boolean;
  readonly sector: number;
  /** Operations that have ended, failed ones not counted. */
  readonly stats: { reads: number; writes: number; flushes: number } = { reads: 0, writes: 0, flushes: 0 };
  readonly #sim: Sim;
  readonly #options: DiskOptions;
  readonly #faults: Faults;
  readonly #latency: Rng;
  readonly #journal: Journal;
  #image: DiskImage;

  constructor(sim: Sim, name: string, options: DiskOptions) {
    this.#sim = sim;
    this.name = name;
    this.#options = options;
    this.sync = options.sync ?? true;
    this.sector = options.sector ?? 512;
    this.#image = firstImage(options);
    this.#journal = new Journal(options.record ?? 'flush', this.#image);
    this.#faults = new Faults(new Rng(sim.seedFor('faults', name)));
    this.#latency = new Rng(sim.seedFor('latency', name));
  }

  /** Bytes, now. */
  get size(): number {
    return this.#image.size;
  }

  /** How many writes have ended: the number of the last one. */
  get writes(): number {
    return this.stats.writes;
  }

  /** The number of the last write that is on stable storage. */
  get durable(): number {
    return this.#journal.durable;
  }

  /** The writes that are recorded: since the last flush, or (`record: 'all'`) since the beginning. */
  get journal(): readonly JournalWrite[] {
    return this.#journal.writes;
  }

  info(): HostFileInfo {
    return { size: this.size, type: this.#options.type ?? (this.#options.growTo === undefined ? 'blk' : 'reg') };
  }

  /** EROFS. */
  open(mode: OpenMode): SimFile {
    const write = mode.write === true;
    if (write && this.#options.readonly === true) throw ERR.EROFS;
    return new SimFile(this, mode.read === true || !write, write);
  }

  // -- faults

  /** From now on operations fail as `spec` says. */
  fail(spec: FaultSpec = {}): FaultPlan {
    return this.#faults.add(spec);
  }

  /** The disk is whole again. */
  mend(): void {
    this.#faults.clear();
  }

  /** What the disk holds now, as if everything written had reached it. */
  snapshot(): DiskImage {
    return this.#image.clone();
  }

  /** Puts contents in place, behind the back of whoever has it open; what was recorded is forgotten. */
  restore(image: DiskImage): void {
    this.#image = image.clone();
    this.#journal.restart(this.#image, this.stats.writes);
  }

  /** The recording begins anew: what is there is durable. */
  mark(): void {
    this.#journal.restart(this.#image, this.stats.writes);
  }

  /** What the disk would hold after a power cut; see cut.ts. The disk itself is not changed. */
  cut(options: CutOptions = {}): DiskImage {
    const n = options.after ?? this.writes;
    if (this.#journal.recording === 'none') throw new Error(`disk ${this.name} records nothing: give it record: 'flush' or 'all'`);
    if (!Number.isInteger(n) || n < this.#journal.first || n > this.writes) {
      throw new Error(`disk ${this.name}: writes ${this.#journal.first} to ${this.writes} are recorded, a cut after ${n} cannot be told`);
    }
    const variant = options.variant ?? 0;
    return cutImage(this.#journal, n, this.sector, this.#sim.seedFor('cut', this.name, n, variant), options);
  }

  // -- transfers, for SimFile

  /** Bytes moved, or -1: `done` will be called. */
  read(data: readonly Uint8Array[], off: number, done: Completion, alive: () => boolean): number {
    return this.#perform(done, alive, () => this.#read(data, off));
  }

  write(data: readonly Uint8Array[], off: number, done: Completion, alive: () => boolean): number {
    return this.#perform(done, alive, () => this.#write(data, off));
  }

  flush(done: Completion, alive: () => boolean): number {
    const upTo = this.writes;
    return this.#perform(done, alive, () => this.#flush(upTo));
  }

  /** Does `work` now, or later with its outcome given to `done`. */
  #perform(done: Completion, alive: () => boolean, work: () => number): number {
    if (this.sync || this.#endsAtOnce()) return work();
    this.#sim.at(this.#sim.now + this.#delay(), () => {
      if (!alive()) return;
      let moved = 0;
      try {
        moved = work();
      } catch (e) {
        if (!(e instanceof Errno)) throw e;
        return done(e, 0);
      }
      done(undefined, moved);
    });
    return -1;
  }

  #endsAtOnce(): boolean {
    const { atOnce = 0 } = this.#options;
    return atOnce > 0 && this.#latency.below(100) < atOnce;
  }

  #delay(): number {
    const latency = this.#options.latencyNs ?? LATENCY_NS;
    return typeof latency === 'number' ? latency : latency[0] + this.#latency.below(latency[1] - latency[0] + 1);
  }

  #read(data: readonly Uint8Array[], off: number): number {
    const len = Math.max(0, Math.min(total(data), this.size - off));
    const moved = this.#meet('read', off, len);
    each(data, moved, (part, at) => this.#image.read(part, off + at));
    this.stats.reads++;
    return moved;
  }

  #write(data: readonly Uint8Array[], off: number): number {
    const wanted = total(data);
    const len = Math.max(0, Math.min(wanted, Math.max(this.size, this.#options.growTo ?? 0) - off));
    if (len === 0 && wanted > 0) throw ERR.ENOSPC;
    const moved = this.#meet('write', off, len);
    if (moved === 0) return 0;
    if (off + moved > this.size) this.#image.resize(off + moved);
    each(data, moved, (part, at) => this.#image.write(part, off + at));
    this.stats.writes++;
    if (this.#journal.recording !== 'none') this.#journal.add({ n: this.stats.writes, off, bytes: joined(data, moved), at: this.#sim.now });
    return moved;
  }

  #flush(upTo: number): number {
    this.#meet('flush', 0, 0);
    this.stats.flushes++;
    this.#journal.flushed(upTo, this.writes);
    return 0;
  }

  /** How many of `len` bytes move before a fault; all where there is none. Throws it where none do. */
  #meet(op: 'read' | 'write' | 'flush', off: number, len: number): number {
    const fault = this.#faults.meet(op, off, len);
    if (fault === undefined) return len;
    const moved = Math.min(fault.movedBytes, len);
    if (moved === 0) throw fault.error;
    return moved;
  }
}

function firstImage(options: DiskOptions): DiskImage {
  const size = options.size ?? options.image?.size ?? options.bytes?.length ?? 0;
  if (!Number.isSafeInteger(size) || size < 0) throw new Error(`a disk of ${size} bytes cannot be`);
  if (options.image === undefined) return DiskImage.of(options.bytes ?? new Uint8Array(0), size);
  const image = options.image.clone();
  image.resize(size);
  return image;
}

function total(data: readonly Uint8Array[]): number {
  let len = 0;
  for (const part of data) len += part.length;
  return len;
}

/** The first `len` bytes, copied. */
function joined(data: readonly Uint8Array[], len: number): Uint8Array {
  const bytes = new Uint8Array(len);
  each(data, len, (part, at) => bytes.set(part, at));
  return bytes;
}

/** Calls `fn` with each buffer and its place among the first `len` bytes, the last cut to fit. */
function each(data: readonly Uint8Array[], len: number, fn: (part: Uint8Array, at: number) => void): void {
  let at = 0;
  for (const part of data) {
    if (at === len) return;
    const piece = part.length <= len - at ? part : part.subarray(0, len - at);
    fn(piece, at);
    at += piece.length;
  }
}
