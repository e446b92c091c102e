import { AF_INET, AF_INET6, RTF_UP } from '@anykernel/lib-sys';
import { Ifnet, Nexthop, Rtable, Rtentry, prefixOf } from '@anykernel/net';
import { boot } from '@anykernel/rumpkern';
import { hostSim } from '@anykernel/host-sim';

/** The same numbers for the same seed. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state >>> 0;
  };
}

const k = boot(hostSim(), []);
const ifp = new Ifnet(k, 'x0', { start: () => {} }, { type: 6, flags: 0, mtu: 1500 });
afterAll(() => k.halt());

function route(family: number, words: readonly number[], len: number): Rtentry {
  const dst = prefixOf(new Nexthop().set(family, words[0], words[1] ?? 0, words[2] ?? 0, words[3] ?? 0), len);
  return new Rtentry(dst, len, undefined, ifp, undefined, RTF_UP);
}

/** The longest prefix among all, by looking at each. */
function slow(all: readonly Rtentry[], nh: Nexthop): Rtentry | undefined {
  let best: Rtentry | undefined;
  for (const rt of all) {
    const masked = prefixOf(nh, rt.prefixLen);
    if (masked.equals(rt.dst.w0, rt.dst.w1, rt.dst.w2, rt.dst.w3) && (best === undefined || rt.prefixLen > best.prefixLen)) best = rt;
  }
  return best;
}

describe('a routing table', () => {
  test.each([
    [AF_INET, 32, 1],
    [AF_INET, 32, 2],
    [AF_INET6, 128, 3],
    [AF_INET6, 128, 4],
  ])('of family %i finds what a search through all routes finds, while routes come and go (%i bits, seed %i)', (family, bits, seed) => {
    const next = random(seed);
    const table = new Rtable(family);
    const all: Rtentry[] = [];
    // Few distinct bits, so that prefixes nest and branch.
    const words = (): number[] => [0, 1, 2, 3].map(() => next() & 0x8100_0181);
    for (let round = 0; round < 600; round++) {
      if (next() % 3 !== 0 || all.length === 0) {
        const rt = route(family, words(), next() % (bits + 1));
        if (table.exact(rt.dst, rt.prefixLen) === undefined) {
          table.add(rt);
          all.push(rt);
        } else expect(() => table.add(rt)).toThrow(expect.objectContaining({ code: 'EEXIST' }));
      } else table.delete(all.splice(next() % all.length, 1)[0]);
      const w = words();
      const nh = family === AF_INET ? new Nexthop().set(family, w[0], 0, 0, 0) : new Nexthop().set(family, w[0], w[1], w[2], w[3]);
      expect(table.lookup(nh.w0, nh.w1, nh.w2, nh.w3)).toBe(slow(all, nh));
    }
    expect([...table]).toHaveLength(all.length);
    expect(table.count).toBe(all.length);
    for (const rt of all) table.delete(rt);
    expect([...table]).toEqual([]);
  });

  test('the order of a walk is that of the addresses, the shorter prefix first', () => {
    const table = new Rtable(AF_INET);
    for (const [addr, len] of [[0x0a010000, 16], [0, 0], [0xc0a80000, 16], [0x0a000000, 8], [0x0a018000, 17]]) table.add(route(AF_INET, [addr], len));
    expect([...table].map((rt) => `${(rt.dst.w0 >>> 0).toString(16)}/${rt.prefixLen}`)).toEqual(['0/0', 'a000000/8', 'a010000/16', 'a018000/17', 'c0a80000/16']);
  });

  test('each change makes a new generation', () => {
    const table = new Rtable(AF_INET);
    const rt = route(AF_INET, [0], 0);
    const seen = new Set([table.generation]);
    table.add(rt);
    seen.add(table.generation);
    table.changed();
    seen.add(table.generation);
    table.delete(rt);
    seen.add(table.generation);
    expect(seen.size).toBe(4);
    expect(() => table.delete(rt)).toThrow(expect.objectContaining({ code: 'ESRCH' }));
  });
});
