/** Components that come and go while the kernel runs: modload(8), modunload(8), modstat(8). Autoload is autoload.ts. */
import type { AnyComponent } from '@anykernel/lib-component';
import { ERR, type Modstat } from '@anykernel/lib-sys';
import type { Kernel } from './kernel.js';
import type { Modules } from './modules.js';
import type { Lwp } from './proc.js';

export class Modctl {
  readonly #k: Kernel;
  readonly #modules: Modules;
  /** Whether unknown types and domains are asked of the host (kern.module.autoload). */
  autoload = true;
  /** Seconds after which an autoloaded component that nobody uses is unloaded; 0: never. */
  autotime = 10;

  constructor(k: Kernel) {
    this.#k = k;
    this.#modules = k.modules;
  }

  /** Loads components with all that they require. EEXIST: one is loaded. ClosureError: they do not fit. Undone as a whole by an error. */
  load(components: readonly AnyComponent[]): void {
    for (const c of components) if (this.#modules.loaded.get(c.name)?.component === c) throw ERR.EEXIST;
    this.#modules.loadMissing(components);
  }

  /** What is loaded, in the order in which it attached. */
  list(): Modstat[] {
    return [...this.#modules.loaded.values()].map((x) => ({
      name: x.component.name,
      class: x.component.class,
      refcount: x.refs,
      requires: x.component.requires.map((r) => r.name),
    }));
  }

  /** Components that came by autoload and that nobody uses, the youngest first. */
  unused(): string[] {
    const all = [...this.#modules.loaded.values()].filter((x) => x.auto && x.refs === 0 && x.component.detach !== undefined);
    return all.map((x) => x.component.name).reverse();
  }

  /** Unloads one component. ENOENT: not loaded. EBUSY: in use. EOPNOTSUPP: it cannot leave a running kernel. */
  unload(name: string): void {
    const entry = this.#modules.loaded.get(name);
    if (entry === undefined) throw ERR.ENOENT;
    if (entry.refs > 0) throw ERR.EBUSY;
    if (entry.component.detach === undefined) throw ERR.EOPNOTSUPP;
    this.#modules.detach(entry.component);
  }

  /**
   * Makes sure that component `name` is loaded, by asking the host for its package; `l` sleeps until the answer.
   * Returns false where there is none, or autoload is off.
   */
  demand(name: string, l: Lwp = this.#k.curlwp): boolean {
    return this.#modules.has(name) || (this.autoload && this.#k.autoloader.ask(name, l));
  }
}
