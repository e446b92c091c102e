/** IGMPv3 of a host (RFC 3376): what is sent to routers, and when. */
import { AF_INET, IPPROTO_IP, IP_ADD_MEMBERSHIP, IP_DROP_MEMBERSHIP, SOCK_DGRAM } from '@anykernel/lib-sys';
import {
  IGMP_MODE_IS_EXCLUDE, IGMP_QUERY, IGMP_TO_EXCLUDE, IGMP_TO_INCLUDE, IGMP_V1_REPORT, IGMP_V2_LEAVE, IGMP_V2_REPORT, IGMP_V3_REPORT, Ipv4Header, emitIgmp, emitIgmpReport, emitIpv4, inCksum,
  parseIgmp, parseIpv4,
} from '@anykernel/lib-wire';
import { A_ADDR, B_ADDR, type Station, pairOf } from './world.js';

const GROUP = 0xe100_0009;
const OTHER = 0xe100_000a;

interface Said {
  readonly ms: number;
  readonly to: number;
  readonly type: number;
  readonly group: number;
  readonly records: string;
}

/** A kernel, a router that it hears, and what it says. */
function host(seed = 1): { a: Station; fd: number; said: () => Said[]; advance: (ms: number) => void; query: (bytes: Uint8Array, ttl?: number) => void; raw: Uint8Array[] } {
  const { sim, a } = pairOf(seed);
  const all: Said[] = [];
  const raw: Uint8Array[] = [];
  a.wire = (b) => {
    const ip = parseIpv4(b)!;
    const message = parseIgmp(b, ip.hdrLen, ip.totalLen)!;
    raw.push(b);
    all.push({
      ms: sim.now / 1e6, to: ip.dst, type: message.type, group: message.group,
      records: message.records.map(({ type, group, sources }) => `${type}:${(group >>> 0).toString(16)}:${sources!.length}`).join(' '),
    });
  };
  const query = (bytes: Uint8Array, ttl = 1): void => {
    const b = new Uint8Array(20 + bytes.length);
    b.set(bytes, 20);
    emitIpv4(Object.assign(new Ipv4Header(), { totalLen: b.length, ttl, protocol: 2, src: B_ADDR, dst: 0xe000_0001 }), b);
    a.receive(b);
  };
  return { a, fd: a.p.sys.socket(AF_INET, SOCK_DGRAM, 0), said: () => all.splice(0), advance: (ms) => void sim.advance(ms * 1e6), query, raw };
}

function member(h: ReturnType<typeof host>, name: number, group = GROUP): void {
  const mreq = [group, A_ADDR].flatMap((addr) => [addr >>> 24, (addr >>> 16) & 255, (addr >>> 8) & 255, addr & 255]);
  h.a.p.sys.setsockopt(h.fd, IPPROTO_IP, name, Uint8Array.from(mreq));
}

/** A query of version 3. */
function query3(group: number, code = 50): Uint8Array {
  const b = new Uint8Array(12);
  b.set([IGMP_QUERY, code, 0, 0, group >>> 24, group >>> 16, group >>> 8, group]);
  const sum = inCksum(b);
  b[2] = sum >> 8;
  b[3] = sum;
  return b;
}

const text = (all: Said[]): string[] => all.map((one) => `${(one.to >>> 0).toString(16)} ${one.records}`);

test('5.1: who joins says so at once, and once more within a second', () => {
  const h = host();
  member(h, IP_ADD_MEMBERSHIP);
  expect(text(h.said())).toEqual([`e0000016 ${IGMP_TO_EXCLUDE}:e1000009:0`]);
  h.advance(1001);
  expect(text(h.said())).toEqual([`e0000016 ${IGMP_TO_EXCLUDE}:e1000009:0`]);
  h.advance(10_000);
  expect(h.said()).toEqual([]);
});

test('4: with a time to live of 1, precedence of internetwork control, and the router alert', () => {
  const h = host();
  member(h, IP_ADD_MEMBERSHIP);
  const ip = parseIpv4(h.raw[0]!)!;
  expect([ip.ttl, ip.tos, ip.src, [...h.raw[0]!.subarray(20, 24)]]).toEqual([1, 0xc0, A_ADDR, [148, 4, 0, 0]]);
});

