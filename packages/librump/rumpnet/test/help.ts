/** A kernel in a simulation, mbufs of it, and how a call ended. */
import { type SimHost, type SimHostOptions, hostSim } from '@anykernel/host-sim';
import type { AnyComponent } from '@anykernel/lib-component';
import { Errno } from '@anykernel/lib-sys';
import { type Kernel, type KernelOptions, type Proc, SystemError, boot } from '@anykernel/rumpkern';

export interface Box {
  readonly host: SimHost;
  readonly k: Kernel;
  /** A process of the superuser. */
  readonly p: Proc;
}

export function box(components: readonly AnyComponent[] = [], options: KernelOptions = {}, world: SimHostOptions = {}): Box {
  const host = hostSim(world);
  const k = boot(host, components, options);
  return { host, k, p: k.newproc() };
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
  if (e instanceof Errno) return e.code;
  return e instanceof Error ? `${e.name}: ${e.message}` : String(e);
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

/** `len` bytes that differ from their neighbours, and from those of another `salt`. */
export function pattern(len: number, salt = 0): Uint8Array {
  return Uint8Array.from({ length: len }, (_, i) => (i * 7 + (i >> 8) * 13 + salt) & 255);
}

/** Seeded numbers: 0 <= n < below. */
export function random(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 4_294_967_296) * below);
  };
}
