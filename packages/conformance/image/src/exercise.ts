/**
 * What is done with an image: mount, walk everything, read everything, write where it can be, unmount, halt. An errno is an answer; anything else, and
 * memory that is not given back, is thrown.
 */
import { Random, soon } from '@anykernel/conformance-fuzz';
import { MNT_RDONLY, O_CREAT, O_RDWR, S_IFMT, parseDirents } from '@anykernel/lib-sys';
import type { Sys } from '@anykernel/rumpkern';
import type { Machine } from './machine.js';

export interface ExerciseOptions {
  /** Files that are looked at, bytes that are read of each, and directories below each other. */
  readonly files?: number;
  readonly bytes?: number;
  readonly depth?: number;
  /** Milliseconds of the processor that all of it may take. */
  readonly limitMs?: number;
}

const DIR = '/image';

/** Returns whether the image could be mounted. The kernel is halted. */
export function exercise(m: Machine, seed: number, options: ExerciseOptions = {}): boolean {
  return soon(options.limitMs ?? 20_000, () => exercised(m, seed, options));
}

function exercised(m: Machine, seed: number, options: ExerciseOptions): boolean {
  const { k } = m;
  const { sys } = k.newproc({ comm: 'exercise' });
  sys.mkdir(DIR, 0o755);
  const mounted = tried(() => mount(m, sys)) !== undefined;
  if (mounted) new Visit(m, sys, seed, options).all();
  if (k.stopped !== undefined) throw new Error(k.stopped);
  k.halt();
  if (m.allocated() > 0) throw new Error(`${m.allocated()} bytes are not given back`);
  return mounted;
}

/** For writing, or where that is refused, read-only. */
function mount(m: Machine, sys: Sys): true {
  if (m.writable && tried(() => sys.mount(m.type, DIR, 0, m.args) ?? true) !== undefined) return true;
  sys.mount(m.type, DIR, MNT_RDONLY, m.args);
  return true;
}

/** Runs a call; undefined: it gave an errno. */
function tried<T>(fn: () => T): T | undefined {
  try {
    return fn();
  } catch (e) {
    const { code, name } = e as { code?: unknown; name?: string };
    if (typeof code !== 'string' || !/^E[A-Z0-9]+$/.test(code) || name === 'WouldSleep') throw e;
    return undefined;
  }
}

class Visit {
  readonly #m: Machine;
  readonly #sys: Sys;
  readonly #random: Random;
  readonly #files: number;
  readonly #bytes: number;
  readonly #depth: number;
  #seen = 0;
  /** Paths that were found: what is done to them is drawn from these. */
  #found: string[] = [];
  #dirs: string[] = [];

  constructor(m: Machine, sys: Sys, seed: number, o: ExerciseOptions) {
    this.#m = m;
    this.#sys = sys;
    this.#random = new Random(seed);
    this.#files = o.files ?? 200;
    this.#bytes = o.bytes ?? 200_000;
    this.#depth = o.depth ?? 12;
  }

