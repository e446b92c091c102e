/**
 * Signals, as far as a kernel without user code has them: they are recorded, told to a hook, and interrupt a sleep.
 *
 * What happens to a signal is the kernel's model, as rump_boot_setsigmodel() has it: 'record' keeps it pending and interrupts one sleeping call of
 * the process, 'ignore' drops it, 'raise' hands it to the program around the kernel, 'panic' ends the kernel. A process with a hook
 * (`onSignal`) gets its signals there, in every model. A signal interrupts once: a call that sleeps now, or else the next one that would.
 */
import { ERR, NSIG, SIGKILL, SIGPIPE, SIGSTOP, SIGSYS, SIG_BLOCK, SIG_SETMASK, SIG_UNBLOCK, signalName } from '@anykernel/lib-sys';
import type { Lwp, Proc } from './proc.js';

export type Sigmodel = 'record' | 'ignore' | 'raise' | 'panic';

/** A set of signals 1..63, as two words of bits. */
class Sigset {
  lo = 0;
  hi = 0;

  has(signo: number): boolean {
    return signo < 32 ? ((this.lo >>> signo) & 1) === 1 : ((this.hi >>> (signo - 32)) & 1) === 1;
  }

  add(signo: number): void {
    if (signo < 32) this.lo |= 1 << signo;
    else this.hi |= 1 << (signo - 32);
  }

  delete(signo: number): void {
    if (signo < 32) this.lo &= ~(1 << signo);
    else this.hi &= ~(1 << (signo - 32));
  }

  get empty(): boolean {
    return (this.lo | this.hi) === 0;
  }

  set(from: Sigset): void {
    this.lo = from.lo;
    this.hi = from.hi;
  }

  list(): number[] {
    const all: number[] = [];
    for (let signo = 1; signo < NSIG; signo++) if (this.has(signo)) all.push(signo);
    return all;
  }
}

/** The signals of a process. */
export class SignalState {
  readonly #p: Proc;
  readonly #pending = new Sigset();
  readonly #mask = new Sigset();
  readonly #ignored = new Sigset();
  /** Told of each signal that is delivered, from within the call that raised it. */
  onSignal: ((signo: number) => void) | undefined = undefined;

  constructor(p: Proc) {
    this.#p = p;
  }

  /** Signals that came and were not taken. */
  get pending(): number[] {
    return this.#pending.list();
  }

  /** Signals held back. */
  get mask(): number[] {
    return this.#mask.list();
  }

  /** Whether there is a signal to take. */
  get deliverable(): boolean {
    return ((this.#pending.lo & ~this.#mask.lo) | (this.#pending.hi & ~this.#mask.hi)) !== 0;
  }

  /** The first pending signal that is not masked, taken; undefined: there is none. */
  take(): number | undefined {
    if (!this.deliverable) return undefined;
    for (let signo = 1; signo < NSIG; signo++) {
      if (!this.#pending.has(signo) || this.#mask.has(signo)) continue;
      this.#pending.delete(signo);
      if (!this.deliverable) this.#p.interrupts = false;
      return signo;
    }
    return undefined;
  }

  /** Changes the mask, as sigprocmask(2); returns what it was. SIGKILL and SIGSTOP are never held back. EINVAL. */
  procmask(how: number, signos: readonly number[]): number[] {
    if (how !== SIG_BLOCK && how !== SIG_UNBLOCK && how !== SIG_SETMASK) throw ERR.EINVAL;
    const before = this.#mask.list();
    const change = sigsetOf(signos);
    if (how === SIG_SETMASK) this.#mask.set(change);
    else for (const signo of change.list()) how === SIG_BLOCK ? this.#mask.add(signo) : this.#mask.delete(signo);
    this.#mask.delete(SIGKILL);
    this.#mask.delete(SIGSTOP);
    for (let signo = this.#told(); signo !== undefined; signo = this.#told()) this.tell(signo);
    return before;
  }

  /** The next one for the hook. */
  #told(): number | undefined {
    return this.onSignal === undefined ? undefined : this.take();
  }

  /** Tells the hook, if there is one. */
  tell(signo: number): void {
    const hook = this.onSignal;
    if (hook !== undefined) this.#p.k.hook('signal hook', () => hook(signo));
  }

  /** Whether a signal is dropped when it comes. EINVAL: SIGKILL and SIGSTOP cannot be. */
  ignore(signo: number, on = true): void {
    check(signo);
    if (on && (signo === SIGKILL || signo === SIGSTOP)) throw ERR.EINVAL;
    this.#ignored.delete(signo);
    if (!on) return;
    this.#ignored.add(signo);
    this.#pending.delete(signo);
  }

  /** Records `signo`. Returns whether it is to be delivered now. */
  post(signo: number): boolean {
    if (this.#ignored.has(signo)) return false;
    if (this.onSignal === undefined || this.#mask.has(signo)) this.#pending.add(signo);
    return !this.#mask.has(signo);
  }

  /** A child has its parent's mask and ignored signals, and none pending. */
  inherit(from: SignalState): void {
    if (from.#mask.empty && from.#ignored.empty) return;
    this.#mask.set(from.#mask);
    this.#ignored.set(from.#ignored);
  }
}

function check(signo: number): void {
  if (!Number.isInteger(signo) || signo < 1 || signo >= NSIG) throw ERR.EINVAL;
}

function sigsetOf(signos: readonly number[]): Sigset {
  const set = new Sigset();
  for (const signo of signos) {
    check(signo);
    set.add(signo);
  }
  return set;
}

/** A signal for process `p`. EINVAL: it is none. */
export function psignal(p: Proc, signo: number): void {
  check(signo);
  if (!deliver(p, signo)) return;
  for (const l of p.lwps) {
    if (!l.parked) continue;
    l.interrupted = true;
    p.k.sleepq.unsleep(l);
    return;
  }
  p.interrupts = true;
}

/** A signal of the lwp's own doing: it is recorded and told, and interrupts nothing. */
function raise(l: Lwp, signo: number): void {
  deliver(l.proc, signo);
}

/** Does what the model says. Returns whether a sleep is to be interrupted. */
function deliver(p: Proc, signo: number): boolean {
  if (p.exited) return false;
  const k = p.k;
  if (p.sig.onSignal === undefined && k.sigmodel !== 'record') {
    if (k.sigmodel === 'raise') k.host.kill(signo);
    if (k.sigmodel === 'panic' && signo !== SIGSYS && signo !== SIGPIPE) k.panic(`signal ${signalName(signo) ?? signo} for process ${p.pid}`);
    return false;
  }
  if (!p.sig.post(signo)) return false;
  p.sig.tell(signo);
  return true;
}

/** What a kernel with signals has for it. */
export interface Signals {
  of(p: Proc): SignalState;
  raise(l: Lwp, signo: number): void;
}

export const signals: Signals = { of: (p) => new SignalState(p), raise };
