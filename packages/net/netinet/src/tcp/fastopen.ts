/**
 * Cookies of TCP Fast Open (RFC 7413): those that we give to clients, made of their address and a secret, and those that servers gave to us.
 */
import { TFO_COOKIE_MIN } from '@anykernel/lib-wire';
import { addrsInto, type Ends } from '../flow.js';
import type { SipHash } from '../siphash.js';

/** Servers that are remembered, the one unused longest being forgotten. */
const SERVERS_MAX = 256;
const COOKIE_LEN = 8;

export class FastOpen {
  readonly #secret: SipHash;
  readonly #words = new Int32Array(10);
  readonly #cookies = new Map<string, Uint8Array>();

  constructor(secret: SipHash) {
    this.#secret = secret;
  }

  /** The cookie of the client at the other end (RFC 7413 4.1.2), written at `off` of `b`. Returns its length. */
  make(e: Ends, b: Uint8Array, off: number): number {
    const w = this.#words;
    addrsInto(w, e);
    w[8] = 0x54464f;
    const low = this.#secret.hash(w, 9);
    const { high } = this.#secret;
    for (let i = 0; i < 4; i++) {
      b[off + i] = low >>> (8 * i);
      b[off + 4 + i] = high >>> (8 * i);
    }
    return COOKIE_LEN;
  }

  /** Whether the bytes are the cookie that the client has from us. */
  valid(e: Ends, b: Uint8Array, off: number, len: number): boolean {
    if (len !== COOKIE_LEN) return false;
    const right = new Uint8Array(COOKIE_LEN);
    this.make(e, right, 0);
    let differ = 0;
    for (let i = 0; i < COOKIE_LEN; i++) differ |= right[i]! ^ b[off + i]!;
    return differ === 0;
  }

  /** What the server at the other end gave to us; empty: nothing yet. */
  cookieFor(e: Ends): Uint8Array {
    return this.#cookies.get(keyOf(e)) ?? NONE;
  }

  learn(e: Ends, cookie: Uint8Array): void {
    const key = keyOf(e);
    this.#cookies.delete(key);
    if (cookie.length < TFO_COOKIE_MIN) return;
    if (this.#cookies.size >= SERVERS_MAX) {
      for (const oldest of this.#cookies.keys()) {
        this.#cookies.delete(oldest);
        break;
      }
    }
    this.#cookies.set(key, cookie);
  }

  forget(e: Ends): void {
    this.#cookies.delete(keyOf(e));
  }
}

const NONE = new Uint8Array(0);

function keyOf(e: Ends): string {
  return `${e.f0},${e.f1},${e.f2},${e.f3}`;
}
