/** Requests and responses over UDP: a client asks until it is answered, as every user of datagrams does. */
import { getU32be, putU32be } from '@anykernel/lib-bytes';
import { SOCK_DGRAM, type SocketName } from '@anykernel/lib-sys';
import { Flow, patternAt, tryCall } from './flow.js';

/** A request is asked again after that long, and so often at most. */
const RETRY_NS = 700e6;
const TRIES_MAX = 100;
/** In front of the pattern: number, length. */
const HDR_LEN = 8;

function message(index: number, len: number, salt: number): Uint8Array {
  const b = new Uint8Array(HDR_LEN + len);
  putU32be(b, 0, index);
  putU32be(b, 4, len);
  for (let i = 0; i < len; i++) b[HDR_LEN + i] = patternAt(i + index, salt);
  return b;
}

/** What is wrong with a message of its kind; undefined: nothing. */
function fault(b: Uint8Array, salt: number): string | undefined {
  const [index, len] = [getU32be(b, 0), getU32be(b, 4)];
  if (b.length !== HDR_LEN + len) return `a message of ${b.length} bytes says ${len}`;
  for (let i = 0; i < len; i++) if (b[HDR_LEN + i] !== patternAt(i + index, salt)) return `wrong byte at ${i} of message ${index}`;
  return undefined;
}

export class UdpFlow extends Flow {
  #answered = 0;
  #tries = 0;
  #askAgainAt = 0;
  readonly #buf = new Uint8Array(65_536);

  start(): void {
    const { client, server } = this;
    const listener = this.socket(server, SOCK_DGRAM);
    server.p.bare.bind(listener, this.name(true));
    this.watch(() => this.#serve(listener));
    const fd = this.socket(client, SOCK_DGRAM);
    this.watch(() => this.#ask(fd));
  }

  #serve(fd: number): boolean {
    const sys = this.server.p.bare;
    for (;;) {
      const from: SocketName = { addr: undefined };
      const n = tryCall(() => sys.recvfrom(fd, this.#buf, 0, from));
      if (typeof n === 'string') return this.done;
      const request = this.#buf.subarray(0, n);
      this.error ??= fault(request, 2 * this.index);
      const index = getU32be(request, 0);
      tryCall(() => sys.sendto(fd, message(index, this.#size(index, 31), 2 * this.index + 1), 0, from.addr));
    }
  }

  #size(index: number, salt: number): number {
    return ((index + 1) * salt * 7919) % this.plan.down;
  }

  #ask(fd: number): boolean {
    const { sim } = this.world;
    const sys = this.client.p.bare;
    for (;;) {
      const n = tryCall(() => sys.recvfrom(fd, this.#buf, 0));
      if (n === 'EAGAIN') break;
      if (typeof n === 'string') continue;
      const answer = this.#buf.subarray(0, n);
      this.error ??= fault(answer, 2 * this.index + 1);
      if (getU32be(answer, 0) !== this.#answered) continue;
      this.#answered++;
      this.#tries = this.#askAgainAt = 0;
    }
    if (this.#answered === this.plan.up) return (this.done = true);
    if (sim.now < this.#askAgainAt) return false;
    if (++this.#tries > TRIES_MAX) this.error = `no answer to request ${this.#answered}`;
    this.#askAgainAt = sim.now + RETRY_NS;
    tryCall(() => sys.sendto(fd, message(this.#answered, this.#size(this.#answered, 17), 2 * this.index), 0, this.name()));
    return false;
  }

  get state(): string {
    return `${this.#answered}/${this.plan.up} answered, ${this.#tries} tries`;
  }
}
