/**
 * The host's own file system as a subject: an oracle, by which the suite's expectations are themselves seen to be true. Linux, superuser, perl.
 */
import { mkdirSync, rmSync } from 'node:fs';
import type { Actor, Limits, Subject, SuiteSys } from '../subject.js';
import { HostSys } from './sys.js';
import { HostCalls } from './syscall.js';

export interface HostSubjectOptions {
  readonly limits?: Partial<Limits>;
  /** Mounts `dir` anew; nothing has files open in it. */
  remount?(readonly: boolean): void;
  dispose?(): void;
}

const USUAL: Limits = { nameMax: 255, maxFileSize: 2 ** 43, timeGranularityNs: 1, linkMax: 32_000, symlinkMax: 4095 };

/** Linux stamps times by its timer, which ticks at least a hundred times a second. */
const TICK_MS = 15;

/** `dir` is an absolute path; it is made if it is not there, and should be the root of a file system of its own. */
export function hostSubject(dir: string, options: HostSubjectOptions = {}): Subject {
  mkdirSync(dir, { recursive: true });
  const procs: HostSys[] = [];
  const calls = new HostCalls();
  const remount = options.remount;
  return {
    dir,
    manners: 'linux',
    limits: { ...USUAL, ...options.limits },
    process(actor: Actor): SuiteSys {
      const sys = new HostSys(actor, dir, calls);
      procs.push(sys);
      return sys;
    },
    reap(): void {
      for (const sys of procs.splice(0)) sys.exit();
    },
    erase(path: string): void {
      rmSync(path, { recursive: true });
    },
    tick(): void {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, TICK_MS);
    },
    ...(remount && {
      remount(readonly: boolean): void {
        for (const sys of procs) sys.chdir('/');
        remount(readonly);
      },
    }),
    dispose(): void {
      for (const sys of procs.splice(0)) sys.exit();
      calls.end();
      options.dispose?.();
    },
  };
}
