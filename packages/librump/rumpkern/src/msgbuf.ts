/** The message buffer (dmesg): the last lines that the kernel printed, 16,352 bytes of them as in NetBSD. */
import type { Rumpuser } from '@anykernel/host-rumpuser';

export const MSGBUF_LEN = 16_352;

export class Msgbuf {
  readonly #host: Rumpuser;
  #lines: string[] = [];
  #len = 0;
  /** Lines go to the console, too. */
  verbose: boolean;

  constructor(host: Rumpuser, verbose: boolean) {
    this.#host = host;
    this.verbose = verbose;
  }

  /** Adds a message: one line, or several. The oldest lines make room. */
  put(message: string): void {
    const text = message.endsWith('\n') ? message.slice(0, -1) : message;
    for (const line of text.split('\n')) this.#add(line.slice(0, MSGBUF_LEN - 1));
    if (this.verbose) this.#host.putchars(`${text}\n`);
  }

  #add(line: string): void {
    this.#lines.push(line);
    this.#len += line.length + 1;
    if (this.#len <= MSGBUF_LEN) return;
    let drop = 0;
    while (this.#len > MSGBUF_LEN) this.#len -= this.#lines[drop++].length + 1;
    this.#lines = this.#lines.slice(drop);
  }

  /** All that is kept, each line with its end. */
  text(): string {
    return this.#lines.map((line) => `${line}\n`).join('');
  }

  clear(): void {
    this.#lines = [];
    this.#len = 0;
  }
}
