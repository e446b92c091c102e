/**
 * What commands have in common: operands, output for people and for programs, complaints, progress, the exit status.
 *
 * Status 0: all went well; 1: something did not, and a line on the error output names it; 2: the command line makes no sense.
 * Names, and lines that have names in them, are byte strings: they come out as the bytes that they are. JSON is text.
 */
import { bytesOf, fromBytestr, toBytestr } from '@anykernel/lib-bytes';
import { type Io, OutputClosed, OutputFailed } from './io.js';
import { PlaceError, UsageError } from './errors.js';
import type { Place } from './place.js';

/** Where operands are looked up. */
export interface Resolver {
  /** `write`: the command changes something there. PlaceError. */
  at(text: string, write: boolean): Place;
  /** Writes back what was changed. */
  close(): void;
}

export class Context {
  /** Something failed. */
  failed = false;
  readonly #rows: unknown[] = [];
  #progressAt = 0;
  #progressShown = false;

  constructor(
    readonly places: Resolver,
    readonly io: Io,
    readonly json: boolean = false,
  ) {}

  /** An operand's place. */
  at(text: string, write = false): Place {
    return this.places.at(text, write);
  }

  /** One result: an object for programs, a line (a byte string) for people. */
  put(row: object, line: string): void {
    if (this.json) this.#rows.push(row);
    else this.io.out(bytesOf(`${line}\n`));
  }

  /** A line for people only: a byte string. */
  say(line: string): void {
    if (!this.json) this.io.out(bytesOf(`${line}\n`));
  }

  /** A failure of one operand; the command goes on with the next. */
  complain(what: string, error: unknown): void {
    if (error instanceof OutputClosed || error instanceof OutputFailed || error instanceof UsageError) throw error;
    this.failed = true;
    this.#clearProgress();
    this.io.err(bytesOf(`rump: ${reasonOf(what, error)}\n`));
  }

  /** Something that is worth knowing, and no failure: a byte string. */
  warn(line: string): void {
    this.#clearProgress();
    this.io.err(bytesOf(`rump: ${line}\n`));
  }

  /** Does something with each operand; a failure is named and the rest goes on. */
  each(operands: readonly string[], write: boolean, fn: (place: Place) => void): void {
    for (const text of operands) {
      try {
        fn(this.at(text, write));
      } catch (e) {
        this.complain(toBytestr(text), e);
      }
    }
  }

  /** Says how far long work is, at most five times a second, where somebody watches. */
  progress(line: () => string): void {
    if (!this.io.watched) return;
    const now = performance.now();
    if (now - this.#progressAt < 200) return;
    this.#progressAt = now;
    this.#progressShown = true;
    this.io.err(bytesOf(toBytestr(`\r\x1b[K${line()}`)));
  }

  #clearProgress(): void {
    if (this.#progressShown) this.io.err(bytesOf('\r\x1b[K'));
    this.#progressShown = false;
  }

  /** Writes back, prints what programs get, and gives the exit status. */
  finish(): number {
    this.#clearProgress();
    try {
      this.places.close();
    } catch (e) {
      this.complain('writing back', e);
    }
    if (this.json) this.io.out(bytesOf(toBytestr(`${JSON.stringify(this.#rows, textOf, 2)}\n`)));
    return this.failed ? 1 : 0;
  }
}

/** Byte strings become text in JSON. */
function textOf(_key: string, value: unknown): unknown {
  return typeof value === 'string' ? fromBytestr(value) : value;
}

/** One line, a byte string, which names the operand (a byte string) and the reason. */
export function reasonOf(what: string, error: unknown): string {
  const e = error as { code?: string; message?: string };
  const message = toBytestr(e.message ?? String(error));
  if (error instanceof PlaceError) return message;
  return `${what}: ${message.replace(/^E[A-Z0-9]+: /, '').replace(/, \w+( '.*')?$/s, '')}`;
}
