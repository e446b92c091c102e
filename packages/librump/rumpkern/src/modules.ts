/**
 * Components of a kernel. Those that come and go while it runs are modctl.ts and autoload.ts.
 *
 * A component holds a reference on each that it requires; so does whoever uses it (a mount on its file system). One that is referenced
 * cannot be unloaded. Components that the kernel was booted with are unloaded in the same way, at the latest when it halts.
 */
import { type AnyComponent, type Attach, ClosureError, type StateOf } from '@anykernel/lib-component';
import { ERR, Errno } from '@anykernel/lib-sys';
import type { Kernel } from './kernel.js';
import { SLEEP } from './sleep.js';

/** One component in one kernel. */
export interface Loaded {
  readonly component: AnyComponent;
  readonly state: unknown;
  /** Components that require it, and uses. */
  refs: number;
  /** Came by autoload: goes when nobody needs it. */
  readonly auto: boolean;
}

/** All that components need, each once, what is required first; without those that are loaded. */
export type Order = (leaves: readonly AnyComponent[], loaded: readonly AnyComponent[]) => AnyComponent[];

export class Modules {
  readonly #k: Kernel;
  /** By name, in the order in which they attached. */
  readonly loaded: Map<string, Loaded> = new Map<string, Loaded>();

  readonly #order: Order;

  constructor(k: Kernel, order: Order = inOrder) {
    this.#k = k;
    this.#order = order;
  }

  /** The state of a loaded component. ENOENT: it is not in this kernel. */
  use<C extends AnyComponent>(c: C): StateOf<C> {
    const entry = this.loaded.get(c.name);
    if (entry === undefined || entry.component !== c) throw ERR.ENOENT;
    return entry.state as StateOf<C>;
  }

  has(name: string): boolean {
    return this.loaded.has(name);
  }

  /** Puts a component with a ready state in place: rumpkern itself. */
  install(c: AnyComponent, state: unknown): void {
    this.loaded.set(c.name, { component: c, state, refs: 1, auto: false });
  }

  /** Loads components with all that they require; some may be there. ClosureError: they do not fit. Undone as a whole by an error. */
  loadMissing(components: readonly AnyComponent[], auto = false): void {
    const fresh = this.#order(components, [...this.loaded.values()].map((x) => x.component));
    const done: AnyComponent[] = [];
    try {
      for (const c of fresh) {
        this.#attach(c, auto);
        done.push(c);
      }
    } catch (e) {
      for (const c of done.reverse()) this.detach(c);
      throw e;
    }
  }

  #attach(c: AnyComponent, auto: boolean): void {
    const state = c.attach(this.#view(c));
    for (const r of c.requires) this.hold(r);
    this.loaded.set(c.name, { component: c, state, refs: 0, auto });
    if (auto) this.#k.autoloader.reapLater();
  }

  /** Takes one out, whoever uses it. */
  detach(c: AnyComponent): void {
    const entry = this.loaded.get(c.name);
    if (entry === undefined) return;
    c.detach?.(this.#view(c), entry.state);
    this.loaded.delete(c.name);
    for (const r of c.requires) this.release(r);
  }

  /** The kernel as `c` sees it. */
  #view(c: AnyComponent): Attach<readonly AnyComponent[]> {
    return {
      use: <D extends AnyComponent>(d: D): StateOf<D> => {
        if (!c.requires.includes(d)) throw new ClosureError(`component ${c.name} uses ${d.name} but does not require it`);
        return this.use(d);
      },
    };
  }

  /** A use of a component; release() ends it. */
  hold(c: AnyComponent): void {
    const entry = this.loaded.get(c.name);
    if (entry === undefined) throw ERR.ENOENT;
    entry.refs++;
  }

  release(c: AnyComponent): void {
    const entry = this.loaded.get(c.name);
    if (entry === undefined) return;
    entry.refs--;
    if (entry.auto && entry.refs === 0) this.#k.autoloader.reapLater();
  }

  /** All leave, those on top first, busy or not: the kernel halts. With `wait`, one may sleep, and is asked again. */
  detachAll(wait: boolean): void {
    let fault: unknown;
    for (const entry of [...this.loaded.values()].reverse()) {
      try {
        entry.component.detach?.(this.#view(entry.component), entry.state);
      } catch (e) {
        if (e === SLEEP && wait) throw e;
        if (e !== SLEEP && !(e instanceof Errno)) fault ??= e;
      }
      this.loaded.delete(entry.component.name);
    }
    if (fault !== undefined) throw fault;
  }
}

/** For components that are known to fit: a bare kernel's. */
function inOrder(leaves: readonly AnyComponent[], loaded: readonly AnyComponent[]): AnyComponent[] {
  const order = new Set<AnyComponent>();
  const visit = (c: AnyComponent): void => {
    c.requires.forEach(visit);
    order.add(c);
  };
  leaves.forEach(visit);
  return [...order].filter((c) => !loaded.includes(c));
}
