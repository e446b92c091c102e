/**
 * minihost: a host in a hundred lines, of nothing but what every JavaScript platform has. Its files are in memory.
 *
 * It is what somebody else's host looks like: the hypercalls, with the parts that all hosts share from `lib/hostkit`, and clean refusals for
 * what it lacks.
 */
import type { HostFile, HostFileInfo, HostHalf, OpenMode, Rumpuser, WallTime } from '@anykernel/host-rumpuser';
import { Alarms, type MemoryFile, SlabPool, type Timer, memoryFile } from '@anykernel/lib-hostkit';
import { ERR } from '@anykernel/lib-sys';

/** What of the platform is used. */
declare const performance: { now(): number; readonly timeOrigin: number };
declare const crypto: { getRandomValues(bytes: Uint8Array): void };
declare function setTimeout(fn: () => void, ms: number): unknown;
declare function clearTimeout(timer: unknown): void;

/** Files may grow up to here. */
const FILE_MAX = 2 ** 30;
const KEEP_BYTES = 1 << 24;
const RANDOM_MAX = 65536;

export interface MiniHost extends Rumpuser {
  /** All that the console has shown. */
  readonly shown: () => string;
  /** Puts a file of these bytes, which it keeps, in the host's name space. */
  provide(name: string, bytes: Uint8Array, readonly?: boolean): void;
}

export function miniHost(): MiniHost {
  const start = performance.now();
  const mono = (): number => Math.round((performance.now() - start) * 1e6);
  const alarms = new Alarms({ mono, soon: (fn) => timer(0, fn), after: timer });
  const pool = new SlabPool(KEEP_BYTES);
  const files = new Map<string, MemoryFile>();
  let console = '';

  return {
    version: 1,
    shown: () => console,
    provide: (name, bytes, readonly = false) => void files.set(name, memoryFile(bytes, { readonly })),

    malloc: (len: number) => pool.malloc(len),
    free: (mem: Uint8Array) => pool.free(mem),

    clockMono: mono,
    clockWall(time: WallTime): void {
      const ms = performance.timeOrigin + performance.now();
      time.sec = Math.floor(ms / 1000);
      time.nsec = Math.floor((ms - time.sec * 1000) * 1e6);
    },
    alarm: (owner: object, at: number, fn: () => void, hold: boolean) => alarms.set(owner, at, fn, hold),

    getrandom(buf: Uint8Array): void {
      for (let off = 0; off < buf.length; off += RANDOM_MAX) crypto.getRandomValues(buf.subarray(off, off + RANDOM_MAX));
    },
    getparam: (name: string) =>
      new Map([
        ['_RUMPUSER_NCPU', '1'],
        ['_RUMPUSER_HOSTNAME', 'mini'],
      ]).get(name),

    putchars(text: string): void {
      console += text;
    },
    consoleInput(fn: unknown): void {
      if (fn !== undefined) throw ERR.ENXIO;
    },
    exit(): void {},
    kill(): void {},

    open(name: string, mode: OpenMode): HostFile {
      const there = files.get(name);
      if (there === undefined && mode.create !== true) throw ERR.ENOENT;
      if (there !== undefined && mode.create === true && mode.excl === true) throw ERR.EEXIST;
      const file = there ?? memoryFile(new Uint8Array(0), { growTo: FILE_MAX });
      files.set(name, file);
      return file.open(mode);
    },
    getfileinfo: (name: string): HostFileInfo | undefined => files.get(name)?.info(),

    importComponent: (_name: string, done: (component: unknown) => void) => void timer(0, () => done(undefined)),
    half: <T>(_of: HostHalf<T>): T | undefined => undefined,
  };
}

/** A timer; on Node it can be told not to keep the program alive. */
function timer(ms: number, fn: () => void): Timer {
  const made = setTimeout(fn, ms) as { ref?(): void; unref?(): void };
  return { cancel: () => clearTimeout(made), hold: (on) => (on ? made.ref?.() : made.unref?.()) };
}
