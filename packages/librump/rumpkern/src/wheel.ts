/**
 * The timing wheel: all callouts of a kernel over the host's one alarm.
 *
 * Six levels of 64 slots; a slot of the lowest level is a tick of 2^20 ns (about a millisecond), one of the next level 64 of those. A
 * callout lies in the level that its distance asks for and comes down as its time comes near, so that scheduling and stopping cost
 * the same however many there are. The alarm is set to the exact time of the first callout: none rings early, and all ring in
 * the order of their times, equal ones in the order in which they were scheduled.
 * (Varghese and Lauck, "Hashed and Hierarchical Timing Wheels", SOSP 1987.)
 */
import { Callout } from './callout.js';
import type { Kernel } from './kernel.js';
import type { Lwp } from './proc.js';

/** Nanoseconds of a tick. */
const TICK = 2 ** 20;
const SLOTS = 64;
const LEVELS = 6;
/** Ticks of one slot, by level. */
const SPAN: readonly number[] = Array.from({ length: LEVELS }, (_, level) => SLOTS ** level);
/** Ticks that the wheel reaches; what is farther waits in the last slot and comes round again. */
const REACH: number = SLOTS ** LEVELS;
/** Callouts of a far slot that are looked at for the first of them; beyond, the start of the slot does. */
const LOOK = 16;

export class Wheel {
  readonly #k: Kernel;
  /** Heads of the slots' lists, by level and slot. Made with the first callout. */
  #slots: (Callout | undefined)[] = [];
  /** Slots in use, of each level. */
  readonly #used: number[] = new Array<number>(LEVELS).fill(0);
  /** Everything before this tick has rung. */
  #tick = 0;
  #count = 0;
  #holds = 0;
  /** What the host's alarm is set to. */
  #alarmAt = Infinity;
  #alarmHolds = false;
  #seq = 0;
  #ringing = false;
  readonly #ring = (): void => this.#k.intr(() => this.#advance());

  constructor(k: Kernel) {
    this.#k = k;
  }

