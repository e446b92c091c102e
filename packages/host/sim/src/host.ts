/**
 * The hypercalls in a simulation.
 *
 * Several kernels can share a host, and several hosts a simulation. A host has power until powerOff(): then its alarms do not ring and its
 * transfers do not end, as if it had stopped in mid-air; the disks remain, as cut() says or as they are.
 */
import type { HostFile, HostFileInfo, HostHalf, OpenMode, Rumpuser, WallTime } from '@anykernel/host-rumpuser';
import { fromBytestr, isBytestr, toBytestr } from '@anykernel/lib-bytes';
import { findHalf } from '@anykernel/lib-hostkit';
import { ERR } from '@anykernel/lib-sys';
import type { SimEvent } from './events.js';
import { Rng } from './rng.js';
import type { Sim } from './sim.js';

export interface SimHostOptions {
  /** `_RUMPUSER_HOSTNAME`; `sim<n>` otherwise. */
  readonly hostname?: string;
  readonly params?: { readonly [name: string]: string | undefined };
  /** What importComponent() finds. */
  readonly components?: readonly { readonly name: string }[];
  /** The host's halves of drivers. */
  readonly halves?: readonly { readonly name: string; readonly revision: number; readonly impl: unknown }[];
  /** Bytes that malloc() gives out before it says ENOMEM; unlimited otherwise. */
  readonly memLimitBytes?: number;
  /** false: consoleInput() is ENXIO. */
  readonly input?: boolean;
}

/** Files that a host makes can grow up to here. */
const FILE_MAX = 2 ** 43;
const NS_PER_SEC = 1_000_000_000;

export class SimHost implements Rumpuser {
  readonly version = 1;
  readonly sim: Sim;
  readonly hostname: string;
  /** How kernels have ended, and the signals that they raised, in order. */
  readonly exits: ('panic' | number)[] = [];
  readonly signals: number[] = [];
  /** Bytes that malloc() has given out and free() has not got back. */
  allocated = 0;
  /** All that was written to the console, as bytes. */
  #console = '';
  readonly #options: SimHostOptions;
  readonly #rng: Rng;
  readonly #alarms = new Map<object, SimEvent>();
  #out = new WeakSet<Uint8Array>();
  #listener: ((bytes: Uint8Array) => void) | undefined;
  /** Counts up when power fails. */
  #life = 0;

  constructor(sim: Sim, index: number, options: SimHostOptions) {
    this.sim = sim;
    this.#options = options;
    this.hostname = options.hostname ?? `sim${index}`;
    this.#rng = new Rng(sim.seedFor('host', index));
  }

  // -- memory

  malloc(len: number): Uint8Array {
    if (!Number.isSafeInteger(len) || len < 0) throw ERR.EINVAL;
    if (this.allocated + len > (this.#options.memLimitBytes ?? Infinity)) throw ERR.ENOMEM;
    const mem = allocate(len);
    this.allocated += len;
    this.#out.add(mem);
    return mem;
  }

  /** EINVAL: malloc() did not give it, or it was given back. */
  free(mem: Uint8Array): void {
    if (!this.#out.delete(mem)) throw ERR.EINVAL;
    this.allocated -= mem.length;
  }

  // -- time

  clockMono(): number {
    return this.sim.now;
  }

  clockWall(time: WallTime): void {
    const sec = Math.floor(this.sim.now / NS_PER_SEC);
    time.sec = this.sim.epochSec + sec;
    time.nsec = this.sim.now - sec * NS_PER_SEC;
  }

  alarm(owner: object, at: number, fn: () => void, hold: boolean): void {
    const before = this.#alarms.get(owner);
    if (before !== undefined) this.sim.cancel(before);
    this.#alarms.delete(owner);
    if (at === Infinity) return;
    const ring = (): void => {
      this.#alarms.delete(owner);
      fn();
    };
    this.#alarms.set(owner, this.sim.at(at, ring, hold));
  }

  // -- the world

  getrandom(buf: Uint8Array): void {
    this.#rng.fill(buf);
  }

  getparam(name: string): string | undefined {
    const params = this.#options.params;
    if (params !== undefined && Object.hasOwn(params, name)) return params[name];
    if (name === '_RUMPUSER_NCPU') return '1';
    return name === '_RUMPUSER_HOSTNAME' ? this.hostname : undefined;
  }

  putchars(text: string): void {
    this.#console += toBytes(text);
  }

  /** All that was written to the console. */
  get console(): string {
    return fromBytestr(this.#console);
  }

  consoleInput(fn: ((bytes: Uint8Array) => void) | undefined): void {
    if (fn !== undefined && this.#options.input === false) throw ERR.ENXIO;
    this.#listener = fn;
  }

  /** Somebody types: whoever listens when the event comes gets the bytes. */
  type(bytes: Uint8Array): void {
    const copy = bytes.slice();
    this.#later(() => this.#listener?.(copy));
  }

  exit(how: 'panic' | number): void {
    this.exits.push(how);
  }

  kill(signo: number): void {
    this.signals.push(signo);
  }

  // -- files

  open(name: string, mode: OpenMode): HostFile {
    let disk = this.sim.disks.get(name);
    if (disk === undefined) {
      if (mode.create !== true) throw ERR.ENOENT;
      if (this.sim.files === false) throw ERR.EROFS;
      disk = this.sim.disk(name, { ...this.sim.files, growTo: FILE_MAX });
    } else if (mode.create === true && mode.excl === true) throw ERR.EEXIST;
    const file = disk.open(mode);
    const life = this.#life;
    file.alive = () => life === this.#life;
    return file;
  }

  getfileinfo(name: string): HostFileInfo | undefined {
    return this.sim.disks.get(name)?.info();
  }

  /** What is in a directory are the disks and files whose names begin with its own. */
  readdir(name: string): string[] {
    const dir = this.getfileinfo(name);
    if (dir?.type !== 'dir') throw dir === undefined ? ERR.ENOENT : ERR.ENOTDIR;
    const below = [...this.sim.disks.keys()].filter((n) => n.startsWith(`${name}/`)).map((n) => n.slice(name.length + 1));
    return below.filter((n) => !n.includes('/'));
  }

  // -- parts

  importComponent(name: string, done: (component: unknown) => void): void {
    const found = this.#options.components?.find((component) => component.name === name);
    this.#later(() => done(found));
  }

  half<T>(of: HostHalf<T>): T | undefined {
    return findHalf<T>(this.#options.halves ?? [], of) ?? findHalf<T>(this.sim.halves, of);
  }

  // -- power

  /** The current fails. The host can be used again at once, by kernels that boot anew. */
  powerOff(): void {
    this.#life++;
    for (const event of this.#alarms.values()) this.sim.cancel(event);
    this.#alarms.clear();
    this.#listener = undefined;
    this.#out = new WeakSet();
    this.allocated = 0;
  }

  #later(fn: () => void): void {
    const life = this.#life;
    this.sim.at(this.sim.now, () => {
      if (life === this.#life) fn();
    });
  }
}

function toBytes(text: string): string {
  return isBytestr(text) ? text : toBytestr(text);
}

function allocate(len: number): Uint8Array {
  try {
    return new Uint8Array(len);
  } catch {
    throw ERR.ENOMEM;
  }
}
