/** Our own addresses that may be used, by hash: what each packet that comes in asks for. */
import type { Ifaddr } from '@anykernel/net';

const { imul } = Math;

function hashOf(w0: number, w1: number, w2: number, w3: number): number {
  return imul(w3 ^ imul(w2, 0x9e37_79b1), 0x85eb_ca6b) ^ imul(w1 ^ imul(w0, 0xc2b2_ae35), 0x27d4_eb2f);
}

export class AddrTable {
  readonly #byHash = new Map<number, Ifaddr[]>();

  find(w0: number, w1: number, w2: number, w3: number): Ifaddr | undefined {
    const chain = this.#byHash.get(hashOf(w0, w1, w2, w3));
    if (chain === undefined) return undefined;
    for (let i = 0; i < chain.length; i++) if (chain[i].addr.equals(w0, w1, w2, w3)) return chain[i];
    return undefined;
  }

  /** Puts it in, once. */
  add(ia: Ifaddr): void {
    const { w0, w1, w2, w3 } = ia.addr;
    const hash = hashOf(w0, w1, w2, w3);
    const chain = this.#byHash.get(hash);
    if (chain === undefined) this.#byHash.set(hash, [ia]);
    else if (!chain.includes(ia)) chain.push(ia);
  }

  delete(ia: Ifaddr): void {
    const { w0, w1, w2, w3 } = ia.addr;
    const hash = hashOf(w0, w1, w2, w3);
    const chain = this.#byHash.get(hash);
    const at = chain === undefined ? -1 : chain.indexOf(ia);
    if (chain === undefined || at < 0) return;
    chain.splice(at, 1);
    if (chain.length === 0) this.#byHash.delete(hash);
  }
}
