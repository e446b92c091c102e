/** A kernel in a simulation with one block device, and calls that may sleep. */
import { type DiskOptions, type Rng, Sim, type SimDisk, type SimHost } from '@anykernel/host-sim';
import { Errno, ERR } from '@anykernel/lib-sys';
import { type Bdevsw, FWRITE, type Kernel, type KernelOptions, type Lwp, SLEEP, Uio, boot, makedev } from '@anykernel/rumpkern';
import { Disk } from '../src/disk.js';

export interface RigOptions extends DiskOptions {
  readonly seed?: number;
  readonly memLimitBytes?: number;
}

export class Rig {
  readonly sim: Sim;
  readonly host: SimHost;
  readonly k: Kernel;
  readonly sd: SimDisk;
  readonly disk: Disk;
  readonly rng: Rng;
  /** Calls that the driver has had. */
  readonly calls = { readv: 0, writev: 0, flush: 0 };
  /** What else happens while a call sleeps: it may make calls of its own. */
  whileAsleep: (() => void) | undefined = undefined;

  constructor(options: RigOptions = {}) {
    this.sim = new Sim({ seed: options.seed ?? 1 });
    this.rng = this.sim.rng;
    this.host = this.sim.host();
    this.sd = this.sim.disk('disk', { size: 1 << 20, record: 'none', ...options });
    const limit: KernelOptions = options.memLimitBytes === undefined ? {} : { memLimitBytes: options.memLimitBytes };
    this.k = boot(this.host, [], limit);
    const { bmajor } = this.k.devsw.attach(this.#driver(options), undefined);
    this.disk = this.k.run(() => Disk.open(this.k, makedev(bmajor, 0), options.readonly !== true, this.k.curlwp));
  }

  #driver(options: RigOptions): Bdevsw {
    const file = this.host.open('disk', { read: true, write: options.readonly !== true, bio: true });
    const { calls } = this;
    return {
      name: 'sim',
      open: (_dev, flag) => {
        if ((flag & FWRITE) !== 0 && !file.writable) throw ERR.EROFS;
      },
      close: () => undefined,
      readv: (_dev, data, off, done) => {
        calls.readv++;
        return file.readv(data, off, done);
      },
      writev: (_dev, data, off, done) => {
        calls.writev++;
        return file.writev(data, off, done);
      },
      flush: (_dev, done) => {
        calls.flush++;
        return file.flush(done);
      },
      ioctl: () => {
        throw ERR.ENOTTY;
      },
      psize: () => file.size,
      secsize: () => 512,
    };
  }

  /** Runs `fn` as a system call does: again after each sleep. */
  call<T>(fn: (l: Lwp) => T): T {
    const l = this.k.proc1.newlwp();
    l.begin();
    try {
      for (;;) {
        const done = this.attempt(l, fn);
        if (done !== undefined) return done.result;
        let woken = false;
        l.resume = () => void (woken = true);
        this.k.sleepq.park(l);
        this.whileAsleep?.();
        while (!woken) if (!this.sim.step()) throw new Error('asleep for ever');
      }
    } finally {
      this.k.proc1.lwps.delete(l);
    }
  }

  /** One attempt of a call; undefined: it sleeps. */
  attempt<T>(l: Lwp, fn: (l: Lwp) => T): { result: T } | undefined {
    const outer = this.k.enter(l);
    try {
      return { result: fn(l) };
    } catch (e) {
      if (e !== SLEEP) throw e;
      return undefined;
    } finally {
      this.k.leave(outer);
    }
  }

  /** What the disk holds when all that is under way has ended. */
  image(off = 0, len?: number): Uint8Array {
    return this.sd.snapshot().bytes(off, len);
  }

  uio(buf: Uint8Array, off: number, rw: 'read' | 'write'): Uio {
    return new Uio().init(buf, off, rw);
  }
}

/** The code of the Errno that `fn` throws; undefined where it throws none. */
export function errnoOf(fn: () => unknown): string | undefined {
  try {
    fn();
    return undefined;
  } catch (e) {
    if (e instanceof Errno) return e.code;
    throw e;
  }
}

/** `len` bytes that tell where they are from. */
export function pattern(len: number, salt: number): Uint8Array {
  const b = new Uint8Array(len);
  for (let i = 0; i < len; i++) b[i] = (i * 7 + (i >> 8) * 13 + salt * 31 + 1) & 0xff;
  return b;
}

/** Whether two arrays are equal; where not, the first difference. */
export function difference(a: Uint8Array, b: Uint8Array): string | undefined {
  if (a.length !== b.length) return `lengths ${a.length} and ${b.length}`;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return `byte ${i}: ${a[i]} and ${b[i]}`;
  return undefined;
}
