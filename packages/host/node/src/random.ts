/**
 * Random bytes of the machine.
 *
 * A call of randomFillSync() costs 6 µs here however little it fills, so small requests are served from a stock; what was handed out is wiped.
 */
import type * as nodeCrypto from 'node:crypto';

/** Node's crypto takes as long to load as all else here: it is looked up when it is first needed. */
function randomFillSync(buf: Uint8Array): void {
  (process.getBuiltinModule('node:crypto') as typeof nodeCrypto).randomFillSync(buf);
}

const STOCK = 4096;
const SMALL = 256;

export class RandomBytes {
  #stock: Uint8Array | undefined;
  /** What lies before is used up. */
  #at = STOCK;

  /** Fills `buf` in place. */
  fill(buf: Uint8Array): void {
    const len = buf.length;
    if (len > SMALL) {
      randomFillSync(buf);
      return;
    }
    this.#stock ??= new Uint8Array(STOCK);
    if (this.#at + len > STOCK) {
      randomFillSync(this.#stock);
      this.#at = 0;
    }
    buf.set(this.#stock.subarray(this.#at, this.#at + len));
    this.#stock.fill(0, this.#at, this.#at + len);
    this.#at += len;
  }
}
