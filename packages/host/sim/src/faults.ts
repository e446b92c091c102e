/**
 * Plans of failure: which operations of a disk fail, and how.
 */
import { ERR, type ErrnoCode, type Errno } from '@anykernel/lib-sys';
import type { Rng } from './rng.js';

export type FaultOp = 'read' | 'write' | 'flush' | 'any';

export interface FaultSpec {
  /** What fails; any otherwise. */
  readonly op?: FaultOp;
  /** The how-manieth of the operations that match, 1 being the next. */
  readonly nth?: number;
  /** Each of those that match, with this probability. */
  readonly probability?: number;
  /** Only what touches these bytes: from, and up to but not including. Flushes touch none, and fail all the same unless this is given. */
  readonly range?: readonly [from: number, to: number];
  /** EIO otherwise. */
  readonly errno?: ErrnoCode;
  /** After that many failures the disk is whole again: 1 with `nth`, otherwise never. */
  readonly times?: number;
  /** A transfer moves this many bytes before it fails: a short transfer, and the error is what the rest meets. 0 otherwise. */
  readonly movedBytes?: number;
}

/** A plan at work. */
export interface FaultPlan {
  /** Operations that matched. */
  readonly seen: number;
  /** Operations that failed. */
  readonly hits: number;
  cancel(): void;
}

/** How an operation fails. */
export interface Fault {
  readonly error: Errno;
  readonly movedBytes: number;
}

export class Faults {
  readonly #rng: Rng;
  readonly #plans = new Set<Plan>();

  constructor(rng: Rng) {
    this.#rng = rng;
  }

  add(spec: FaultSpec): FaultPlan {
    const plan = new Plan(spec, this.#rng, () => this.#plans.delete(plan));
    this.#plans.add(plan);
    return plan;
  }

  clear(): void {
    this.#plans.clear();
  }

  /** The fault that an operation on [off, off+len) meets, if any. Every plan counts it. */
  meet(op: 'read' | 'write' | 'flush', off: number, len: number): Fault | undefined {
    let found: Fault | undefined;
    for (const plan of this.#plans) found = plan.meet(op, off, len) ?? found;
    return found;
  }
}

class Plan implements FaultPlan {
  readonly #spec: FaultSpec;
  readonly #rng: Rng;
  readonly #fault: Fault;
  readonly #times: number;
  readonly cancel: () => void;
  seen = 0;
  hits = 0;

  constructor(spec: FaultSpec, rng: Rng, cancel: () => void) {
    this.#spec = spec;
    this.#rng = rng;
    this.#fault = { error: ERR[spec.errno ?? 'EIO'], movedBytes: spec.movedBytes ?? 0 };
    this.#times = spec.times ?? (spec.nth === undefined ? Infinity : 1);
    this.cancel = cancel;
  }

  meet(op: FaultOp, off: number, len: number): Fault | undefined {
    if (!this.#matches(op, off, len)) return undefined;
    this.seen++;
    if (this.hits >= this.#times || !this.#chosen()) return undefined;
    this.hits++;
    return this.#fault;
  }

  #matches(op: FaultOp, off: number, len: number): boolean {
    const { op: wanted = 'any', range } = this.#spec;
    if (wanted !== 'any' && wanted !== op) return false;
    return range === undefined || (off < range[1] && off + len > range[0]);
  }

  #chosen(): boolean {
    const { nth, probability } = this.#spec;
    if (nth !== undefined && this.seen < nth) return false;
    return probability === undefined || this.#rng.float() < probability;
  }
}
