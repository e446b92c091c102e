/**
 * Flow labels (RFC 6437 3): packets of TCP and UDP between the same ends have the same one, which nobody foresees, so that routers can spread flows over
 * paths by the header alone.
 */
import { type Ends, type Inet, addrsInto } from '@anykernel/netinet';

const WORDS = 10;
const LABEL_MASK = 0xf_ffff;
/** What else is hashed with the same key is of other lengths. */
const PURPOSE = 0x666c_6f77;

export class FlowLabels {
  readonly #inet: Inet;
  /** The ends of the last packet, and their label. */
  readonly #words = new Int32Array(WORDS);
  #label = 0;

  constructor(inet: Inet) {
    this.#inet = inet;
  }

  /** 20 bits, not zero: zero is no label. */
  of(e: Ends): number {
    const w = this.#words;
    const ports = (e.lport << 16) | e.fport;
    if (w[8] === ports && w[3] === e.l3 && w[7] === e.f3 && w[6] === e.f2 && w[2] === e.l2 && w[0] === e.l0 && w[1] === e.l1 && w[4] === e.f0 && w[5] === e.f1)
      return this.#label;
    addrsInto(w, e);
    w[8] = ports;
    w[9] = PURPOSE;
    const label = this.#inet.secret.hash(w, WORDS) & LABEL_MASK;
    return (this.#label = label === 0 ? 1 : label);
  }
}