  /** What ends the sleeps of `l` that have a time limit. */
  ofSleep(l: Lwp): Callout {
    return new Callout(this.#k, () => this.#k.sleepq.unsleep(l), true);
  }

  /** Callouts that are scheduled. */
  get count(): number {
    return this.#count;
  }

  /** Puts `c` in, to ring at `c.at`. */
  insert(c: Callout): void {
    if (this.#count === 0) this.#start();
    c.seq = this.#seq++;
    this.#place(c);
    this.#count++;
    if (c.hold) this.#holds++;
    if (!this.#ringing && (c.at < this.#alarmAt || (c.hold && !this.#alarmHolds))) this.#setAlarm(Math.min(c.at, this.#alarmAt));
  }

  /**
   * Takes `c` out. The alarm that was set for it stays, and may ring for nothing: whoever sleeps with a time limit is mostly woken before,
   * and sleeps again. But it holds the program no longer if nothing else does.
   */
  remove(c: Callout): void {
    if (c.slot === DUE) c.slot = -1;
    else this.#unlink(c);
    this.#count--;
    if (c.hold) this.#holds--;
    if (!this.#ringing && this.#alarmHolds && this.#holds === 0) this.#setAlarm(this.#alarmAt);
  }

  /** All are forgotten, and the alarm with them. */
  clear(): void {
    for (const head of this.#slots) {
      for (let c = head; c !== undefined; c = c.next) {
        c.at = Infinity;
        c.slot = -1;
      }
    }
    this.#slots = [];
    this.#used.fill(0);
    this.#count = this.#holds = 0;
    this.#setAlarm(Infinity);
  }

  /** When something is to be done next: the time of the first callout, or that at which a full slot comes down a level. */
  nextAt(): number {
    let best = Infinity;
    for (let level = 0; level < LEVELS; level++) {
      if (this.#used[level] === 0) continue;
      const tick = this.#firstTick(level);
      const at = tick * TICK;
      if (at >= best) continue;
      best = Math.min(best, this.#firstOf(level, tick) ?? Math.max(at, this.#tick * TICK));
    }
    return best;
  }

  /** The earliest time in the slot of `level` that begins at `tick`; undefined where too many would have to be looked at. */
  #firstOf(level: number, tick: number): number | undefined {
    let best = Infinity;
    let seen = 0;
    for (let c = this.#slots[slotOf(level, tick)]; c !== undefined; c = c.next) {
      if (level > 0 && seen++ === LOOK) return undefined;
      if (c.at < best) best = c.at;
    }
    return best;
  }

  /** The wheel stood still while it was empty. */
  #start(): void {
    if (this.#slots.length === 0) this.#slots = new Array<Callout | undefined>(LEVELS * SLOTS).fill(undefined);
    if (!this.#ringing) this.#tick = Math.max(this.#tick, Math.floor(this.#k.mono() / TICK));
  }

  #place(c: Callout): void {
    let tick = Math.floor(c.at / TICK);
    if (!(tick >= this.#tick)) tick = this.#tick;
    // Infinity, and what is beyond the wheel, waits in the last slot of the highest level.
    if (tick - this.#tick >= REACH - SPAN[LEVELS - 1]) tick = this.#tick + REACH - SPAN[LEVELS - 1] - 1;
    let level = 0;
    // A slot holds one turn only: the distance is counted in whole slots of the level.
    while (level < LEVELS - 1 && Math.floor(tick / SPAN[level]) - Math.floor(this.#tick / SPAN[level]) >= SLOTS) level++;
    const slot = slotOf(level, tick);
    c.slot = slot;
    c.prev = undefined;
    c.next = this.#slots[slot];
    if (c.next === undefined) this.#used[level]++;
    else c.next.prev = c;
    this.#slots[slot] = c;
  }

  #unlink(c: Callout): void {
    if (c.prev === undefined) this.#slots[c.slot] = c.next;
    else c.prev.next = c.next;
    if (c.next !== undefined) c.next.prev = c.prev;
    if (this.#slots[c.slot] === undefined) this.#used[Math.floor(c.slot / SLOTS)]--;
    c.next = c.prev = undefined;
    c.slot = -1;
  }

  /** The first tick of the first used slot of `level`, which has one. */
  #firstTick(level: number): number {
    const span = SPAN[level];
    let turn = Math.floor(this.#tick / span);
    while (this.#slots[level * SLOTS + (turn % SLOTS)] === undefined) turn++;
    return turn * span;
  }

  /** Rings what is due, and sets the alarm for the next one. What is scheduled meanwhile waits for that one. */
  #advance(): void {
    this.#alarmAt = Infinity;
    this.#alarmHolds = false;
    this.#ringing = true;
    try {
      const due = this.#takeDue(this.#k.mono());
      for (const c of due) {
        if (this.#k.stopped !== undefined) break;
        // An earlier one may have stopped it, or scheduled it anew.
        if (c.slot !== DUE) continue;
        c.slot = -1;
        c.at = Infinity;
        this.#count--;
        if (c.hold) this.#holds--;
        c.fn();
      }
    } finally {
      this.#ringing = false;
      this.#setAlarm(this.#count === 0 ? Infinity : this.nextAt());
    }
  }

  /** Moves the wheel to `now` and takes out what is due, in order. */
  #takeDue(now: number): Callout[] {
    const target = Math.floor(now / TICK);
    const due: Callout[] = [];
    for (;;) {
      for (let c = this.#slots[slotOf(0, this.#tick)]; c !== undefined; ) {
        const next: Callout | undefined = c.next;
        if (c.at <= now) {
          this.#unlink(c);
          c.slot = DUE;
          due.push(c);
        }
        c = next;
      }
      if (this.#tick >= target) break;
      this.#tick = Math.min(target, this.#nextTick());
      this.#cascade();
    }
    return due.sort(byTime);
  }

  /** The next tick, after this one, at which there is a slot to look at. */
  #nextTick(): number {
    let best = Infinity;
    const here = this.#tick + 1;
    for (let level = 0; level < LEVELS; level++) {
      if (this.#used[level] === 0) continue;
      const span = SPAN[level];
      let turn = Math.ceil(here / span);
      const end = turn + SLOTS;
      while (turn < end && this.#slots[level * SLOTS + (turn % SLOTS)] === undefined) turn++;
      if (turn < end) best = Math.min(best, turn * span);
    }
    return best;
  }

  /** Slots of higher levels that begin at this tick come down. */
  #cascade(): void {
    for (let level = LEVELS - 1; level > 0; level--) {
      if (this.#used[level] === 0 || this.#tick % SPAN[level] !== 0) continue;
      let c = this.#slots[slotOf(level, this.#tick)];
      while (c !== undefined) {
        const next: Callout | undefined = c.next;
        this.#unlink(c);
        this.#place(c);
        c = next;
      }
    }
  }

  #setAlarm(at: number): void {
    const hold = this.#holds > 0;
    if (at === this.#alarmAt && hold === this.#alarmHolds) return;
    this.#alarmAt = at;
    this.#alarmHolds = hold;
    this.#k.host.alarm(this, at, this.#ring, hold);
  }
}

/** Callout.slot of one that is out of its slot and about to ring. */
const DUE = -2;

function slotOf(level: number, tick: number): number {
  return level * SLOTS + (Math.floor(tick / SPAN[level]) % SLOTS);
}

function byTime(a: Callout, b: Callout): number {
  return a.at - b.at || a.seq - b.seq;
}
