/**
 * A routing table: the longest prefix that an address begins with, in a binary trie whose paths are compressed.
 *
 * A lookup looks at one node for each branching of the prefixes above the address, at most 32 or 128, however many routes there are.
 * `generation` grows with each change: who has kept a route looks again when it differs.
 */
import { ERR } from '@anykernel/lib-sys';
import type { Rtentry } from './rtentry.js';
import type { Nexthop } from './nexthop.js';
import { addrBits, wordMask } from './nexthop.js';

/** A prefix where routes branch, or where one is. */
class Node {
  rt: Rtentry | undefined = undefined;
  zero: Node | undefined = undefined;
  one: Node | undefined = undefined;

  constructor(
    readonly w0: number,
    readonly w1: number,
    readonly w2: number,
    readonly w3: number,
    readonly len: number,
  ) {}

  matches(w0: number, w1: number, w2: number, w3: number): boolean {
    const len = this.len;
    if (((w0 ^ this.w0) & wordMask(len)) !== 0) return false;
    if (len <= 32) return true;
    return ((w1 ^ this.w1) & wordMask(len - 32)) === 0 && ((w2 ^ this.w2) & wordMask(len - 64)) === 0 && ((w3 ^ this.w3) & wordMask(len - 96)) === 0;
  }
}

export class Rtable {
  generation = 1;
  /** Routes in it. */
  count = 0;
  readonly #root = new Node(0, 0, 0, 0, 0);
  readonly #bits: number;

  constructor(readonly family: number) {
    this.#bits = addrBits(family);
  }

  /** The route of the longest prefix, or undefined. */
  lookup(w0: number, w1 = 0, w2 = 0, w3 = 0): Rtentry | undefined {
    let best: Rtentry | undefined;
    let node: Node | undefined = this.#root;
    while (node !== undefined && node.matches(w0, w1, w2, w3)) {
      if (node.rt !== undefined) best = node.rt;
      if (node.len === this.#bits) break;
      node = bitOf(node.len, w0, w1, w2, w3) === 0 ? node.zero : node.one;
    }
    return best;
  }

  /** The route of exactly this prefix, or undefined. */
  exact(dst: Nexthop, len: number): Rtentry | undefined {
    const path = this.#path(dst, len);
    return path[path.length - 1].len === len ? path[path.length - 1].rt : undefined;
  }

  /** EEXIST: there is a route of that prefix. */
  add(rt: Rtentry): void {
    const { dst, prefixLen } = rt;
    const path = this.#path(dst, prefixLen);
    const node = path[path.length - 1];
    if (node.len === prefixLen) {
      if (node.rt !== undefined) throw ERR.EEXIST;
      node.rt = rt;
    } else this.#branch(node, rt);
    this.count++;
    this.generation++;
  }

  /** Puts a new node for `rt` below `up`, and between it and what is there in its direction. */
  #branch(up: Node, rt: Rtentry): void {
    const { dst, prefixLen } = rt;
    const leaf = new Node(dst.w0, dst.w1, dst.w2, dst.w3, prefixLen);
    leaf.rt = rt;
    const side = bitOf(up.len, dst.w0, dst.w1, dst.w2, dst.w3) === 0 ? 'zero' : 'one';
    const below = up[side];
    if (below === undefined) {
      up[side] = leaf;
      return;
    }
    const common = commonLen(leaf, below);
    if (common === prefixLen) {
      hang(leaf, below);
      up[side] = leaf;
      return;
    }
    const fork = new Node(
      dst.w0 & wordMask(common), dst.w1 & wordMask(common - 32), dst.w2 & wordMask(common - 64), dst.w3 & wordMask(common - 96), common,
    );
    hang(fork, below);
    hang(fork, leaf);
    up[side] = fork;
  }

  /** Takes a route out. ESRCH: it is not in the table. */
  delete(rt: Rtentry): void {
    const path = this.#path(rt.dst, rt.prefixLen);
    const node = path[path.length - 1];
    if (node.rt !== rt) throw ERR.ESRCH;
    node.rt = undefined;
    // Nodes that have become useless go: at most the route's own, and the fork above it.
    for (let i = path.length - 1; i > 0 && path[i].rt === undefined; i--) {
      const { zero, one } = path[i];
      if (zero !== undefined && one !== undefined) break;
      const up = path[i - 1];
      if (up.zero === path[i]) up.zero = zero ?? one;
      else up.one = zero ?? one;
    }
    this.count--;
    this.generation++;
  }

  /** Something about a route has changed: those who keep it look again. */
  changed(): void {
    this.generation++;
  }

  /** Every route, in the order of the addresses, a shorter prefix before the longer ones in it. */
  [Symbol.iterator](): Iterator<Rtentry> {
    const all: Rtentry[] = [];
    const stack: Node[] = [this.#root];
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      if (node.rt !== undefined) all.push(node.rt);
      if (node.one !== undefined) stack.push(node.one);
      if (node.zero !== undefined) stack.push(node.zero);
    }
    return all[Symbol.iterator]();
  }

  /** The nodes from the root to the last whose prefix is of `dst` and not longer than `len`. */
  #path(dst: Nexthop, len: number): Node[] {
    const path = [this.#root];
    for (let node = this.#root; node.len < len; ) {
      const next = bitOf(node.len, dst.w0, dst.w1, dst.w2, dst.w3) === 0 ? node.zero : node.one;
      if (next === undefined || next.len > len || !next.matches(dst.w0, dst.w1, dst.w2, dst.w3)) break;
      path.push(next);
      node = next;
    }
    return path;
  }
}

function hang(up: Node, below: Node): void {
  if (bitOf(up.len, below.w0, below.w1, below.w2, below.w3) === 0) up.zero = below;
  else up.one = below;
}

function bitOf(index: number, w0: number, w1: number, w2: number, w3: number): number {
  const word = index < 32 ? w0 : index < 64 ? w1 : index < 96 ? w2 : w3;
  return (word >>> (31 - (index & 31))) & 1;
}

const { clz32, min } = Math;

/** Bits at the start that two prefixes have in common. */
function commonLen(a: Node, b: Node): number {
  const most = min(a.len, b.len);
  const differ = [a.w0 ^ b.w0, a.w1 ^ b.w1, a.w2 ^ b.w2, a.w3 ^ b.w3];
  for (let i = 0; i < 4; i++) if (differ[i] !== 0) return min(most, 32 * i + clz32(differ[i]));
  return most;
}
