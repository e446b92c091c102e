/** Several processes at once on a disk whose transfers end later, or some of them at once, and in any order, with little memory; also where some of them fail. */
import type { DiskImage, Rng } from '@anykernel/host-sim';
import { O_CREAT, O_RDONLY, O_RDWR } from '@anykernel/lib-sys';
import { type Call, SystemError } from '@anykernel/rumpkern';
import type { World, Worlds } from './world.js';

export interface SlowDiskOptions {
  readonly worlds: Worlds<unknown>;
  /** The type, for mount(2). */
  readonly type: string;
  readonly image: Uint8Array;
  readonly seed: number;
  /** Bytes that the kernel may have. */
  readonly memLimitBytes: number;
  /** How many of a hundred transfers end at once: none. */
  readonly atOnce?: number;
  /** Transfers fail now and then. */
  readonly fails: boolean;
  /** What a checker says of an image; empty: nothing. */
  check(image: DiskImage): string;
}

const WORKERS = 5;
const STEPS = 40;

function randomBytes(rng: Rng, len: number): Uint8Array {
  const b = new Uint8Array(len);
  rng.fill(b);
  return b;
}

/** A process with a directory of its own, and what its files must hold. */
class Worker {
  readonly #call: Call;
  readonly #rng: Rng;
  readonly #dir: string;
  readonly #files = new Map<string, Uint8Array>();

  constructor(w: World<unknown>, n: number) {
    this.#call = w.k.newproc({ comm: `worker${n}` }).call;
    this.#rng = w.sim.rng;
    this.#dir = `/mnt/w${n}`;
  }

  /** Does its steps. `failing`: EIO is no surprise, and the file concerned is given up. */
  async run(failing: (rng: Rng) => void): Promise<void> {
    await this.#call.mkdir(this.#dir, 0o755);
    for (let i = 0; i < STEPS; i++) {
      failing(this.#rng);
      await this.#step(`${this.#dir}/f${this.#rng.below(6)}`);
    }
  }

  async #step(name: string): Promise<void> {
    const op = this.#rng.below(10);
    const old = this.#files.get(name);
    try {
      if (op <= 3) await this.#withFile(name, O_CREAT | O_RDWR, (fd) => this.#write(fd, name, old ?? new Uint8Array(0)));
      else if (old === undefined) return;
      else if (op <= 6) await this.#withFile(name, O_RDONLY, (fd) => this.#read(fd, name, old));
      else if (op === 7) await this.#truncate(name, old);
      else if (op === 8) await this.#unlink(name);
      else await this.#rename(name, `${this.#dir}/f${this.#rng.below(6)}`, old);
    } catch (e) {
      if (!(e instanceof SystemError) || e.code !== 'EIO') throw e;
      this.#files.delete(name);
      await this.#call.unlink(name).catch(() => undefined);
    }
  }

  async #withFile(name: string, flags: number, body: (fd: number) => Promise<void>): Promise<void> {
    const fd = await this.#call.open(name, flags, 0o644);
    try {
      await body(fd);
    } finally {
      await this.#call.close(fd);
    }
  }

  async #write(fd: number, name: string, old: Uint8Array): Promise<void> {
    const rng = this.#rng;
    const off = rng.below(old.length + 5000);
    const data = randomBytes(rng, 1 + rng.below(rng.below(4) === 0 ? 200_000 : 6000));
    for (let done = 0; done < data.length; ) done += await this.#call.pwrite(fd, data.subarray(done), off + done);
    const now = new Uint8Array(Math.max(old.length, off + data.length));
    now.set(old);
    now.set(data, off);
    this.#files.set(name, now);
    if (rng.below(3) === 0) await this.#call.fsync(fd);
  }

  async #read(fd: number, name: string, want: Uint8Array): Promise<void> {
    const got = new Uint8Array(want.length + 10);
    let at = 0;
    for (let n = -1; n !== 0; at += n) n = await this.#call.pread(fd, got.subarray(at, Math.min(got.length, at + 1 + this.#rng.below(70_000))), at);
    const wrong = at === want.length ? want.findIndex((b, i) => got[i] !== b) : Math.min(at, want.length);
    if (wrong >= 0) throw new Error(`${name}, ${at} of ${want.length} bytes: byte ${wrong} is wrong`);
  }

  async #truncate(name: string, old: Uint8Array): Promise<void> {
    const size = this.#rng.below(old.length + 3000);
    await this.#call.truncate(name, size);
    const now = new Uint8Array(size);
    now.set(old.subarray(0, size));
    this.#files.set(name, now);
  }

  async #unlink(name: string): Promise<void> {
    await this.#call.unlink(name);
    this.#files.delete(name);
  }

  async #rename(name: string, to: string, old: Uint8Array): Promise<void> {
    if (name === to) return;
    await this.#call.rename(name, to);
    this.#files.delete(name);
    this.#files.set(to, old);
  }
}

/** A file that could not be written says so once, and is written when it is tried again. */
async function unmount(call: Call, fails: boolean): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await call.unmount('/mnt', 0);
      return;
    } catch (e) {
      if (!fails || tries === WORKERS * 6 || !(e instanceof SystemError) || e.code !== 'EIO') throw e;
    }
  }
}

/** Works, and gives what is wrong afterwards; empty: all is in order, and all memory has come back. */
export async function slowDisk(o: SlowDiskOptions): Promise<string> {
  const disk = { sync: false, atOnce: o.atOnce ?? 0, latencyNs: [1000, 3_000_000], record: 'none' } as const;
  const w = o.worlds.world(o.image, { seed: o.seed, disk, kernel: { memLimitBytes: o.memLimitBytes } });
  const { call } = w.root;
  const before = w.k.mem.used;
  await w.sim.settle(call.mount(o.type, '/mnt', 0, { fspec: '/disk' }));
  // Then nothing stays that is not in use, also while a call sleeps.
  if (o.seed % 2 === 0) w.k.sysctl.set('kern.maxvnodes', 1);
  const failing = (rng: Rng): void => {
    if (o.fails && rng.below(20) === 0) w.disk.fail({ nth: 1 + rng.below(10), times: 1 });
  };
  const work = Array.from({ length: WORKERS }, (_x, n) => new Worker(w, n).run(failing));
  const syncs = (async (): Promise<void> => {
    for (let i = 0; i < 5; i++) await call.sync();
  })();
  await w.sim.settle(Promise.all([...work, syncs]));
  w.disk.mend();
  await w.sim.settle(unmount(call, o.fails));
  w.sim.runUntilIdle();
  const left = w.k.mem.used - before;
  const wrong = o.check(w.disk.snapshot());
  w.k.halt();
  return left === 0 ? wrong : `${wrong}\n${left} bytes of memory are still in use`;
}
