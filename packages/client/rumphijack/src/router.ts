/**
 * Functions of `node:fs` that look at their arguments and go to the kernel or to the host.
 *
 * A descriptor is the kernel's when it is not below `fdoff`; a path is whose the routes say. What is wrong with an argument the host's own
 * function says. Paths reach the kernel in its own names, and what comes back has the program's.
 */
import { promisify } from 'node:util';
import { type Fn, type Table, dressed } from './functions.js';
import type { Names } from './names.js';
import type { Routes } from './routes.js';

/** How a function gives its result. 'plain': an object that goes on working (a watcher), or a promise without names in it. */
export type Form = 'sync' | 'callback' | 'promise' | 'plain';

export interface Pair {
  /** Without `Sync`. */
  readonly name: string;
  readonly form: Form;
  readonly host: Fn;
  readonly kernel: Fn;
}

/** What a function with two paths does when they are on different sides; `args` are as they were given. */
export type Across = (args: readonly unknown[], form: Form) => unknown;

export class Router {
  constructor(
    readonly routes: Routes,
    readonly names: Names,
    readonly fdoff: number,
    /** Whether an object is a FileHandle of the kernel's. */
    readonly isKernels: (value: object) => boolean,
  ) {}

  /** A function whose first argument is a descriptor. */
  byFd({ host, kernel }: Pair): Fn {
    const { fdoff } = this;
    return dressed(function (this: unknown, ...args) {
      return Reflect.apply(typeof args[0] === 'number' && args[0] >= fdoff ? kernel : host, this, args);
    }, host);
  }

  /** A function whose first argument is a path; for some it may be a descriptor or a FileHandle. */
  byPath(pair: Pair): Fn {
    const { host, kernel } = pair;
    const { fdoff, routes } = this;
    const call = this.#named(pair);
    // truncate() of a descriptor is Node's own warning, and then ftruncate().
    const hostKnows = pair.name === 'truncate';
    const made = dressed((...args) => {
      const first = args[0];
      if (typeof first === 'number') return first >= fdoff && !hostKnows ? kernel(...args) : host(...args);
      const to = routes.of(first);
      if (to !== undefined) {
        args[0] = to;
        return call(args);
      }
      if (typeof first === 'object' && first !== null && this.isKernels(first)) return kernel(...args);
      if (routes.cwdInKernel) args[0] = routes.hostPathOf(first) ?? first;
      return host(...args);
    }, host);
    return this.#promisable(made, pair);
  }

  /** A function with two paths; `across` when they are on different sides. */
  byTwo(pair: Pair, across: Across): Fn {
    const { host } = pair;
    const { routes } = this;
    const call = this.#named(pair);
    return dressed((...args) => {
      const [from, to] = [routes.of(args[0]), routes.of(args[1])];
      if (from !== undefined && to !== undefined) return call([from, to, ...args.slice(2)]);
      if ((from !== undefined || to !== undefined) && isPath(args[0]) && isPath(args[1])) return across(args, pair.form);
      if (routes.cwdInKernel) for (const i of [0, 1]) args[i] = routes.hostPathOf(args[i]) ?? args[i];
      return host(...args);
    }, host);
  }

  /** A stream is Node's own on both sides, but for one on a FileHandle of the kernel's. */
  stream({ host, kernel }: Pair): Fn {
    const { isKernels } = this;
    // biome-ignore lint/complexity/useArrowFunction: it may stand behind `new`.
    return dressed(function (...args) {
      const handle = (args[1] as { fd?: unknown } | null | undefined)?.fd;
      return (typeof handle === 'object' && handle !== null && isKernels(handle) ? kernel : host)(...args);
    }, host);
  }

  /** symlink(target, path): the path decides, and the target is text. */
  symlink(pair: Pair): Fn {
    const { routes } = this;
    const call = this.#named(pair);
    return dressed((...args) => {
      const to = routes.of(args[1]);
      if (to === undefined) {
        if (routes.cwdInKernel) args[1] = routes.hostPathOf(args[1]) ?? args[1];
        return pair.host(...args);
      }
      return call([this.#target(args[0]), to, ...args.slice(2)]);
    }, pair.host);
  }

  /** An absolute target in the kernel's names; readlink() gives it in the program's again. */
  #target(target: unknown): unknown {
    if (!this.routes.prefixed || typeof target !== 'string' || !target.startsWith('/')) return target;
    return this.routes.of(target) ?? target;
  }

  /** The kernel's function with the program's names in results and errors. */
  #named({ name, form, kernel }: Pair): (args: unknown[]) => unknown {
    const { names, routes } = this;
    if (!routes.prefixed || form === 'plain') return (args) => kernel(...args);
    const prepared = (args: unknown[]): unknown[] => (name === 'cp' ? this.#filtered(args) : args);
    if (form === 'promise') {
      return (args) =>
        (kernel(...prepared(args)) as Promise<unknown>).then(
          (value) => names.result(name, value),
          (error) => Promise.reject(names.error(error)),
        );
    }
    return (args) => {
      try {
        return names.result(name, kernel(...this.#answered(name, prepared(args))));
      } catch (e) {
        throw names.error(e);
      }
    };
  }

  /** The callback, if there is one, gets the program's names. */
  #answered(name: string, args: unknown[]): unknown[] {
    const callback = args.at(-1);
    if (typeof callback !== 'function') return args;
    const answer: Fn = (...given) => {
      if (given.length > 0) given[0] = this.names.error(given[0]);
      if (given.length > 1) given[1] = this.names.result(name, given[1]);
      return (callback as Fn)(...given);
    };
    return [...args.slice(0, -1), answer];
  }

  /** cp's filter sees the program's names. */
  #filtered(args: unknown[]): unknown[] {
    const filter = (args[2] as { filter?: Fn } | undefined)?.filter;
    if (typeof filter !== 'function') return args;
    const visible = (path: unknown): unknown => (typeof path === 'string' ? this.routes.visible(path) : path);
    const options = { ...(args[2] as object), filter: (from: unknown, to: unknown) => filter(visible(from), visible(to)) };
    return [args[0], args[1], options, ...args.slice(3)];
  }

  /** What util.promisify() makes of the function, where that is more than its callback. */
  #promisable(made: Fn, { name, host, kernel }: Pair): Fn {
    const [hosts, kernels] = [host, kernel].map((fn) => (fn as unknown as Table)[promisify.custom] as Fn | undefined);
    if (hosts !== undefined && kernels !== undefined) {
      const value = this.byPath({ name, form: 'promise', host: hosts, kernel: kernels });
      Object.defineProperty(made, promisify.custom, { value, configurable: true });
    }
    return made;
  }
}

/** Whether it is a path that Node takes; if not, its own function says so. */
function isPath(value: unknown): boolean {
  if (typeof value === 'string') return !value.includes('\0');
  if (value instanceof Uint8Array) return !value.includes(0);
  const url = value as Partial<URL> | null | undefined;
  return typeof url?.href === 'string' && url.protocol === 'file:' && !/%00|%2f/i.test(url.href);
}