test('5.1: who leaves, too; the last one only', () => {
  const h = host();
  member(h, IP_ADD_MEMBERSHIP);
  const second = h.a.p.sys.socket(AF_INET, SOCK_DGRAM, 0);
  member({ ...h, fd: second }, IP_ADD_MEMBERSHIP);
  h.advance(5000);
  h.said();
  member(h, IP_DROP_MEMBERSHIP);
  expect(h.said()).toEqual([]);
  h.a.p.sys.close(second);
  expect(text(h.said())).toEqual([`e0000016 ${IGMP_TO_INCLUDE}:e1000009:0`]);
});

test('5.2: a general query is answered with all groups, within its time', () => {
  const h = host();
  member(h, IP_ADD_MEMBERSHIP);
  member(h, IP_ADD_MEMBERSHIP, OTHER);
  h.advance(5000);
  h.said();
  h.query(query3(0, 50));
  expect(h.said()).toEqual([]);
  h.advance(5001);
  expect(text(h.said())).toEqual([`e0000016 ${IGMP_MODE_IS_EXCLUDE}:e1000009:0 ${IGMP_MODE_IS_EXCLUDE}:e100000a:0`]);
});

test('5.2: a query about a group, by its members', () => {
  const h = host();
  member(h, IP_ADD_MEMBERSHIP);
  h.advance(5000);
  h.said();
  h.query(query3(OTHER));
  h.query(query3(GROUP));
  h.advance(10_000);
  expect(text(h.said())).toEqual([`e0000016 ${IGMP_MODE_IS_EXCLUDE}:e1000009:0`]);
});

test('5.2: a second query while an answer is due has the same one', () => {
  const h = host();
  member(h, IP_ADD_MEMBERSHIP);
  h.advance(5000);
  h.said();
  for (let i = 0; i < 5; i++) h.query(query3(0, 100));
  h.advance(20_000);
  expect(h.said().length).toBeLessThanOrEqual(2);
});

test('9.2: a query from beyond the link is ignored', () => {
  const h = host();
  member(h, IP_ADD_MEMBERSHIP);
  h.advance(5000);
  h.said();
  h.query(query3(0), 2);
  h.advance(20_000);
  expect(h.said()).toEqual([]);
});

test('7.2: to a router of version 2 its reports go to the group, and a leave to the routers; later version 3 again', () => {
  const h = host();
  member(h, IP_ADD_MEMBERSHIP);
  h.advance(5000);
  h.said();
  h.query(emitIgmp(IGMP_QUERY, 50, 0));
  h.advance(5001);
  expect(h.said().map(({ to, type, group }) => [to, type, group])).toEqual([[GROUP, IGMP_V2_REPORT, GROUP]]);
  member(h, IP_DROP_MEMBERSHIP);
  expect(h.said().map(({ to, type, group }) => [to, type, group])).toEqual([[0xe000_0002, IGMP_V2_LEAVE, GROUP]]);
  h.advance(300_000);
  member(h, IP_ADD_MEMBERSHIP);
  expect(h.said()[0]!.type).toBe(IGMP_V3_REPORT);
});

test('7.2: and to one of version 1', () => {
  const h = host();
  member(h, IP_ADD_MEMBERSHIP);
  h.advance(5000);
  h.said();
  h.query(emitIgmp(IGMP_QUERY, 0, 0));
  h.advance(10_001);
  expect(h.said().map(({ type }) => type)).toEqual([IGMP_V1_REPORT]);
  member(h, IP_DROP_MEMBERSHIP);
  expect(h.said()).toEqual([]);
});

test('RFC 2236 3: with another’s report of version 2 ours is not needed', () => {
  const h = host();
  member(h, IP_ADD_MEMBERSHIP);
  h.advance(5000);
  h.said();
  member(h, IP_ADD_MEMBERSHIP, OTHER);
  h.query(emitIgmp(IGMP_QUERY, 50, 0));
  h.said();
  h.query(emitIgmp(IGMP_V2_REPORT, 0, GROUP));
  h.advance(20_000);
  const groups = h.said().map(({ group }) => group);
  expect([groups.includes(GROUP), groups.includes(OTHER)]).toEqual([false, true]);
});

test('what is no message is counted, and no more', () => {
  const h = host();
  const report = emitIgmpReport([{ type: 2, group: GROUP, sources: [1, 2, 3] }]);
  expect(parseIgmp(report)!.records[0]!.sources).toEqual([1, 2, 3]);
  for (let len = 0; len < report.length; len++) h.query(report.slice(0, len));
  h.query(Uint8Array.of(0x11, 0, 0, 0, 0, 0, 0, 0));
  expect([h.a.inet.igmp.stats.bad, h.a.used]).toEqual([report.length + 1, 0]);
});