  all(): void {
    this.#round();
    if (this.#m.writable) {
      for (let i = 0; i < 14; i++) this.#change(i);
      tried(() => this.#sys.sync());
      this.#round();
    }
    tried(() => this.#sys.statvfs1(DIR, 1));
    this.#sys.chdir('/');
    tried(() => this.#sys.unmount(DIR, 0));
  }

  #round(): void {
    this.#seen = 0;
    this.#found = [];
    this.#dirs = [DIR];
    this.#walk(DIR, 0);
  }

  #walk(dir: string, depth: number): void {
    const sys = this.#sys;
    const fd = tried(() => sys.open(bytesOf(dir), 0));
    if (fd === undefined) return;
    const buf = new Uint8Array(4096);
    while (this.#seen < this.#files) {
      const n = tried(() => sys.getdents(fd, buf)) ?? 0;
      if (n === 0) break;
      for (const e of parseDirents(buf.slice(), n)) {
        if (e.name === '.' || e.name === '..' || this.#seen++ >= this.#files) continue;
        this.#see(`${dir}/${e.name}`, depth);
      }
    }
    tried(() => sys.lseek(fd, this.#random.below(100_000), 0));
    tried(() => sys.getdents(fd, buf));
    tried(() => sys.stat(bytesOf(`${dir}/..`)));
    tried(() => sys.stat(bytesOf(`${dir}/not there`)));
    sys.close(fd);
  }

  #see(path: string, depth: number): void {
    const sys = this.#sys;
    const at = bytesOf(path);
    const st = tried(() => sys.lstat(at));
    if (st === undefined) return;
    const type = st.mode & S_IFMT;
    const { size } = st;
    this.#found.push(path);
    tried(() => sys.readlink(at, new Uint8Array(2000)));
    const len = tried(() => sys.llistxattr(at));
    if (len !== undefined && len > 0) tried(() => sys.llistxattr(at, new Uint8Array(len)));
    tried(() => sys.lgetxattr(at, 'user.x', new Uint8Array(4096)));
    tried(() => sys.getfh(at));
    if (type === 0o040000) {
      this.#dirs.push(path);
      if (depth < this.#depth) this.#walk(path, depth + 1);
    } else if (type === 0o100000) this.#read(at, size);
  }

  #read(path: Uint8Array, size: number): void {
    const sys = this.#sys;
    const fd = tried(() => sys.open(path, 0));
    if (fd === undefined) return;
    const buf = new Uint8Array(16_384);
    for (let off = 0; off < this.#bytes && (tried(() => sys.pread(fd, buf, off)) ?? 0) > 0; ) off += buf.length;
    tried(() => sys.pread(fd, buf, Math.max(0, size - 1000)));
    tried(() => sys.pread(fd, buf, Math.floor(size / 2)));
    sys.close(fd);
  }

  /** One change, to what was found or anew. */
  #change(i: number): void {
    const sys = this.#sys;
    const random = this.#random;
    const old = bytesOf(this.#found.length === 0 ? `${DIR}/none` : random.pick(this.#found));
    const name = `${random.pick(this.#dirs)}/New ${'n'.repeat(random.below(80))}${i}`;
    const fresh = bytesOf(name);
    switch (random.below(9)) {
      case 0:
        this.#write(fresh, O_CREAT, random.below(300_000), 5000);
        break;
      case 1:
        tried(() => sys.unlink(old));
        break;
      case 2:
        tried(() => sys.truncate(old, random.below(40_000)));
        break;
      case 3:
        if (tried(() => sys.mkdir(fresh, 0o755)) === undefined) break;
        this.#dirs.push(name);
        break;
      case 4:
        tried(() => sys.rename(old, fresh));
        break;
      case 5:
        tried(() => sys.rename(old, bytesOf(this.#found.length === 0 ? name : random.pick(this.#found))));
        break;
      case 6:
        tried(() => sys.symlink('s'.repeat(1 + random.below(200)), fresh));
        tried(() => sys.link(old, bytesOf(`${name}l`)));
        tried(() => sys.setxattr(old, 'user.y', new Uint8Array(random.below(600)), 0));
        break;
      case 7:
        tried(() => sys.rmdir(old));
        tried(() => sys.chmod(old, random.below(0o1000)));
        break;
      default:
        this.#write(old, 0, random.below(100_000), 3000);
    }
  }

  #write(path: Uint8Array, flags: number, off: number, len: number): void {
    const sys = this.#sys;
    const fd = tried(() => sys.open(path, O_RDWR | flags, 0o644));
    if (fd === undefined) return;
    tried(() => sys.pwrite(fd, new Uint8Array(len).fill(0x5a), off));
    tried(() => sys.fdiscard(fd, off >> 1, len));
    if (this.#random.below(3) === 0) tried(() => sys.fsync(fd));
    sys.close(fd);
  }
}

/** Paths are byte strings: names that were found are no text. */
function bytesOf(path: string): Uint8Array {
  return Uint8Array.from(path, (c) => c.charCodeAt(0));
}
