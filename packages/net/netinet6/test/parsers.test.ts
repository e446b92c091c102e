/** Every parser of packets, captures, addresses and messages, with bytes of real ones that were changed: a value or undefined, and soon. */
import { test } from '@jest/globals';
import { type Random, damage, guided, patched, soon } from '@anykernel/conformance-fuzz';
import { cmsgBytes, parseCmsgs, parseSockaddrDl, parseSockaddrIn, parseSockaddrIn6, parseSockaddrUn, rightsCmsg, sockaddrDl, sockaddrIn, sockaddrIn6, sockaddrUn } from '@anykernel/lib-sys';
import * as wire from '@anykernel/lib-wire';
import { emitRtMessage, parseRtMessage } from '@anykernel/net';
import { corpus } from './hostile/frames.js';

const ETHER = 14;

/** Frames, a capture, and what calls take: each looked at by everything that might. */
function samples(): Uint8Array[] {
  const frames = corpus();
  const packets = frames.slice(0, 6).map((data) => ({ iface: 0, timeUs: 1, data, len: data.length, direction: 'in' as const }));
  const addrs = new Map([[1, sockaddrIn(1, 2)], [2, sockaddrIn6(new Uint8Array(16), 0)], [4, sockaddrDl(1, 6, 'eth0', new Uint8Array(6))]]);
  return [
    ...frames, wire.emitPcapng({ interfaces: [{ linktype: 1, name: 'eth0' }], packets }), emitRtMessage({ type: 1, addrs }), rightsCmsg(1, 2, 3),
    cmsgBytes({ level: 0, type: 1, data: new Uint8Array(9) }, { level: 41, type: 46, data: new Uint8Array(20) }), sockaddrUn('/a/name'),
  ];
}

function look(b: Uint8Array): void {
  const end = b.length;
  wire.parsePcapng(b);
  parseRtMessage(b);
  parseCmsgs(b);
  for (const parse of [parseSockaddrIn, parseSockaddrIn6, parseSockaddrDl, parseSockaddrUn]) parse(b.subarray(0, 255));
  wire.parseEther(b);
  wire.parseArp(b, ETHER, end);
  const four = wire.parseIpv4(b, ETHER, end);
  const six = wire.parseIpv6(b, ETHER, end);
  if (four !== undefined) wire.ipOptionsValid(b, ETHER + 20, ETHER + four.hdrLen);
  const upper = six === undefined ? undefined : wire.upperLayer(six.nextHeader, b, ETHER + 40, end);
  for (const at of [ETHER + (four?.hdrLen ?? 20), upper?.off ?? ETHER + 40]) transport(b, at, end);
}

function transport(b: Uint8Array, at: number, end: number): void {
  wire.parseUdp(b, at, end);
  wire.parseIcmp(b, at, end);
  wire.parseIcmp6(b, at, end);
  wire.parseIgmp(b, at, end);
  wire.parseFragment(b, at, end);
  wire.parseMldQuery(b, at, end);
  wire.parseMld2Report(b, at, end);
  wire.parseRouterAdvert(b, at, end);
  for (const len of [8, 16, 24, 40]) if (at + len <= end) wire.parseNdOptions(b, at + len, end);
  for (const header of [0, 43, 44, 60]) {
    wire.extensionLen(header, b, at, end);
    wire.upperLayer(header, b, at, end);
  }
  wire.ip6OptionsValid(b, at, end);
  const tcp = wire.parseTcp(b, at, end);
  if (tcp !== undefined && at + tcp.hdrLen <= end) wire.parseTcpOptions(b, at + 20, at + tcp.hdrLen);
}

function change(random: Random, b: Uint8Array): Uint8Array {
  if (random.below(6) === 0) return b.slice(0, random.below(b.length + 1));
  return patched(b, Array.from({ length: 1 + random.below(4) }, () => damage(random, b, b.length > 64 ? [[0, 64], [ETHER, b.length]] : [])));
}

test('whatever the bytes', () => {
  guided<readonly Uint8Array[]>({
    name: 'parsers',
    seeds: [samples()],
    sources: '/packages/lib/',
    change: (random, all) => all.map((b) => change(random, b)),
    run(all) {
      soon(10_000, () => all.forEach(look));
      return true;
    },
    runs: 100,
  });
});
