/** A kernel with files in a simulation, and how a call ended. */
import { Sim, type SimHost, type SimHostOptions } from '@anykernel/host-sim';
import type { AnyComponent } from '@anykernel/lib-component';
import { O_CREAT, O_RDONLY, O_WRONLY, parseDirents } from '@anykernel/lib-sys';
import { type Kernel, type KernelOptions, type NewProc, type Proc, type Sys, SystemError, boot } from '@anykernel/rumpkern';
import { type Vfs, rumpvfs } from '@anykernel/rumpvfs';

export interface Box {
  readonly sim: Sim;
  readonly host: SimHost;
  readonly k: Kernel;
  readonly vfs: Vfs;
  /** A process of the superuser. */
  readonly p: Proc;
  readonly s: Sys;
  /** Another process. */
  proc(init?: NewProc): Proc;
}

export function box(components: readonly AnyComponent[] = [], options: KernelOptions = {}, world: SimHostOptions = {}, sim: Sim = new Sim()): Box {
  const host = sim.host(world);
  const k = boot(host, [rumpvfs, ...components], options);
  const p = k.newproc();
  return { sim, host, k, vfs: k.modules.use(rumpvfs), p, s: p.sys, proc: (init) => k.newproc(init) };
}

/** The code with which `fn` fails, the name of another error, or 'ok'. */
export function codeOf(fn: () => unknown): string {
  try {
    fn();
    return 'ok';
  } catch (e) {
    return codeIn(e);
  }
}

export function codeIn(e: unknown): string {
  if (e instanceof SystemError) return e.name === 'WouldSleep' ? 'WouldSleep' : e.code;
  return e instanceof Error ? `${e.name}: ${e.message}` : String((e as { code?: unknown }).code ?? e);
}

/** How a parked call ended. */
export function outcome(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => value,
    (e: unknown) => codeIn(e),
  );
}

/** What a parked call is now: its outcome, or 'waits'. */
export async function now(promise: Promise<unknown>): Promise<unknown> {
  let is: unknown = 'waits';
  void outcome(promise).then((end) => {
    is = end;
  });
  await new Promise((resolve) => setImmediate(resolve));
  return is;
}

export function bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (c) => c.charCodeAt(0));
}

export function text(data: Uint8Array, len: number = data.length): string {
  return String.fromCharCode(...data.subarray(0, len));
}

export function put(s: Sys, path: string, content = '', mode = 0o644): void {
  const fd = s.open(path, O_WRONLY | O_CREAT, mode);
  s.write(fd, bytes(content));
  s.close(fd);
}

export function get(s: Sys, path: string): string {
  const fd = s.open(path, O_RDONLY);
  const buf = new Uint8Array(65536);
  const len = s.read(fd, buf);
  s.close(fd);
  return text(buf, len);
}

/** The names in a directory, without `.` and `..`, sorted. */
export function ls(s: Sys, path: string): string[] {
  const fd = s.open(path, O_RDONLY);
  const names: string[] = [];
  const buf = new Uint8Array(512);
  for (let len = s.getdents(fd, buf); len > 0; len = s.getdents(fd, buf)) names.push(...parseDirents(buf, len).map((e) => e.name));
  s.close(fd);
  return names.filter((name) => name !== '.' && name !== '..').sort();
}

export function cwd(s: Sys): string {
  const buf = new Uint8Array(1024);
  return text(buf, s.getcwd(buf) - 1);
}

/** Seeded numbers for a test: 0 <= n < below. */
export function random(seed: number): (below: number) => number {
  let state = seed >>> 0 || 1;
  const imul = Math.imul;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (imul(state, 0x9e3779b1) >>> 0) % below;
  };
}

/** Whether two arrays hold the same bytes: quicker than toEqual for long ones. */
export function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
