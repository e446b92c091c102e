/**
 * The console: text out by lines, bytes in from a function of the application.
 */
import { bytesOf, isBytestr, toBytestr } from '@anykernel/lib-bytes';
import { ERR } from '@anykernel/lib-sys';
import type { EventLoop } from './event-loop.js';

/** Gives `show` as text what the kernel writes: bytes of UTF-8, one to a character and cut anywhere, or text that has larger characters. */
export function textWriter(show: (text: string) => void): (text: string) => void {
  const decoder = new TextDecoder();
  return (text) => show(decoder.decode(bytesOf(isBytestr(text) ? text : toBytestr(text)), { stream: true }));
}

/** The same by lines, as the platform's console shows nothing less. What has no end yet waits for it. */
export function lineWriter(show: (line: string) => void): (text: string) => void {
  let rest = '';
  return textWriter((text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) show(line);
  });
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
