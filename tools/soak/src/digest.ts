/** A number made of all that has passed: equal for equal traffic. */
import type { Mbuf } from '@anykernel/rumpnet';

const { imul } = Math;

export class Digest {
  /** Packets and bytes. */
  packets = 0;
  bytes = 0;
  #a = 0x811c_9dc5 | 0;
  #b = 0x01234567;

  packet(now: number, node: number, port: number, m: Mbuf): void {
    this.packets++;
    this.bytes += m.pktlen;
    this.number(now);
    this.number(node * 64 + port);
    for (let n: Mbuf | undefined = m; n !== undefined; n = n.next) {
      const { buf, off, len } = n;
      let a = this.#a;
      for (let i = off; i < off + len; i++) a = imul(a ^ buf[i], 0x0100_0193);
      this.#a = a;
      this.#b = imul(this.#b ^ a, 0x85eb_ca6b) ^ (a >>> 13);
    }
  }

  /** Any number that can be told apart from its neighbours by its lower 53 bits. */
  number(n: number): void {
    this.#b = imul(this.#b ^ (n >>> 0), 0x9e37_79b1);
    this.#a = imul(this.#a ^ Math.floor(n / 0x1_0000_0000), 0x0100_0193) ^ (this.#b >>> 15);
  }

  get text(): string {
    return [this.#a, this.#b].map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
  }
}
