/** Packet filters: functions that see each packet of a family as it comes in and goes out, and may change, keep or drop it. */
import type { Mbuf } from '@anykernel/rumpnet';
import type { Ifnet } from './ifnet.js';

export type PfilDir = 'in' | 'out';

/** Owns `m`; returns the packet that goes on, or undefined: it has been taken. */
export type PfilHook = (m: Mbuf, ifp: Ifnet, dir: PfilDir) => Mbuf | undefined;

export class Pfil {
  /** Nobody looks: the network layer asks nothing. */
  empty = true;
  readonly #hooks: PfilHook[] = [];

  /** On the way in hooks are asked in the order in which they were added, on the way out the other way round. The result removes it. */
  add(hook: PfilHook): () => void {
    this.#hooks.push(hook);
    this.empty = false;
    return () => {
      this.#hooks.splice(this.#hooks.indexOf(hook), 1);
      this.empty = this.#hooks.length === 0;
    };
  }

  run(m: Mbuf, ifp: Ifnet, dir: PfilDir): Mbuf | undefined {
    const hooks = dir === 'in' ? this.#hooks : [...this.#hooks].reverse();
    let packet: Mbuf | undefined = m;
    for (const hook of hooks) {
      if (packet === undefined) return undefined;
      packet = hook(packet, ifp, dir);
    }
    return packet;
  }
}
