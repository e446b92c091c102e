/**
 * The console's input: bytes from a stream.
 *
 * It neither keeps the program alive nor touches the terminal's mode. It flows only while somebody listens, and what the stream did before
 * (paused, or flowing to others) is as it was when he stops.
 */
import { ERR } from '@anykernel/lib-sys';

type Listener = (chunk: Uint8Array | string) => void;

export class ConsoleInput {
  readonly #given: NodeJS.ReadableStream | false | undefined;
  #listener: Listener | undefined;
  #wasPaused = true;

  constructor(input: NodeJS.ReadableStream | false | undefined) {
    this.#given = input;
  }

  /** See Rumpuser.consoleInput(). ENXIO. */
  set(fn: ((bytes: Uint8Array) => void) | undefined): void {
    // Merely to name process.stdin opens it.
    if (fn === undefined && this.#listener === undefined) return;
    const input = this.#given ?? process.stdin;
    if (input === false) throw ERR.ENXIO;
    this.#stop(input);
    if (fn === undefined) return;
    const listener: Listener = (chunk) => fn(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
    this.#listener = listener;
    this.#wasPaused = input.isPaused() || input.listenerCount('data') === 0;
    input.on('data', listener);
    input.resume();
    hold(input, false);
  }

  #stop(input: NodeJS.ReadableStream): void {
    if (this.#listener === undefined) return;
    input.off('data', this.#listener);
    this.#listener = undefined;
    if (this.#wasPaused) input.pause();
    else hold(input, true);
  }
}

/** Pipes and terminals hold the program while they flow; files have no such thing. */
function hold(input: NodeJS.ReadableStream, on: boolean): void {
  const stream = input as { ref?: () => void; unref?: () => void };
  if (on) stream.ref?.();
  else stream.unref?.();
}
