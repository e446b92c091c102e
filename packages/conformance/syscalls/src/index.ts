/**
 * A suite for whoever establishes system calls: whatever a caller gives, he alone hears of it. Every call of a table gets every wrong value in every
 * place, and nothing but an error of a system call may come of it.
 */
import type { ArgKind, SyscallTable } from '@anykernel/lib-sys';
import { NASTIES } from './nasty.js';

export { NASTIES, type Nasty } from './nasty.js';

type Method = (...args: unknown[]) => unknown;

/** A kernel with a process that can be done without. */
export interface Victim {
  readonly k: { readonly stopped: string | undefined; readonly syscalls: { names(): readonly string[] } };
  readonly p: { readonly pid: number; readonly sys: { getpid(): number } };
}

export interface Annoyance {
  readonly table: SyscallTable;
  /** A new one, after the kernel before has stopped. */
  victim(): Victim;
  /** An argument that fits. */
  good(kind: ArgKind, victim: Victim): unknown;
  /** Whether an exception is that of a failed system call. */
  isError(e: unknown): boolean;
  /** Calls that are left out: those that end the kernel by right. */
  readonly skip?: readonly string[];
}

/** Calls everything that is established. Returns what was wrong: nothing, or a line for each. */
export function annoy(annoyance: Annoyance): string[] {
  const complaints: string[] = [];
  const { table, good } = annoyance;
  let victim = annoyance.victim();
  const established = new Set(victim.k.syscalls.names());

  const once = (name: string, what: string, args: readonly unknown[]): void => {
    const { k, p } = victim;
    try {
      (p.sys as unknown as Record<string, Method>)[name](...args);
    } catch (e) {
      if (!annoyance.isError(e)) complaints.push(`${name}(${what}) throws ${e instanceof Error ? `${e.name}: ${e.message}` : typeof e}`);
    }
    if (k.stopped !== undefined) victim = annoyance.victim();
    else if (p.sys.getpid() !== p.pid) complaints.push(`${name}(${what}) leaves the process in disorder`);
  };

  for (const [name, spec] of Object.entries(table)) {
    if (!established.has(name) || annoyance.skip?.includes(name) === true) continue;
    for (const nasty of NASTIES) {
      const make = (): unknown => nasty.make(() => victim.p.sys.getpid());
      spec.args.forEach((_kind, place) => {
        const args = spec.args.map((kind, i) => (i === place ? make() : good(kind, victim)));
        once(name, `${nasty.name} at ${place}`, args);
      });
      once(name, `${nasty.name} everywhere`, spec.args.map(make));
    }
    once(name, 'nothing', []);
  }
  return complaints;
}
