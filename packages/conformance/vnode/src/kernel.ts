/** A subject in a kernel: a file system that is mounted on a directory, or the root file system itself. */
import { MNT_RDONLY, type MountArgs } from '@anykernel/lib-sys';
import type { Kernel, Proc, Sys } from '@anykernel/rumpkern';
import type { Actor, Limits, Subject, SuiteSys } from './subject.js';

export interface KernelSubjectOptions {
  /** What is mounted; left out, the root file system is what is tested. */
  readonly type?: string;
  readonly args?: MountArgs;
  /** MNT_LOG and the like. */
  readonly flags?: number;
  /** Where; /conformance otherwise. Made if it is not there. */
  readonly dir?: string;
  /** Where they differ from the usual ones: names of 255 bytes, files up to 2^52 bytes, nanoseconds, 32767 links, targets of 1023 bytes. */
  readonly limits?: Partial<Limits>;
  /** Lets time pass by so many nanoseconds: the simulator's advance(). */
  advance(ns: number): void;
}

const USUAL: Limits = { nameMax: 255, maxFileSize: 2 ** 52, timeGranularityNs: 1, linkMax: 32_767, symlinkMax: 1023 };

/** The kernel belongs to the subject, and is halted with it. */
export function kernelSubject(k: Kernel, options: KernelSubjectOptions): Subject {
  const { type, args = {}, flags = 0, dir = '/conformance' } = options;
  const limits: Limits = { ...USUAL, ...options.limits };
  const root: Sys = k.newproc({ comm: 'conformance' }).sys;
  root.mkdir(dir, 0o755);
  if (type !== undefined) root.mount(type, dir, flags, args);
  root.chmod(dir, 0o755);
  const procs: Proc[] = [];
  return {
    dir,
    manners: 'netbsd',
    limits,
    process(actor: Actor): SuiteSys {
      const p = k.newproc({ ...actor, comm: `uid ${actor.uid}` });
      procs.push(p);
      p.sys.chdir(dir);
      return p.sys;
    },
    reap(): void {
      k.run(() => {
        for (const p of procs.splice(0)) k.procs.exit(p);
      });
    },
    squeeze(): void {
      k.sysctl.set('kern.maxvnodes', 1);
    },
    tick(): void {
      options.advance(Math.max(limits.timeGranularityNs, 1_000_000) * 2);
    },
    remount(readonly: boolean): void {
      for (const p of procs) p.sys.chdir('/');
      root.unmount(dir, 0);
      root.mount(type ?? '', dir, readonly ? MNT_RDONLY : flags, args);
    },
    dispose(): void {
      k.halt();
    },
  };
}
