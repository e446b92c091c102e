/**
 * Node as a host for kernels that need nothing of the machine but its clocks, its memory, its random numbers and where to write: no files, no console input, no signals, no
 * packages, no halves of drivers.
 *
 * A host is an object without threads or handles of its own: one that nobody uses is garbage. Any number of kernels may share one, and
 * any number of hosts may stand beside each other.
 */
import type * as nodeCrypto from 'node:crypto';
import type { HostFile, HostFileInfo, HostHalf, OpenMode, Rumpuser, WallTime } from '@anykernel/host-rumpuser';
import { allocate } from '@anykernel/lib-hostkit';
import { ERR } from '@anykernel/lib-sys';
import { Clock } from './clock.js';
import { type ConsoleOutput, put } from './output.js';

export interface BareHostNodeOptions {
  /** Where the console's text goes; process.stdout otherwise. */
  readonly output?: ConsoleOutput;
  /** Parameters, before those of the environment. undefined hides one of the environment. */
  readonly params?: { readonly [name: string]: string | undefined };
  /** The name in `_RUMPUSER_HOSTNAME`; `rump-<pid>.<name of the machine>` otherwise. */
  readonly hostname?: string;
  /** The kernel has ended. Otherwise a panic leaves a line on stderr, and the program goes on. */
  readonly onExit?: (how: 'panic' | number) => void;
}

/** A bare host: a bundle of a kernel whose files are in memory, and which has no network, is smaller by what it has not. */
export function bareHostNode(options: BareHostNodeOptions = {}): Rumpuser {
  return new BareHostNode(options);
}

/** What setTimeout() takes. */
const MS_MAX = 2 ** 31 - 1;

export class BareHostNode implements Rumpuser {
  readonly version = 1;
  readonly #options: BareHostNodeOptions;
  protected readonly clock: Clock = new Clock();
  readonly #alarms = new Map<object, NodeJS.Timeout>();

  constructor(options: BareHostNodeOptions) {
    this.#options = options;
  }

  malloc(len: number): Uint8Array {
    return allocate(len);
  }

  /** Left to the garbage collector. */
  free(_mem: Uint8Array): void {}

  clockMono(): number {
    return this.clock.mono();
  }

  clockWall(time: WallTime): void {
    this.clock.wall(time);
  }

  alarm(owner: object, at: number, fn: () => void, hold: boolean): void {
    clearTimeout(this.#alarms.get(owner));
    this.#alarms.delete(owner);
    if (at === Infinity) return;
    const ring = (): void => {
      if (this.clock.mono() < at) this.alarm(owner, at, fn, hold);
      else {
        this.#alarms.delete(owner);
        fn();
      }
    };
    const ms = Math.ceil((at - this.clock.mono()) / 1e6);
    // Newer Nodes warn of what is below zero.
    const timer = setTimeout(ring, Math.max(1, Math.min(MS_MAX, ms)));
    if (!hold) timer.unref();
    this.#alarms.set(owner, timer);
  }

  getrandom(buf: Uint8Array): void {
    (process.getBuiltinModule('node:crypto') as typeof nodeCrypto).randomFillSync(buf);
  }

  getparam(name: string): string | undefined {
    const params = this.#options.params;
    if (params !== undefined && Object.hasOwn(params, name)) return params[name];
    if (name === '_RUMPUSER_NCPU') return '1';
    if (name === '_RUMPUSER_HOSTNAME') return this.#options.hostname ?? `rump-${String(process.pid).padStart(5, '0')}.${process.getBuiltinModule('node:os').hostname()}`;
    return Object.hasOwn(process.env, name) ? process.env[name] : undefined;
  }

  putchars(text: string): void {
    put(this.#options.output ?? process.stdout, text);
  }

  /** ENXIO. */
  consoleInput(fn: ((bytes: Uint8Array) => void) | undefined): void {
    if (fn !== undefined) throw ERR.ENXIO;
  }

  exit(how: 'panic' | number): void {
    if (this.#options.onExit !== undefined) this.#options.onExit(how);
    else if (how !== 0) process.stderr.write(`rump kernel: ${how === 'panic' ? how : `exit status ${how}`}\n`);
  }

  /** EINVAL. A kernel for which this host is enough has no signals. */
  kill(_signo: number): void {
    throw ERR.EINVAL;
  }

  /** ENOENT. */
  open(_name: string, _mode: OpenMode): HostFile {
    throw ERR.ENOENT;
  }

  getfileinfo(_name: string): HostFileInfo | undefined {
    return undefined;
  }

  importComponent(_name: string, done: (component: unknown) => void): void {
    setImmediate(done, undefined);
  }

  half<T>(_of: HostHalf<T>): T | undefined {
    return undefined;
  }
}
