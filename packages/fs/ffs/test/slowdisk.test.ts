/** Several processes at once on a disk whose transfers end later and in any order, with little memory; also where some of them fail. */
import { expect, test } from '@jest/globals';
import type { Rng } from '@anykernel/host-sim';
import { O_CREAT, O_RDONLY, O_RDWR } from '@anykernel/lib-sys';
import { type Call, SystemError } from '@anykernel/rumpkern';
import { type World, check, made, world } from './kit.js';

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

  constructor(w: World, n: number) {
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
    expect(`${name}: ${at} bytes`).toBe(`${name}: ${want.length} bytes`);
    expect(`${name}: ${want.findIndex((b, i) => got[i] !== b)}`).toBe(`${name}: -1`);
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

/** What remains must be in order, and all memory must have come back. */
async function workTogether(image: Uint8Array, seed: number, memLimitBytes: number, fails: boolean): Promise<void> {
  const w = world(image, { seed, disk: { sync: false, latencyNs: [1000, 3_000_000], record: 'none' }, kernel: { memLimitBytes } });
  const { call } = w.k.newproc({ comm: 'test' });
  const before = w.k.mem.used;
  await w.sim.settle(call.mount('ffs', '/mnt', 0, { fspec: '/disk' }));
  const failing = (rng: Rng): void => {
    if (fails && rng.below(20) === 0) w.disk.fail({ nth: 1 + rng.below(10), times: 1 });
  };
  const work = Array.from({ length: WORKERS }, (_x, n) => new Worker(w, n).run(failing));
  const syncs = (async (): Promise<void> => {
    for (let i = 0; i < 5; i++) await call.sync();
  })();
  await w.sim.settle(Promise.all([...work, syncs]));
  w.disk.mend();
  await w.sim.settle(unmount(call, fails));
  w.sim.runUntilIdle();
  expect(`seed ${seed}: ${check(w.disk.snapshot())}`).toBe(`seed ${seed}: `);
  expect(`seed ${seed}: ${w.k.mem.used} bytes in use`).toBe(`seed ${seed}: ${before} bytes in use`);
  w.k.halt();
}

for (const [name, options, mebibytes] of [['UFS2, fragments of 512 bytes', { blockSize: 4096 }, 1], ['UFS1, fragments of 2 KiB', { version: 1, blockSize: 16384 }, 2]] as const) {
  const image = made(16_384, { ...options, inodes: 1000 });
  test(`processes do not disturb each other on a slow disk, ${name}, with ${mebibytes} MiB of memory`, async () => {
    for (let seed = 1; seed <= 2; seed++) await workTogether(image, seed, mebibytes << 20, false);
  });

  test(`nor where it fails now and then, ${name}`, async () => {
    for (let seed = 11; seed <= 12; seed++) await workTogether(image, seed, mebibytes << 20, true);
  });
}
