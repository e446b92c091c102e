/** Formats of IPv6 beyond its header: extension headers, ICMPv6, neighbour discovery, MLD. */
import {
  FragmentHeader, MLD2_IS_EXCLUDE, MLD2_TO_INCLUDE, type NdOptions, emitFragment, emitIcmp6, emitRouterAdvert, extensionLen, ip6OptionsValid, mld2Report, mldQuery,
  ndOptions, parseFragment, parseIcmp6, parseMld2Report, parseMldQuery, parseNdOptions, parseRouterAdvert, routerAlert, sumBytes, sumFinish, sumPseudo6, upperLayer,
} from '../src/index.js';

const A = Uint8Array.from({ length: 16 }, (_, i) => i + 1);
const B = Uint8Array.from({ length: 16 }, (_, i) => 0xf0 + i);
const LINK = Uint8Array.of(2, 0, 0, 0, 0, 9);

test('a fragment header is what it was', () => {
  const h = Object.assign(new FragmentHeader(), { nextHeader: 17, offset: 1448, more: true, id: 0xdead_beef });
  const b = new Uint8Array(8);
  expect([emitFragment(h, b, 0), parseFragment(b, 0), parseFragment(b, 1)]).toEqual([8, h, undefined]);
});
test('options of neighbour discovery are what they were, whatever is cut off', () => {
  const all: NdOptions = {
    sourceLink: LINK, targetLink: LINK, mtu: 1500, nonce: new Uint8Array(6).fill(7), redirected: new Uint8Array(16).fill(3),
    prefixes: [{ prefix: A, len: 64, onLink: true, auto: false, valid: 0xffff_ffff, preferred: 100 }, { prefix: B, len: 48, onLink: false, auto: true, valid: 5, preferred: 1 }],
    dns: { lifetime: 9, servers: [A, B] },
  };
  const b = ndOptions(all);
  expect([parseNdOptions(b, 0, b.length), b.length & 7]).toEqual([all, 0]);
  const whole: number[] = [];
  for (let end = 0; end <= b.length; end++) if (parseNdOptions(b, 0, end) !== undefined) whole.push(end & 7);
  expect(new Set(whole)).toEqual(new Set([0]));
});
test('an option of no length is none (RFC 4861 4.6)', () => {
  expect(parseNdOptions(new Uint8Array(8), 0, 8)).toBeUndefined();
});
test('the start of a router advertisement', () => {
  const ra = { hopLimit: 64, flags: 0xc8, lifetime: 1800, reachableMs: 30_000, retransMs: 1000 };
  const b = new Uint8Array(16);
  emitRouterAdvert(ra, b, 0);
  expect([parseRouterAdvert(b, 0, 16), parseRouterAdvert(b, 0, 15)]).toEqual([ra, undefined]);
});
test('a message of ICMPv6 has the checksum of its pseudo header', () => {
  const b = new Uint8Array(20).fill(0x5a);
  const pseudo = sumPseudo6(1, 2, 3, 4, -5, -6, -7, -8, 58, 20);
  emitIcmp6({ type: 128, code: 0, rest: 0x1234_5678 }, pseudo, b);
  expect([sumFinish(sumBytes(b, 0, 20, pseudo)), parseIcmp6(b)!.rest, parseIcmp6(b, 0, 7)]).toEqual([0, 0x1234_5678, undefined]);
});
test('queries and reports of MLD are what they were', () => {
  const query = { version: 2 as const, maxDelayMs: 1000, group: A, robustness: 2, intervalSec: 100, sources: [A, B] };
  const q = mldQuery(query);
  expect(parseMldQuery(q, 0, q.length)).toEqual(query);
  const records = [{ type: MLD2_IS_EXCLUDE, group: A, sources: [] }, { type: MLD2_TO_INCLUDE, group: B, sources: [A] }];
  const r = mld2Report(records);
  expect(parseMld2Report(r, 0, r.length)).toEqual(records);
  for (let end = 0; end < r.length; end++) expect(parseMld2Report(r, 0, end)).toBeUndefined();
  expect([parseMldQuery(q, 0, 24)?.version, parseMldQuery(q, 0, 27), parseMldQuery(q, 0, 59)]).toEqual([1, undefined, undefined]);
});
test.each([[0x7fff, 32_767], [0x8000, 32_768], [0xffff, 0x1fff << 10]])('a delay of %i stands for %i ms (RFC 3810 5.1.3)', (code, ms) => {
  const q = mldQuery({ version: 2, maxDelayMs: 0, group: A, robustness: 0, intervalSec: 0, sources: [] });
  q[4] = code >> 8;
  q[5] = code;
  expect(parseMldQuery(q, 0, q.length)!.maxDelayMs).toBe(ms);
});
test('headers lead to the upper one, or to a later fragment, or beyond the end', () => {
  const b = Uint8Array.of(...routerAlert(60), 44, 0, 1, 4, 0, 0, 0, 0, 58, 0, 0, 0, 0, 0, 0, 1, 128);
  expect(upperLayer(0, b, 0, b.length)).toEqual({ nextHeader: 58, off: 24, later: false });
  expect(upperLayer(44, Uint8Array.of(58, 0, 0, 8, 0, 0, 0, 1), 0, 8)).toEqual({ nextHeader: 58, off: 8, later: true });
  expect([upperLayer(0, b, 0, 7), extensionLen(60, Uint8Array.of(0, 1, 0, 0, 0, 0, 0, 0), 0, 8)]).toEqual([undefined, undefined]);
  expect(upperLayer(60, new Uint8Array(400).fill(60), 0, 400)).toBeUndefined();
});
test.each([['padding', [0, 0, 1, 0], true], ['one without its length', [0, 0, 0, 5], false], ['one beyond the end', [5, 3, 0, 0], false]] as const)('options: %s', (_what, bytes, valid) => {
  expect(ip6OptionsValid(Uint8Array.from(bytes), 0, 4)).toBe(valid);
});
