/**
 * Bells between threads: two words of shared memory for each, the number of rings, and how many threads sleep.
 *
 * After each ring a thread looks for a while: for a slice of each turn of its event loop it does nothing else, but between the microtasks of that turn. A turn
 * of the event loop takes 4 µs, and who sleeps is woken only after some tens of microseconds. How long it looks depends on what came of it, as in Linux's
 * haltpoll: the window grows when a ring comes soon after the thread has gone to sleep, and shrinks whenever there was none in it. A thread without rings
 * sleeps. Where looking never finds a ring although one comes as soon as the thread sleeps (both share a processor), it is left for a while.
 */
import { waitAsync } from './waitasync.js';

/** The words of a bell. */
const RINGS = 0;
const SLEEPERS = 1;

/** Milliseconds: a look without a ring, a turn with any number of them, and the window. */
const SLICE = 0.025;
const TURN = 0.2;
const WINDOW_MIN = 0.05;
const WINDOW_MAX = 0.3;
/** A ring later than that would not have been waited for. Waking takes a part of it. */
const SOON = 0.5;
/** Windows without a ring, each with one as soon as the thread slept, and sleeps without a window after them. */
const VAIN_MAX = 16;
const PENANCE = 1000;

const SETTLED: Promise<void> = Promise.resolve();
const { load, add, sub, notify } = Atomics;
const now = (): number => performance.now();

export interface Bell {
  readonly words: Int32Array;
  /** What is called, from the event loop, when others have rung. */
  readonly fn: () => void;
  /** Rings that are known. */
  seen: number;
  /** It is among the sleepers. */
  asleep: boolean;
}

/** All bells that a thread listens to. */
export class Belfry {
  readonly #bells: Bell[] = [];
  #window = WINDOW_MAX;
  /** When anything was rung last, by whomever. */
  #rungAt = 0;
  /** A turn is coming, or going on: when it began, and when it found something last. */
  #coming = false;
  #looking = false;
  #turnAt = 0;
  #foundAt = 0;
  /** The window has passed since, and nothing was found in it. */
  #passed = false;
  #vain = 0;
  #penance = 0;
  readonly #come = (): void => {
    this.#coming = false;
    this.#turn();
  };

  /** Listens to the bell in the first two of `words`, from now on. Keeps them. */
  add(words: Int32Array, fn: () => void): Bell {
    const bell: Bell = { words, fn, seen: load(words, RINGS), asleep: false };
    this.#bells.push(bell);
    this.#soon();
    return bell;
  }

  /** Listens to it no more. */
  remove(bell: Bell): void {
    const at = this.#bells.indexOf(bell);
    if (at < 0) return;
    this.#bells.splice(at, 1);
    // What waits holds the memory until it is woken.
    if (bell.asleep) notify(bell.words, RINGS);
  }

  /** Rings it for all other threads. An answer may come soon. */
  ring(bell: Bell): void {
    if (add(bell.words, RINGS, 1) === bell.seen) bell.seen = (bell.seen + 1) | 0;
    if (load(bell.words, SLEEPERS) > (bell.asleep ? 1 : 0)) notify(bell.words, RINGS);
    this.#active(now(), false);
    if (this.#window > 0) this.#soon();
  }

  #soon(): void {
    if (this.#coming) return;
    this.#coming = true;
    setImmediate(this.#come);
  }

  /** Looks for a slice of time, and again after each ring; then the event loop has its turn. */
  #turn(): void {
    if (this.#looking) return;
    this.#looking = true;
    this.#turnAt = this.#foundAt = now();
    this.#look();
  }

  /** One look. What a ring leads to goes on in microtasks, and so do the looks: they come in between, and no answer has to wait for the event loop. */
  readonly #look = (): void => {
    const at = now();
    if (this.#answer(at)) this.#foundAt = at;
    const open = at - this.#rungAt < this.#window;
    if (at - this.#turnAt < TURN && at - this.#foundAt < (open ? SLICE : 0)) {
      void SETTLED.then(this.#look);
      return;
    }
    this.#looking = false;
    if (open || at === this.#foundAt) this.#soon();
    else this.#sleep();
  };

  /** Calls whose bells have rung. false: there are none. */
  #answer(at: number): boolean {
    let found = false;
    for (const bell of this.#bells) {
      const rings = load(bell.words, RINGS);
      if (rings === bell.seen) continue;
      bell.seen = rings;
      if (!found) this.#active(at, true);
      found = true;
      bell.fn();
    }
    return found;
  }

  #sleep(): void {
    this.#passed = true;
    for (const bell of this.#bells) {
      if (bell.asleep) continue;
      add(bell.words, SLEEPERS, 1);
      bell.asleep = true;
      const wait = waitAsync(bell.words, RINGS, bell.seen);
      if (wait.async) void wait.value.then(() => this.#woken(bell));
      else {
        bell.asleep = false;
        sub(bell.words, SLEEPERS, 1);
        this.#soon();
      }
    }
  }

  #woken(bell: Bell): void {
    bell.asleep = false;
    sub(bell.words, SLEEPERS, 1);
    if (this.#bells.length > 0) this.#turn();
  }

  /** Something has rung at `at`. The first time after the window has passed is when its width is judged. */
  #active(at: number, others: boolean): void {
    if (this.#passed) {
      this.#passed = false;
      if (others && at - this.#rungAt < SOON) this.#grow();
      else this.#window = this.#window > WINDOW_MIN ? this.#window / 2 : 0;
    } else if (others) this.#vain = 0;
    this.#rungAt = at;
  }

  #grow(): void {
    if (this.#penance > 0) {
      this.#penance--;
      return;
    }
    if (this.#window === WINDOW_MAX && ++this.#vain === VAIN_MAX) {
      this.#vain = this.#window = 0;
      this.#penance = PENANCE;
      return;
    }
    this.#window = this.#window === 0 ? WINDOW_MIN : Math.min(WINDOW_MAX, 2 * this.#window);
  }
}
