/** The message buffer (dmesg): the last lines that the kernel printed, 16,352 bytes of them as in NetBSD. */
import type { Rumpuser } from '@anykernel/host-rumpuser';
import { Fifo } from './fifo.js';

export const MSGBUF_LEN = 16_352;

export class Msgbuf {
  readonly #host: Rumpuser;
  readonly #lines = new Fifo<string>();
  #len = 0;
  /** Lines go to the console, too. */
  verbose: boolean;

  constructor(host: Rumpuser, verbose: boolean) {
    this.#host = host;
    this.verbose = verbose;
  }

  /** Adds a message: one line, or several. The oldest lines make room. `show`: the console gets it in any case. */
  put(message: string, show = this.verbose): void {
    const text = message.endsWith('\n') ? message.slice(0, -1) : message;
    for (const line of text.split('\n')) this.#add(line.slice(0, MSGBUF_LEN - 1));
    if (show) this.#show(`${text}\n`);
  }

  #show(text: string): void {
    try {
      this.#host.putchars(text);
    } catch {
      // A console that fails is no reason to end: the message is in the buffer.
    }
  }

  #add(line: string): void {
    this.#lines.push(line);
    this.#len += line.length + 1;
    while (this.#len > MSGBUF_LEN) this.#len -= (this.#lines.shift() as string).length + 1;
  }

  /** All that is kept, each line with its end. */
  text(): string {
    return this.#lines.list().map((line) => `${line}\n`).join('');
  }

  clear(): void {
    this.#lines.clear();
    this.#len = 0;
  }
}
