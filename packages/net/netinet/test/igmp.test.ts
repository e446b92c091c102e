/** IGMPv3 of a host (RFC 3376): what is sent to routers, and when. */
import {
  AF_INET, F_SETFL, IPPROTO_IP, IP_ADD_MEMBERSHIP, IP_ADD_SOURCE_MEMBERSHIP, IP_BLOCK_SOURCE, IP_DROP_MEMBERSHIP, IP_DROP_SOURCE_MEMBERSHIP, IP_MSFILTER, IP_UNBLOCK_SOURCE,
  MCAST_EXCLUDE, MCAST_INCLUDE, groupFilter, parseGroupFilter,
  MCAST_BLOCK_SOURCE, MCAST_JOIN_GROUP, MCAST_JOIN_SOURCE_GROUP, MCAST_LEAVE_GROUP, MCAST_LEAVE_SOURCE_GROUP, MCAST_UNBLOCK_SOURCE, O_NONBLOCK, SOCK_DGRAM, SOL_SOCKET, SO_REUSEPORT, groupReq, sockaddrIn,
} from '@anykernel/lib-sys';
import {
  IGMP_MODE_IS_EXCLUDE, IGMP_QUERY, IGMP_TO_EXCLUDE, IGMP_TO_INCLUDE, IGMP_V1_REPORT, IGMP_V2_LEAVE, IGMP_V2_REPORT, IGMP_V3_REPORT, Ipv4Header, emitIgmp, emitIgmpReport, emitIpv4, inCksum,
  parseIgmp, parseIpv4,
} from '@anykernel/lib-wire';
import { code } from './drill.js';
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

