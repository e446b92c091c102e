/**
 * Opens an image with every driver, and its partitions too: mounted for reading, all walked through, all read, unmounted. An errno is an answer; anything else, and
 * memory that is not given back, is thrown.
 */
import { createHash } from 'node:crypto';
import { cd9660 } from '@anykernel/cd9660';
import { exercise } from '@anykernel/conformance-image';
import { disk } from '@anykernel/disk';
import { ext2fs } from '@anykernel/ext2fs';
import { ffs } from '@anykernel/ffs';
import { Sim, type SimHost } from '@anykernel/host-sim';
import type { AnyComponent } from '@anykernel/lib-component';
import { MNT_RDONLY, S_ISDIR, S_ISREG, parseDirents } from '@anykernel/lib-sys';
import { msdosfs } from '@anykernel/msdosfs';
import { type Kernel, type Sys, boot } from '@anykernel/rumpkern';
import { etfsRegister, rumpvfs } from '@anykernel/rumpvfs';

export interface Contents {
  /** `ext2fs`, `dk0 msdosfs`. */
  readonly as: string;
  readonly files: number;
  readonly bytes: number;
  /** Files and directories that cannot be read, or not whole. */
  readonly errors: number;
  /** What is in each file that has bytes and can be read, by its hash. */
  readonly hashes: readonly string[];
}

const DRIVERS: readonly AnyComponent[] = [ext2fs, ffs, msdosfs, cd9660];
/** For the changes, on a machine that has much else to do. */
const CHANGE_MS = 200_000;
const MEMORY_MAX = 64 << 20;
const FILES_MAX = 20_000;
const DEPTH_MAX = 64;
/** Of a longer file its beginning and its end are read. */
const FILE_BYTES_MAX = 8 << 20;
const BYTES_MAX = 512 << 20;

interface Machine {
  readonly host: SimHost;
  readonly k: Kernel;
  readonly sys: Sys;
}

function machine(bytes: Uint8Array, components: readonly AnyComponent[]): Machine {
  const sim = new Sim({ seed: 1 });
  const host = sim.host();
  sim.disk('disk', { bytes, record: 'none' });
  const k = boot(host, components, { memLimitBytes: MEMORY_MAX });
  k.run(() => etfsRegister(k.modules.use(rumpvfs), '/disk', 'disk', 'blk'));
  return { host, k, sys: k.newproc({ comm: 'corpora' }).sys };
}

function end({ host, k }: Machine): void {
  if (k.stopped !== undefined) throw new Error(k.stopped);
  k.halt();
  if (host.allocated > 0) throw new Error(`${host.allocated} bytes are not given back`);
}

/** What each driver that takes the image, or a partition of it, finds there. */
export function openAll(bytes: Uint8Array): Contents[] {
  const found: Contents[] = [];
  const m = machine(bytes, [...DRIVERS, disk]);
  m.sys.mkdir('/mnt', 0o755);
  const parts = m.sys.open('/dev', 0);
  const wedges = entries(m.sys, parts).filter((name) => /^dk\d+$/.test(name));
  m.sys.close(parts);
  for (const device of ['/disk', ...wedges.map((name) => `/dev/${name}`)]) {
    for (const { name } of DRIVERS) {
      if (tried(() => m.sys.mount(name, '/mnt', MNT_RDONLY, { fspec: device }) ?? true) === undefined) continue;
      found.push(new Reading(m.sys).all(device === '/disk' ? name : `${device.slice(5)} ${name}`));
      m.sys.unmount('/mnt', 0);
    }
  }
  end(m);
  return found;
}

/** What one driver finds; undefined: it does not take the image. */
export function open(bytes: Uint8Array, driver: AnyComponent): Contents | undefined {
  const m = machine(bytes, [driver]);
  m.sys.mkdir('/mnt', 0o755);
  const mounted = tried(() => m.sys.mount(driver.name, '/mnt', MNT_RDONLY, { fspec: '/disk' }) ?? true) !== undefined;
  const found = mounted ? new Reading(m.sys).all(driver.name) : undefined;
  if (mounted) m.sys.unmount('/mnt', 0);
  end(m);
  return found;
}

/** Mounts it for writing where it can be, and writes. */
export function change(bytes: Uint8Array, type: string): void {
  const driver = DRIVERS.find((d) => d.name === type);
  if (driver === undefined) return;
  const { host, k } = machine(bytes, [driver]);
  exercise({ k, type, args: { fspec: '/disk' }, writable: type !== 'cd9660', allocated: () => host.allocated }, 1, { limitMs: CHANGE_MS });
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

/** The names in an open directory. */
function entries(sys: Sys, fd: number): string[] {
  const names: string[] = [];
  const buf = new Uint8Array(8192);
  for (let n = sys.getdents(fd, buf); n > 0 && names.length < FILES_MAX; n = sys.getdents(fd, buf)) {
    for (const e of parseDirents(buf, n)) if (e.name !== '.' && e.name !== '..') names.push(e.name);
  }
  return names;
}

class Reading {
  readonly #sys: Sys;
  readonly #hashes: string[] = [];
  #files = 0;
  #bytes = 0;
  #errors = 0;

  constructor(sys: Sys) {
    this.#sys = sys;
  }

  all(as: string): Contents {
    this.#walk('/mnt', 0);
    return { as, files: this.#files, bytes: this.#bytes, errors: this.#errors, hashes: this.#hashes };
  }

  #walk(dir: string, depth: number): void {
    const sys = this.#sys;
    const names = tried(() => {
      const fd = sys.open(pathOf(dir), 0);
      try {
        return entries(sys, fd);
      } finally {
        sys.close(fd);
      }
    });
    if (names === undefined) this.#errors++;
    for (const name of names ?? []) {
      if (this.#files++ >= FILES_MAX) return;
      this.#see(`${dir}/${name}`, depth);
    }
  }

  #see(path: string, depth: number): void {
    const sys = this.#sys;
    const at = pathOf(path);
    const st = tried(() => sys.lstat(at));
    if (st === undefined) this.#errors++;
    else if (S_ISDIR(st.mode)) {
      if (depth < DEPTH_MAX) this.#walk(path, depth + 1);
    } else if (S_ISREG(st.mode)) this.#read(at, st.size);
    else tried(() => sys.readlink(at, new Uint8Array(4096)));
    tried(() => sys.llistxattr(at, new Uint8Array(65_536)));
  }

  #read(path: Uint8Array, size: number): void {
    const sys = this.#sys;
    const hash = createHash('sha1').update(String(size));
    const buf = new Uint8Array(Math.max(1, Math.min(size, 65_536)));
    const whole = tried(() => {
      const fd = sys.open(path, 0);
      try {
        for (let off = 0; off < size; ) {
          const n = sys.pread(fd, buf, off);
          if (n === 0) return false;
          hash.update(buf.subarray(0, n));
          off += n;
          this.#bytes += n;
          if (this.#bytes > BYTES_MAX) return true;
          if (off >= FILE_BYTES_MAX && off < size - buf.length) off = size - buf.length;
        }
        return true;
      } finally {
        sys.close(fd);
      }
    });
    if (whole !== true) this.#errors++;
    else if (size > 0) this.#hashes.push(hash.digest('base64').slice(0, 12));
  }
}

/** Paths are byte strings: names that were found are no text. */
function pathOf(path: string): Uint8Array {
  return Uint8Array.from(path, (c) => c.charCodeAt(0));
}
