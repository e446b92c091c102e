/**
 * The hypercalls on what every page and Worker has.
 *
 * A host is an object without threads or handles of its own: one that nobody uses is garbage. Any number of kernels may share one.
 */
import type { HostFile, HostFileInfo, HostHalf, OpenMode, Rumpuser, WallTime } from '@anykernel/host-rumpuser';
import { Alarms, type Half, SlabPool, findHalf } from '@anykernel/lib-hostkit';
import { ERR, signalName } from '@anykernel/lib-sys';
import { ConsoleInput, type InputSource, lineWriter, textWriter } from './console.js';
import { EventLoop } from './event-loop.js';
import { Files, type Provided } from './files.js';
import { WallClock } from './wall-clock.js';

export interface HostBrowserOptions {
  /** Host files by name; see HostBrowser.provide(). */
  readonly files?: { readonly [name: string]: Provided };
  /** What open() makes of a name that is not there when it is asked to; nothing otherwise, which is EROFS. */
  readonly create?: (name: string) => Provided | undefined;
  readonly params?: { readonly [name: string]: string | undefined };
  /** `_RUMPUSER_HOSTNAME`; `rump` otherwise. */
  readonly hostname?: string;
  /** Where the console's text goes, piece by piece; the platform's console otherwise, line by line. */
  readonly output?: (text: string) => void;
  /** What is typed on the console; otherwise there is no input, and asking for it is ENXIO. */
  readonly input?: InputSource;
  /** The kernel has ended. Otherwise a panic, or a status other than 0, is a line on the platform's console. */
  readonly onExit?: (how: 'panic' | number) => void;
  /** A signal for the program, by NetBSD's number. Otherwise it is a line on the platform's console. */
  readonly onKill?: (signo: number) => void;
  /** Components that autoload finds, before importComponent(). */
  readonly components?: readonly { readonly name: string }[];
  /** The component of that name, or undefined. Otherwise the export `name` of package `@anykernel/<name>`, by import(). */
  readonly importComponent?: (name: string) => unknown;
  /** The host's halves of drivers; see halfOf(). */
  readonly halves?: readonly Half[];
  /** Bytes of freed memory that are kept to be used again; 16 MiB otherwise. */
  readonly keepBytes?: number;
}

export interface HostBrowser extends Rumpuser {
  /** Puts a host file into the host's name space. undefined takes it out. */
  provide(name: string, file: Provided | undefined): void;
}

/** A host on this page or Worker. */
export function hostBrowser(options: HostBrowserOptions = {}): HostBrowser {
  return new BrowserRumpuser(options);
}

const KEEP_BYTES = 16 * 1024 * 1024;
/** getRandomValues() gives no more at once. */
const RANDOM_MAX = 65536;
/** Names come from inside the kernel, from a mount's type perhaps: no path can be made of one. */
const COMPONENT_NAME = /^[a-z][a-z0-9_]*$/;

class BrowserRumpuser implements HostBrowser {
  readonly version = 1;
  readonly #options: HostBrowserOptions;
  readonly #loop = new EventLoop();
  readonly #alarms = new Alarms(this.#loop);
  readonly #wall = new WallClock();
  readonly #pool: SlabPool;
  readonly #files: Files;
  readonly #input: ConsoleInput;
  readonly #write: (text: string) => void;

  constructor(options: HostBrowserOptions) {
    this.#options = options;
    this.#write = options.output === undefined ? lineWriter((line) => console.log(line)) : textWriter(options.output);
    this.#pool = new SlabPool(options.keepBytes ?? KEEP_BYTES);
    this.#input = new ConsoleInput(options.input, this.#loop);
    this.#files = new Files(this.#loop, options.create);
    for (const [name, file] of Object.entries(options.files ?? {})) this.provide(name, file);
  }

  malloc(len: number): Uint8Array {
    return this.#pool.malloc(len);
  }

  free(mem: Uint8Array): void {
    this.#pool.free(mem);
  }

  clockMono(): number {
    return this.#loop.mono();
  }

  clockWall(time: WallTime): void {
    this.#wall.read(time);
  }

  alarm(owner: object, at: number, fn: () => void, hold: boolean): void {
    this.#alarms.set(owner, at, fn, hold);
  }

  /** By way of memory of its own: getRandomValues() does not fill shared memory. */
  getrandom(buf: Uint8Array): void {
    const part = new Uint8Array(Math.min(buf.length, RANDOM_MAX));
    for (let off = 0; off < buf.length; off += part.length) {
      crypto.getRandomValues(part);
      buf.set(part.subarray(0, buf.length - off), off);
    }
  }

  getparam(name: string): string | undefined {
    const params = this.#options.params;
    if (params !== undefined && Object.hasOwn(params, name)) return params[name];
    if (name === '_RUMPUSER_NCPU') return '1';
    return name === '_RUMPUSER_HOSTNAME' ? (this.#options.hostname ?? 'rump') : undefined;
  }

  putchars(text: string): void {
    this.#write(text);
  }

  consoleInput(fn: ((bytes: Uint8Array) => void) | undefined): void {
    this.#input.set(fn);
  }

  exit(how: 'panic' | number): void {
    if (this.#options.onExit !== undefined) this.#options.onExit(how);
    else if (how === 'panic') console.error('rump kernel: panic');
    else if (how !== 0) console.error(`rump kernel: exit status ${how}`);
  }

  /** EINVAL: no signal. */
  kill(signo: number): void {
    const name = signalName(signo);
    if (name === undefined) throw ERR.EINVAL;
    if (this.#options.onKill !== undefined) this.#options.onKill(signo);
    else console.error(`rump kernel: ${name} for the program around it`);
  }

  open(name: string, mode: OpenMode): HostFile {
    return this.#files.open(name, mode);
  }

  getfileinfo(name: string): HostFileInfo | undefined {
    return this.#files.getfileinfo(name);
  }

  provide(name: string, file: Provided | undefined): void {
    this.#files.provide(name, file);
  }

  importComponent(name: string, done: (component: unknown) => void): void {
    this.#find(name).then(
      (component) => this.#loop.soon(() => done(component)),
      () => this.#loop.soon(() => done(undefined)),
    );
  }

  async #find(name: string): Promise<unknown> {
    if (!COMPONENT_NAME.test(name)) return undefined;
    const brought = this.#options.components?.find((component) => component.name === name);
    return brought ?? (this.#options.importComponent ?? importPackage)(name);
  }

  half<T>(of: HostHalf<T>): T | undefined {
    return findHalf(this.#options.halves ?? [], of);
  }
}

/** Bundlers leave it as it is, or out: a bundle brings its components along. */
async function importPackage(name: string): Promise<unknown> {
  const specifier = `@anykernel/${name}`;
  const exports = (await import(/* @vite-ignore */ /* webpackIgnore: true */ specifier)) as Record<string, unknown>;
  return Object.hasOwn(exports, name) ? exports[name] : undefined;
}