/** Sources, RFC 3376 and RFC 3678. */
describe('sources of a group', () => {
  const S1 = 0x0a09_0901;
  const S2 = 0x0a09_0902;
  const bytesOf = (...addrs: number[]): Uint8Array => Uint8Array.from(addrs.flatMap((addr) => [addr >>> 24, (addr >>> 16) & 255, (addr >>> 8) & 255, addr & 255]));
  /** `ip_mreq_source` options of the socket. */
  const source = (h: ReturnType<typeof host>, name: number, addr: number, group = GROUP, fd = h.fd): void =>
    void h.a.p.sys.setsockopt(fd, IPPROTO_IP, name, bytesOf(group, addr, A_ADDR));
  const another = (h: ReturnType<typeof host>): number => h.a.p.sys.socket(AF_INET, SOCK_DGRAM, 0);
  /** Records as `type:sources`, the sources by their last byte. */
  const told = (h: ReturnType<typeof host>): string[] => {
    h.said();
    return h.raw.splice(0).flatMap((b) => {
      const ip = parseIpv4(b)!;
      return parseIgmp(b, ip.hdrLen, ip.totalLen)!.records.map((r) => `${r.type}:${r.sources!.map((s) => s & 255).sort().join(',')}`);
    });
  };
  const queryOf = (...sources: number[]): Uint8Array => {
    const b = new Uint8Array(12 + 4 * sources.length);
    b.set([IGMP_QUERY, 50, 0, 0], 0);
    b.set(bytesOf(GROUP), 4);
    b[11] = sources.length;
    b.set(bytesOf(...sources), 12);
    const sum = inCksum(b);
    b[2] = sum >> 8;
    b[3] = sum;
    return b;
  };

  test('RFC 3376 5.1: those that are added are allowed, those that go are blocked, each told twice', () => {
    const h = host();
    source(h, IP_ADD_SOURCE_MEMBERSHIP, S1);
    expect(told(h)).toEqual(['5:1']);
    h.advance(1000);
    expect(told(h)).toEqual(['5:1']);
    source(h, IP_ADD_SOURCE_MEMBERSHIP, S2);
    source(h, IP_DROP_SOURCE_MEMBERSHIP, S1);
    // The one that is still to be told goes along.
    expect(told(h)).toEqual(['5:2', '5:2', '6:1']);
    h.advance(2000);
    expect(told(h)).toEqual(['6:1']);
    source(h, IP_DROP_SOURCE_MEMBERSHIP, S2);
    h.advance(2000);
    expect(told(h)).toEqual(['6:2', '6:2']);
    expect(() => source(h, IP_DROP_SOURCE_MEMBERSHIP, S2)).toThrow(expect.objectContaining({ code: 'EADDRNOTAVAIL' }));
  });

  test('RFC 3376 5.1: of a group with all sources some are blocked, and heard again', () => {
    const h = host();
    member(h, IP_ADD_MEMBERSHIP);
    h.advance(2000);
    told(h);
    source(h, IP_BLOCK_SOURCE, S1);
    h.advance(2000);
    source(h, IP_UNBLOCK_SOURCE, S1);
    h.advance(2000);
    expect(told(h)).toEqual(['6:1', '6:1', '5:1', '5:1']);
  });

  test('RFC 3376 3.2: the interface listens to what all its sockets want, and tells when that changes its mode', () => {
    const h = host();
    const other = another(h);
    source(h, IP_ADD_SOURCE_MEMBERSHIP, S1);
    h.advance(2000);
    told(h);
    h.a.p.sys.setsockopt(other, IPPROTO_IP, IP_ADD_MEMBERSHIP, bytesOf(GROUP, A_ADDR));
    h.advance(2000);
    expect(told(h)).toEqual(['4:', '4:']);
    // Somebody wants S1, so only S2 can be refused.
    source(h, IP_BLOCK_SOURCE, S1, GROUP, other);
    source(h, IP_BLOCK_SOURCE, S2, GROUP, other);
    h.advance(2000);
    expect(told(h)).toEqual(['6:2', '6:2']);
    h.a.p.sys.close(other);
    h.advance(2000);
    expect(told(h)).toEqual(['3:1', '3:1']);
  });

  test('RFC 3376 5.2: a query is answered with the mode and the sources; one about sources with those that are heard', () => {
    const h = host();
    source(h, IP_ADD_SOURCE_MEMBERSHIP, S1);
    h.advance(2000);
    told(h);
    const answer = (query: Uint8Array): string[] => {
      h.query(query);
      h.advance(6000);
      return told(h);
    };
    expect(answer(query3(0))).toEqual(['1:1']);
    expect(answer(query3(GROUP))).toEqual(['1:1']);
    expect(answer(queryOf(S1, S2))).toEqual(['1:1']);
    expect(answer(queryOf(S2))).toEqual([]);
    const other = another(h);
    h.a.p.sys.setsockopt(other, IPPROTO_IP, IP_ADD_MEMBERSHIP, bytesOf(GROUP, A_ADDR));
    source(h, IP_BLOCK_SOURCE, S2, GROUP, other);
    h.advance(2000);
    told(h);
    expect(answer(query3(0))).toEqual(['2:2']);
    expect(answer(queryOf(S1, S2))).toEqual(['1:1']);
  });

  test('RFC 3376 5.2, rules 4 and 5: questions about one group are answered together', () => {
    const h = host();
    member(h, IP_ADD_MEMBERSHIP);
    h.advance(2000);
    told(h);
    h.query(queryOf(S1));
    h.query(queryOf(S2));
    h.advance(6000);
    expect(told(h)).toEqual(['1:1,2']);
    h.query(queryOf(S1));
    h.query(query3(GROUP));
    h.advance(6000);
    expect(told(h)).toEqual(['2:']);
  });

  test('RFC 3678 4.1.1: what does not go together is refused', () => {
    const h = host();
    const refused = (code: string, name: number, addr = S1, group = GROUP): void =>
      expect(() => source(h, name, addr, group)).toThrow(expect.objectContaining({ code }));
    refused('EADDRNOTAVAIL', IP_DROP_SOURCE_MEMBERSHIP);
    refused('EADDRNOTAVAIL', IP_BLOCK_SOURCE);
    refused('EINVAL', IP_ADD_SOURCE_MEMBERSHIP, S1, 0x0a00_0001);
    source(h, IP_ADD_SOURCE_MEMBERSHIP, S1);
    refused('EADDRNOTAVAIL', IP_ADD_SOURCE_MEMBERSHIP);
    refused('EINVAL', IP_BLOCK_SOURCE);
    for (let i = 2; i <= 64; i++) source(h, IP_ADD_SOURCE_MEMBERSHIP, S1 + i);
    refused('ENOBUFS', IP_ADD_SOURCE_MEMBERSHIP, S1 + 99);
    expect(() => member(h, IP_ADD_MEMBERSHIP)).toThrow(expect.objectContaining({ code: 'EADDRINUSE' }));
    member(h, IP_DROP_MEMBERSHIP);
    member(h, IP_ADD_MEMBERSHIP);
    refused('EINVAL', IP_ADD_SOURCE_MEMBERSHIP);
    refused('EADDRNOTAVAIL', IP_UNBLOCK_SOURCE);
    expect(() => h.a.p.sys.setsockopt(h.fd, IPPROTO_IP, IP_BLOCK_SOURCE, new Uint8Array(11))).toThrow(expect.objectContaining({ code: 'EINVAL' }));
  });

  test('RFC 4604 2.2: a group of single sources has no members of any source, and older routers do not hear of it', () => {
    const h = host();
    const SSM = 0xe800_0101;
    expect(() => member(h, IP_ADD_MEMBERSHIP, SSM)).toThrow(expect.objectContaining({ code: 'EINVAL' }));
    h.query(emitIgmp(IGMP_QUERY, 100, 0));
    source(h, IP_ADD_SOURCE_MEMBERSHIP, S1, SSM);
    h.advance(20_000);
    expect(h.said()).toEqual([]);
  });

  test('RFC 3678 5.1: the options that are of both families do the same', () => {
    const h = host();
    const option = (name: number, addr?: number): void =>
      void h.a.p.sys.setsockopt(h.fd, IPPROTO_IP, name, groupReq(h.a.ifp.index, sockaddrIn(GROUP, 0), addr === undefined ? undefined : sockaddrIn(addr, 0)));
    option(MCAST_JOIN_SOURCE_GROUP, S1);
    option(MCAST_LEAVE_SOURCE_GROUP, S1);
    option(MCAST_JOIN_GROUP);
    option(MCAST_BLOCK_SOURCE, S2);
    option(MCAST_UNBLOCK_SOURCE, S2);
    option(MCAST_LEAVE_GROUP);
    h.advance(3000);
    expect(told(h)).toEqual(['5:1', '6:1', '4:', '4:2', '5:2', '3:', '3:']);
    expect(() => h.a.p.sys.setsockopt(h.fd, IPPROTO_IP, MCAST_JOIN_GROUP, new Uint8Array(135))).toThrow(expect.objectContaining({ code: 'EINVAL' }));
    expect(() => h.a.p.sys.setsockopt(h.fd, IPPROTO_IP, MCAST_JOIN_GROUP, groupReq(99, sockaddrIn(GROUP, 0)))).toThrow(expect.objectContaining({ code: 'EADDRNOTAVAIL' }));
  });

  describe('all sources at once (RFC 3678 4.2, 5.2)', () => {
    type H = ReturnType<typeof host>;
    const set = (h: H, mode: number, sources: readonly number[], group = GROUP, ifindex = h.a.ifp.index): string =>
      code(() => h.a.p.sys.setsockopt(h.fd, IPPROTO_IP, IP_MSFILTER, groupFilter(ifindex, sockaddrIn(group, 0), mode, sources.map((one) => sockaddrIn(one, 0)))));
    const get = (h: H, room = 8): unknown => {
      const b = groupFilter(h.a.ifp.index, sockaddrIn(GROUP, 0), 0, Array.from({ length: room }, () => new Uint8Array(0)));
      try {
        const all = parseGroupFilter(b.subarray(0, h.a.p.sys.getsockopt(h.fd, IPPROTO_IP, IP_MSFILTER, b)))!;
        return [all.mode, all.count, all.sources.map((one) => new DataView(one.buffer).getUint32(4))];
      } catch (e) {
        return (e as { code: string }).code;
      }
    };

    test('joins, changes, changes the mode, and leaves; routers are told', () => {
      const h = host();
      const seen: unknown[] = [get(h)];
      for (const [mode, sources] of [[MCAST_INCLUDE, [S1, S2]], [MCAST_INCLUDE, [S2]], [MCAST_EXCLUDE, [S1]], [MCAST_EXCLUDE, []], [MCAST_INCLUDE, []]] as [number, number[]][])
        seen.push(set(h, mode, sources), get(h));
      expect(seen).toEqual([
        'EADDRNOTAVAIL', 'ok', [1, 2, [S1, S2]], 'ok', [1, 1, [S2]], 'ok', [2, 1, [S1]], 'ok', [2, 0, []], 'ok', 'EADDRNOTAVAIL',
      ]);
      h.advance(3000);
      const all = told(h);
      expect([all[0], all.at(-1)]).toEqual(['5:1,2', '3:']);
      expect([set(h, MCAST_INCLUDE, []), h.a.inet.ip.groups.of(h.a.ifp).length]).toEqual(['ok', 0]);
    });
    test('how many there are is told also where there is no room for them', () => {
      const h = host();
      set(h, MCAST_INCLUDE, [S1, S2]);
      expect([get(h, 1), get(h, 0)]).toEqual([[1, 2, [S1]], [1, 2, []]]);
    });
    test('what it is not is refused, and nothing is changed', () => {
      const h = host();
      set(h, MCAST_INCLUDE, [S1]);
      const option = (b: Uint8Array): string => code(() => h.a.p.sys.setsockopt(h.fd, IPPROTO_IP, IP_MSFILTER, b));
      const group = sockaddrIn(GROUP, 0);
      expect([
        set(h, 3, []), set(h, MCAST_EXCLUDE, Array.from({ length: 65 }, (_, i) => i + 1)), set(h, MCAST_EXCLUDE, [], 0x0a00_0001), set(h, MCAST_EXCLUDE, [], 0xe800_0001),
        set(h, MCAST_EXCLUDE, [], GROUP, 99), option(new Uint8Array(143)), option(groupFilter(h.a.ifp.index, group, MCAST_INCLUDE, [], 0x7fff_ffff)),
        option(groupFilter(h.a.ifp.index, group, MCAST_INCLUDE, [new Uint8Array(16)])), option(groupFilter(h.a.ifp.index, new Uint8Array(16), MCAST_INCLUDE, [])),
      ]).toEqual(['EINVAL', 'ENOBUFS', 'EINVAL', 'EINVAL', 'EADDRNOTAVAIL', 'EINVAL', 'EINVAL', 'EINVAL', 'EINVAL']);
      expect(get(h)).toEqual([1, 1, [S1]]);
    });
  });

  test('a socket hears its sources, and others theirs', () => {
    const h = host();
    const fds = [h.fd, another(h), another(h)];
    for (const fd of fds) {
      h.a.p.sys.setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, Uint8Array.of(1, 0, 0, 0));
      h.a.p.sys.bind(fd, sockaddrIn(0, 5000));
      h.a.p.sys.fcntl(fd, F_SETFL, O_NONBLOCK);
    }
    source(h, IP_ADD_SOURCE_MEMBERSHIP, S1);
    h.a.p.sys.setsockopt(fds[1]!, IPPROTO_IP, IP_ADD_MEMBERSHIP, bytesOf(GROUP, A_ADDR));
    source(h, IP_BLOCK_SOURCE, S1, GROUP, fds[1]!);
    const arrives = (from: number): boolean[] => {
      const b = new Uint8Array(29);
      b.set([0x13, 0x88, 0x13, 0x88, 0, 9, 0, 0, 7], 20);
      emitIpv4(Object.assign(new Ipv4Header(), { totalLen: b.length, ttl: 5, protocol: 17, src: from, dst: GROUP }), b);
      h.a.receive(b);
      return fds.map((fd) => {
        try {
          return h.a.p.sys.read(fd, new Uint8Array(9)) === 1;
        } catch {
          return false;
        }
      });
    };
    expect(arrives(S1)).toEqual([true, false, false]);
    expect(arrives(S2)).toEqual([false, true, false]);
  });
});
