/**
 * Components of a running kernel: modload and modunload. Autoload is autoload.ts.
 *
 * A component holds a reference on each that it requires; so does whoever uses it (a mount on its file system). One that is referenced
 * cannot be unloaded. Components that the kernel was booted with are unloaded in the same way, at the latest when it halts.
 */
import { type AnyComponent, type Attach, ClosureError, type StateOf, closure } from '@anykernel/lib-component';
import { ERR, Errno, type Modstat } from '@anykernel/lib-sys';
import type { Kernel } from './kernel.js';
import type { Lwp } from './proc.js';
import { SLEEP } from './sleep.js';

/** One component in one kernel. */
interface Loaded {
  readonly component: AnyComponent;
  readonly state: unknown;
  /** Components that require it, and uses. */
  refs: number;
  /** Came by autoload: goes when nobody needs it. */
  readonly auto: boolean;
}

export class Modules {
  readonly #k: Kernel;
  readonly #byName = new Map<string, Loaded>();
  /** Seconds after which an autoloaded component that nobody uses is unloaded; 0: never. */
  autotime = 10;

  constructor(
    k: Kernel,
    /** Whether unknown types and domains are asked of the host (kern.module.autoload). */
    public autoload: boolean,
  ) {
    this.#k = k;
  }

  /** The state of a loaded component. ENOENT: it is not in this kernel. */
  use<C extends AnyComponent>(c: C): StateOf<C> {
    const entry = this.#byName.get(c.name);
    if (entry === undefined || entry.component !== c) throw ERR.ENOENT;
    return entry.state as StateOf<C>;
  }

  has(name: string): boolean {
    return this.#byName.has(name);
  }

  /** What is loaded, in the order in which it attached. */
  list(): Modstat[] {
    return [...this.#byName.values()].map((x) => ({
      name: x.component.name,
      class: x.component.class,
      refcount: x.refs,
      requires: x.component.requires.map((r) => r.name),
    }));
  }

  /** Puts a component with a ready state in place: rumpkern itself. */
  install(c: AnyComponent, state: unknown): void {
    this.#byName.set(c.name, { component: c, state, refs: 1, auto: false });
  }

  /** Loads components with all that they require. EEXIST: one is loaded. ClosureError: they do not fit. Undone as a whole by an error. */
  load(components: readonly AnyComponent[], auto = false): void {
    for (const c of components) if (this.#byName.get(c.name)?.component === c) throw ERR.EEXIST;
    this.loadMissing(components, auto);
  }

  /** The same, where some may be there. */
  loadMissing(components: readonly AnyComponent[], auto = false): void {
    const loaded = [...this.#byName.values()].map((x) => x.component);
    const fresh = closure(components, loaded);
    const done: AnyComponent[] = [];
    try {
      for (const c of fresh) {
        this.#attach(c, auto);
        done.push(c);
      }
    } catch (e) {
      for (const c of done.reverse()) this.#detach(c);
      throw e;
    }
  }

  #attach(c: AnyComponent, auto: boolean): void {
    const state = c.attach(this.#view(c));
    for (const r of c.requires) this.hold(r);
    this.#byName.set(c.name, { component: c, state, refs: 0, auto });
    if (auto) this.#k.autoloader.reapLater();
  }

  #detach(c: AnyComponent): void {
    const entry = this.#byName.get(c.name);
    if (entry === undefined) return;
    c.detach?.(this.#view(c), entry.state);
    this.#byName.delete(c.name);
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
    const entry = this.#byName.get(c.name);
    if (entry === undefined) throw ERR.ENOENT;
    entry.refs++;
  }

  release(c: AnyComponent): void {
    const entry = this.#byName.get(c.name);
    if (entry === undefined) return;
    entry.refs--;
    if (entry.auto && entry.refs === 0) this.#k.autoloader.reapLater();
  }

  /** Components that came by autoload and that nobody uses, the youngest first. */
  unused(): string[] {
    const all = [...this.#byName.values()].filter((x) => x.auto && x.refs === 0 && x.component.detach !== undefined);
    return all.map((x) => x.component.name).reverse();
  }

  /** Unloads one component. ENOENT: not loaded. EBUSY: in use. EOPNOTSUPP: it cannot leave a running kernel. */
  unload(name: string): void {
    const entry = this.#byName.get(name);
    if (entry === undefined) throw ERR.ENOENT;
    if (entry.refs > 0) throw ERR.EBUSY;
    if (entry.component.detach === undefined) throw ERR.EOPNOTSUPP;
    this.#detach(entry.component);
  }

  /**
   * Makes sure that component `name` is loaded, by asking the host for its package; `l` sleeps until the answer.
   * Returns false where there is none, or autoload is off.
   */
  demand(name: string, l: Lwp = this.#k.curlwp): boolean {
    return this.has(name) || (this.autoload && this.#k.autoloader.ask(name, l));
  }

  /** All leave, those on top first, busy or not: the kernel halts. With `wait`, one may sleep, and is asked again. */
  detachAll(wait: boolean): void {
    let fault: unknown;
    for (const entry of [...this.#byName.values()].reverse()) {
      try {
        entry.component.detach?.(this.#view(entry.component), entry.state);
      } catch (e) {
        if (e === SLEEP && wait) throw e;
        if (e !== SLEEP && !(e instanceof Errno)) fault ??= e;
      }
      this.#byName.delete(entry.component.name);
    }
    if (fault !== undefined) throw fault;
  }
}
