/** What was learnt of the MTU of paths (RFC 8201): by destination, for a while, so many. */
import { Callout, type Kernel } from '@anykernel/rumpkern';

const PATHS_MAX = 1024;
/** RFC 8201 4: no sooner than five minutes after; ten is recommended. */
const KEEP_MS = 600_000;

interface Path {
  readonly mtu: number;
  /** Monotonic ns. */
  readonly until: number;
}

export class PathMtus {
  readonly #paths = new Map<string, Path>();
  readonly #sweep: Callout;

  constructor(
    readonly k: Kernel,
    /** Kept routes are to be asked again. */
    readonly changed: () => void,
    /** Paths may be better now. */
    readonly forgotten: () => void,
  ) {
    this.#sweep = new Callout(k, () => this.#forget());
  }

  /** The MTU of the path, at most `mtu`. */
  of(w0: number, w1: number, w2: number, w3: number, mtu: number): number {
    if (this.#paths.size === 0) return mtu;
    const path = this.#paths.get(`${w0},${w1},${w2},${w3}`);
    return path !== undefined && path.mtu < mtu ? path.mtu : mtu;
  }

  /** It is never said to have become larger. */
  learn(w0: number, w1: number, w2: number, w3: number, mtu: number): void {
    const key = `${w0},${w1},${w2},${w3}`;
    const before = this.#paths.get(key);
    if (before !== undefined && before.mtu <= mtu) return;
    this.#paths.delete(key);
    if (this.#paths.size >= PATHS_MAX) {
      for (const oldest of this.#paths.keys()) {
        this.#paths.delete(oldest);
        break;
      }
    }
    this.#paths.set(key, { mtu, until: this.k.mono() + KEEP_MS * 1e6 });
    if (!this.#sweep.pending) this.#sweep.schedule(KEEP_MS * 1e6);
    this.changed();
  }

  get count(): number {
    return this.#paths.size;
  }

  #forget(): void {
    const now = this.k.mono();
    let next = Infinity;
    for (const [key, path] of this.#paths) {
      if (path.until <= now) this.#paths.delete(key);
      else next = Math.min(next, path.until);
    }
    this.changed();
    this.forgotten();
    if (next !== Infinity) this.#sweep.scheduleAt(next);
  }

  clear(): void {
    this.#paths.clear();
    this.#sweep.stop();
  }
}
