/**
 * The console: text out by lines, bytes in from a function of the application.
 */
import { fromBytestr, isBytestr } from '@anykernel/lib-bytes';
import { ERR } from '@anykernel/lib-sys';
import type { EventLoop } from './event-loop.js';

/** The kernel's text is bytes, one to a character; text that has larger characters is text. */
export function textOf(text: string): string {
  return isBytestr(text) ? fromBytestr(text) : text;
}

/** Text by lines, to the platform's console: it shows nothing less. What has no end yet waits for it. */
export function lineWriter(show: (line: string) => void): (text: string) => void {
  let rest = '';
  return (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) show(textOf(line));
  };
}

/** Begins to listen: `give` is called with what is typed. Returns what ends it. */
export type InputSource = (give: (bytes: Uint8Array) => void) => (() => void) | undefined;

export class ConsoleInput {
  readonly #source: InputSource | undefined;
  readonly #loop: EventLoop;
  #listener: ((bytes: Uint8Array) => void) | undefined;
  #stop: (() => void) | undefined;

  constructor(source: InputSource | undefined, loop: EventLoop) {
    this.#source = source;
    this.#loop = loop;
  }

  /** See Rumpuser.consoleInput(). ENXIO. */
  set(fn: ((bytes: Uint8Array) => void) | undefined): void {
    if (fn !== undefined && this.#source === undefined) throw ERR.ENXIO;
    this.#stop?.();
    this.#stop = undefined;
    this.#listener = fn;
    if (fn !== undefined) this.#stop = this.#source?.((bytes) => this.#give(fn, bytes.slice()));
  }

  /** The application may call at any time, also from within the kernel; the kernel hears of it from the event loop. */
  #give(fn: (bytes: Uint8Array) => void, bytes: Uint8Array): void {
    this.#loop.soon(() => {
      if (this.#listener === fn) fn(bytes);
    });
  }
}
