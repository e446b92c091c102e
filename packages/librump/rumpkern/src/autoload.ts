/**
 * Autoload: components that the host is asked for by name when somebody needs them, and that go when nobody does any more.
 */
import { isComponent } from '@anykernel/lib-component';
import { Callout } from './callout.js';
import { faultText } from './fault.js';
import type { Kernel } from './kernel.js';
import type { Lwp } from './proc.js';
import { SLEEP } from './sleep.js';
import { KernelStopped } from './stopped.js';
import { NS } from './time.js';

/** A question to the host for a component. */
interface Question {
  answered: boolean;
  /** Lwps that asked and have not heard the answer. */
  readonly waiting: Set<Lwp>;
}

export class Autoloader {
  readonly #k: Kernel;
  /** Names that were asked of the host. */
  readonly #asked = new Map<string, Question>();
  #reaper: Callout | undefined;

  constructor(k: Kernel) {
    this.#k = k;
  }

  /** An autoloaded component that is not used goes after a while. */
  reapLater(): void {
    const { autotime } = this.#k.modctl;
    if (autotime === 0) return;
    this.#reaper ??= new Callout(this.#k, () => this.reap());
    if (!this.#reaper.pending) this.#reaper.schedule(autotime * NS);
  }

  /** Unloads what came by autoload and is not used, with what it alone required. */
  reap(): void {
    const { modctl } = this.#k;
    for (let again = true; again; ) {
      again = false;
      for (const name of modctl.unused()) {
        try {
          modctl.unload(name);
          again = true;
        } catch (e) {
          // Busy, or it would have to wait: another time.
          if (e !== SLEEP) this.#k.ignoreErrno(e);
        }
      }
    }
  }

  /**
   * Makes sure that component `name` is loaded, by asking the host for its package; `l` sleeps until the answer. Returns false where there is none.
   * `auto`: it goes when nobody needs it.
   */
  ask(name: string, l: Lwp, auto = true): boolean {
    const { modules } = this.#k;
    if (modules.has(name)) return true;
    if (!/^[a-z][a-z0-9_]*$/.test(name)) return false;
    const before = this.#asked.get(name);
    if (before?.answered === true && before.waiting.delete(l)) {
      if (before.waiting.size === 0) this.#asked.delete(name);
      return false;
    }
    const question = before?.answered === false ? before : this.#question(name, auto);
    if (modules.has(name)) return true;
    if (question.answered) return false;
    question.waiting.add(l);
    return this.#k.sleep(question);
  }

  /** Asks the host. One that fails has no such component. */
  #question(name: string, auto: boolean): Question {
    const question: Question = { answered: false, waiting: new Set() };
    this.#asked.set(name, question);
    const answer = (found: unknown): void => this.#k.intr(() => this.#answer(question, name, found, auto));
    try {
      this.#k.host.importComponent(name, answer);
    } catch (e) {
      this.#k.printf(`the host cannot import ${name}: ${faultText(e)}`);
      answer(undefined);
    }
    return question;
  }

  #answer(question: Question, name: string, found: unknown, auto: boolean): void {
    const { modules } = this.#k;
    if (question.answered) return;
    question.answered = true;
    if (isComponent(found) && found.name === name) {
      try {
        modules.loadMissing([found], auto);
      } catch (e) {
        if (e instanceof KernelStopped) throw e;
        this.#k.printf(`autoload of ${name} failed: ${faultText(e)}`);
      }
    }
    // Who was interrupted meanwhile does not come back to hear it.
    for (const l of question.waiting) if (l.wchan !== question && l !== l.proc.lwp) question.waiting.delete(l);
    if (modules.has(name) || question.waiting.size === 0) this.#asked.delete(name);
    this.#k.wakeup(question);
  }
}
