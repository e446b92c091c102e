/**
 * A suite for whoever establishes system calls: whatever a caller gives, he alone hears of it. Every call of a table gets every wrong value in every
 * place, and nothing but an error of a system call may come of it.
 */
import { type ArgKind, type SyscallTable, syscallSpec } from '@anykernel/lib-sys';
import { NASTIES } from './nasty.js';

export { NASTIES, type Nasty } from './nasty.js';

type Method = (...args: unknown[]) => unknown;

/** A kernel with a process that can be done without. */
export interface Victim {
  readonly k: { readonly stopped: string | undefined; readonly calltable: { names(): readonly string[] }; halt(): void };
  readonly p: { readonly pid: number; readonly sys: { getpid(): number }; readonly call: object };
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

/** Calls everything that is established, by `p.sys`. Returns what was wrong: nothing, or a line for each. */
export function annoy(annoyance: Annoyance): string[] {
  const complaints: string[] = [];
  eachWrong(annoyance, (victim, name, what, args) => {
    try {
      (victim.p.sys as unknown as Record<string, Method>)[name](...args);
    } catch (e) {
      if (!annoyance.isError(e)) complaints.push(`${name}(${what}) throws ${shown(e)}`);
    }
    if (victim.k.stopped === undefined && victim.p.sys.getpid() !== victim.p.pid)
      complaints.push(`${name}(${what}) leaves the process in disorder`);
  });
  return complaints;
}

/** The same by `p.call`. What sleeps when all are made ends with a halt. */
export async function annoyParked(annoyance: Annoyance): Promise<string[]> {
  const complaints: string[] = [];
  const calls: Promise<unknown>[] = [];
  const victims = new Set<Victim>();
  eachWrong(annoyance, (victim, name, what, args) => {
    victims.add(victim);
    const fail = (e: unknown): void => {
      if (!annoyance.isError(e)) complaints.push(`await ${name}(${what}) throws ${shown(e)}`);
    };
    calls.push((victim.p.call as Record<string, (...args: readonly unknown[]) => Promise<unknown>>)[name](...args).then(() => {}, fail));
  });
  for (const { k } of victims) if (k.stopped === undefined) k.halt();
  await Promise.all(calls);
  return complaints;
}

function shown(e: unknown): string {
  return e instanceof Error ? `${e.name}: ${e.message}` : typeof e;
}

type Wrong = (victim: Victim, name: string, what: string, args: readonly unknown[]) => void;

function eachWrong({ table, victim: make, good, skip }: Annoyance, call: Wrong): void {
  let victim = make();
  const established = new Set(victim.k.calltable.names());
  const once = (name: string, what: string, args: readonly unknown[]): void => {
    call(victim, name, what, args);
    if (victim.k.stopped !== undefined) victim = make();
  };
  for (const [name, text] of Object.entries(table)) {
    const spec = syscallSpec(text);
    if (!established.has(name) || skip?.includes(name) === true) continue;
    for (const nasty of NASTIES) {
      const wrong = (): unknown => nasty.make(() => victim.p.sys.getpid());
      spec.args.forEach((_kind, place) => {
        const args = spec.args.map((kind, i) => (i === place ? wrong() : good(kind, victim)));
        once(name, `${nasty.name} at ${place}`, args);
      });
      once(name, `${nasty.name} everywhere`, spec.args.map(wrong));
    }
    once(name, 'nothing', []);
  }
}
