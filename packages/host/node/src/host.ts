/**
 * The hypercalls on Node: what every machine gives (bare.ts), its files, the packages that are installed, and the halves of drivers.
 */
import type { HostFile, HostFileInfo, HostHalf, OpenMode, Rumpuser } from '@anykernel/host-rumpuser';
import { Alarms, type Half, SlabPool, findHalf } from '@anykernel/lib-hostkit';
import { ERR, signalName } from '@anykernel/lib-sys';
import { BareHostNode, type BareHostNodeOptions } from './bare.js';
import { shmifHalf } from './buses.js';
import { ConsoleInput } from './console.js';
import { Files, type Provided } from './files.js';
import { type ImportOptions, importComponent } from './import.js';
import { RandomBytes } from './random.js';
import { virtifHalf } from './tap.js';
import { NodeTimers } from './timers.js';

export interface HostNodeOptions extends BareHostNodeOptions, ImportOptions {
  /** Bytes of freed memory that are kept to be used again; 64 MiB otherwise. */
  readonly keepBytes?: number;
  /** What is typed on the console; process.stdin otherwise. `false`: there is no console input, and asking for it is ENXIO. */
  readonly input?: NodeJS.ReadableStream | false;
  /** A signal for the program, by NetBSD's number. Otherwise it is raised: process.kill() on this process. */
  readonly onKill?: (signo: number) => void;
  /** The host's halves of drivers; see halfOf(). */
  readonly halves?: readonly Half[];
  /** Host files by name which open() finds before those of the file system; see HostNode.provide(). */
  readonly files?: { readonly [name: string]: Provided };
}

export interface HostNode extends Rumpuser {
  /** Puts an image in memory, or a host file of the caller's own making, in the host's name space. undefined takes it out. */
  provide(name: string, file: Provided | undefined): void;
}

/** A host on this Node. */
export function hostNode(options: HostNodeOptions = {}): HostNode {
  return new WholeHostNode(options);
}

const KEEP_BYTES = 64 * 1024 * 1024;

/** Those that every host on Node has; the caller's come first. */
const HALVES: readonly Half[] = [shmifHalf, virtifHalf];

class WholeHostNode extends BareHostNode implements HostNode {
  readonly #options: HostNodeOptions;
  readonly #files: Files;
  readonly #random = new RandomBytes();
  readonly #pool: SlabPool;
  readonly #alarms = new Alarms(new NodeTimers(this.clock));
  readonly #input: ConsoleInput;

  constructor(options: HostNodeOptions) {
    super(options);
    this.#options = options;
    this.#pool = new SlabPool(options.keepBytes ?? KEEP_BYTES);
    this.#files = new Files(options.files ?? {});
    this.#input = new ConsoleInput(options.input);
  }

  override malloc(len: number): Uint8Array {
    return this.#pool.malloc(len);
  }

  override free(mem: Uint8Array): void {
    this.#pool.free(mem);
  }

  override alarm(owner: object, at: number, fn: () => void, hold: boolean): void {
    this.#alarms.set(owner, at, fn, hold);
  }

  override getrandom(buf: Uint8Array): void {
    this.#random.fill(buf);
  }

  override consoleInput(fn: ((bytes: Uint8Array) => void) | undefined): void {
    this.#input.set(fn);
  }

  override kill(signo: number): void {
    if (this.#options.onKill !== undefined) {
      this.#options.onKill(signo);
      return;
    }
    const name = signalName(signo);
    if (name === undefined) throw ERR.EINVAL;
    raise(name);
  }

  override open(name: string, mode: OpenMode): HostFile {
    return this.#files.open(name, mode);
  }

  override getfileinfo(name: string): HostFileInfo | undefined {
    return this.#files.getfileinfo(name);
  }
  readdir(name: string): string[] {
    return this.#files.readdir(name);
  }

  provide(name: string, file: Provided | undefined): void {
    this.#files.provide(name, file);
  }

  override importComponent(name: string, done: (component: unknown) => void): void {
    importComponent(name, this.#options, done);
  }

  override half<T>(of: HostHalf<T>): T | undefined {
    return findHalf(this.#options.halves ?? [], of) ?? findHalf(HALVES, of);
  }
}

/** Signals that this machine has not (SIGEMT, SIGINFO on Linux) are nothing to it. */
function raise(name: string): void {
  try {
    process.kill(process.pid, name);
  } catch (e) {
    if ((e as NodeJS.ErrnoException).code !== 'ERR_UNKNOWN_SIGNAL') throw e;
  }
}
