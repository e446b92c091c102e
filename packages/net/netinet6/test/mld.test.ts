/** Multicast listener discovery (RFC 3810, RFC 2710): what a host says of its groups, and when. */
import {
  FIONREAD, IPPROTO_IPV6, IPV6_JOIN_GROUP, IPV6_LEAVE_GROUP, MCAST_BLOCK_SOURCE, MCAST_JOIN_GROUP, MCAST_JOIN_SOURCE_GROUP, MCAST_LEAVE_GROUP, MCAST_LEAVE_SOURCE_GROUP,
  IPV6_MSFILTER, MCAST_EXCLUDE, MCAST_INCLUDE, MCAST_UNBLOCK_SOURCE, SOCK_DGRAM, groupFilter, groupReq, inet6Text, parseGroupFilter, sockaddrIn6,
} from '@anykernel/lib-sys';
import { MLD2_IS_EXCLUDE, MLD2_TO_EXCLUDE, MLD2_TO_INCLUDE, mldQuery, parseMld2Report, routerAlert } from '@anykernel/lib-wire';
import { Link, STRANGER, addr, icmp6, packet6, udp6 } from './link.js';

const REPORT2 = 143;
const GROUP = 'ff05::77';

function mreq(l: Link, group = GROUP): Uint8Array {
  return Uint8Array.of(...addr(group), l.ifp.index, 0, 0, 0);
}

/** `4 ff05::77` for each record of the reports that were heard, but for those of solicited-node groups. */
function records(l: Link): string[] {
  return l
    .takeIcmp(REPORT2)
    .flatMap(({ body }) => parseMld2Report(body, 0, body.length)!)
    .map(({ type, group }) => `${type} ${inet6Text(group)}`)
    .filter((one) => !one.includes('ff02::1:ff'));
}

function ask(l: Link, version: 1 | 2, group: string, maxDelayMs = 1000, hops = 1, src = STRANGER, alert = true, sources: string[] = []): void {
  const query = mldQuery({ version, maxDelayMs, group: addr(group), robustness: 2, intervalSec: 125, sources: sources.map((one) => addr(one)) });
  const dst = group === '::' ? 'ff02::1' : group;
  const message = icmp6(src, dst, 130, 0, maxDelayMs << 16, query.slice(8));
  l.say(packet6(src, dst, 58, message, hops, alert ? [[0, routerAlert(58)]] : []));
}

/** A link whose host belongs to the group, and has said so. */
function member(): Link {
  const l = new Link();
  l.p.sys.setsockopt(l.socket(SOCK_DGRAM), IPPROTO_IPV6, IPV6_JOIN_GROUP, mreq(l));
  l.run(3);
  l.take();
  return l;
}

test('the groups of its addresses are reported from nobody, and again when there is an address (RFC 3590)', () => {
  const l = new Link(undefined, 1, 0);
  l.run(5);
  const reports = l.takeIcmp(REPORT2);
  expect(new Set(reports.map(({ src }) => src))).toEqual(new Set(['::', l.local]));
  expect(reports.every(({ dst, hops, bytes }) => dst === 'ff02::16' && hops === 1 && bytes[6] === 0 && bytes[42] === 5)).toBe(true);
});
test('joining and leaving are said twice (6.1, 9.1)', () => {
  const l = new Link();
  const fd = l.socket(SOCK_DGRAM);
  l.p.sys.setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, mreq(l));
  l.run(3);
  const joined = records(l);
  l.p.sys.setsockopt(fd, IPPROTO_IPV6, IPV6_LEAVE_GROUP, mreq(l));
  l.run(3);
  expect([joined, records(l)]).toEqual([
    [`${MLD2_TO_EXCLUDE} ${GROUP}`, `${MLD2_TO_EXCLUDE} ${GROUP}`],
    [`${MLD2_TO_INCLUDE} ${GROUP}`, `${MLD2_TO_INCLUDE} ${GROUP}`],
  ]);
});
test.each([['::'], [GROUP]])('a query for %s is answered once, within its time (6.2)', (group) => {
  const l = member();
  ask(l, 2, group);
  ask(l, 2, group);
  l.run(1);
  expect(records(l)).toEqual([`${MLD2_IS_EXCLUDE} ${GROUP}`]);
});
test('one for a group of which it is no member is not', () => {
  const l = member();
  ask(l, 2, 'ff05::78');
  l.run(2);
  expect(records(l)).toEqual([]);
});
test.each<[string, (l: Link) => void]>([
  ['with more than one hop', (l) => ask(l, 2, '::', 1000, 2)],
  ['from an address that is not of link-local scope', (l) => ask(l, 2, '::', 1000, 1, '2001:db8::99')],
  ['without a router alert', (l) => ask(l, 2, '::', 1000, 1, STRANGER, false)],
])('a query %s is dropped (5.1.14, 6.2)', (_what, act) => {
  const l = member();
  act(l);
  l.run(2);
  expect([records(l), l.ip6.icmp.stats.badmld]).toEqual([[], 1]);
});
test('while a querier of version 1 is heard, version 1 is spoken (8.2.1)', () => {
  const l = member();
  ask(l, 1, '::');
  l.run(1);
  const reports = l.take().filter(({ body, dst }) => body[0] === 131 && dst === GROUP);
  expect(reports.length).toBe(1);
  l.run(300);
  l.take();
  ask(l, 2, '::');
  l.run(1);
  expect(records(l)).toEqual([`${MLD2_IS_EXCLUDE} ${GROUP}`]);
});

/** Sources: RFC 3810 and RFC 3678 5.1. */
describe('sources of a group', () => {
  const S1 = '2001:db8:9::1';
  const S2 = '2001:db8:9::2';
  /** Records as `type:sources`, the sources by their last group. */
  const told = (l: Link): string[] =>
    l
      .takeIcmp(REPORT2)
      .flatMap(({ body }) => parseMld2Report(body, 0, body.length)!)
      .filter(({ group }) => inet6Text(group) === GROUP)
      .map(({ type, sources }) => `${type}:${sources.map((one) => one[15]).sort().join(',')}`);
  const option = (l: Link, fd: number, name: number, source?: string, group = GROUP): void =>
    void l.p.sys.setsockopt(fd, IPPROTO_IPV6, name, groupReq(l.ifp.index, sockaddrIn6(addr(group), 0), source === undefined ? undefined : sockaddrIn6(addr(source), 0)));
  const changes = (l: Link, fd: number, ...args: [number, string?][]): string[] => {
    for (const [name, source] of args) option(l, fd, name, source);
    l.run(3);
    return told(l);
  };

  test('6.1: those that are added are allowed, those that go are blocked, each told twice', () => {
    const l = new Link();
    const fd = l.socket(SOCK_DGRAM);
    expect(changes(l, fd, [MCAST_JOIN_SOURCE_GROUP, S1])).toEqual(['5:1', '5:1']);
    expect(changes(l, fd, [MCAST_JOIN_SOURCE_GROUP, S2], [MCAST_LEAVE_SOURCE_GROUP, S1])).toEqual(['5:2', '5:2', '6:1', '6:1']);
    expect(changes(l, fd, [MCAST_LEAVE_SOURCE_GROUP, S2])).toEqual(['6:2', '6:2']);
    expect(changes(l, fd, [MCAST_JOIN_GROUP])).toEqual(['4:', '4:']);
    expect(changes(l, fd, [MCAST_BLOCK_SOURCE, S1])).toEqual(['6:1', '6:1']);
    expect(changes(l, fd, [MCAST_UNBLOCK_SOURCE, S1])).toEqual(['5:1', '5:1']);
    expect(changes(l, fd, [MCAST_LEAVE_GROUP])).toEqual(['3:', '3:']);
  });

  test('RFC 3678 5.2: all sources at once: joins, changes, and leaves; and is told', () => {
    const l = new Link();
    const fd = l.socket(SOCK_DGRAM);
    const name = (text: string): Uint8Array => sockaddrIn6(addr(text), 0);
    const set = (mode: number, ...sources: string[]): void => void l.p.sys.setsockopt(fd, IPPROTO_IPV6, IPV6_MSFILTER, groupFilter(l.ifp.index, name(GROUP), mode, sources.map(name)));
    const get = (): unknown => {
      const b = groupFilter(0, name(GROUP), 0, [name('::'), name('::'), name('::')]);
      const all = parseGroupFilter(b.subarray(0, l.p.sys.getsockopt(fd, IPPROTO_IPV6, IPV6_MSFILTER, b)))!;
      return [all.mode, all.sources.map((one) => inet6Text(one.subarray(8, 24)))];
    };
    set(MCAST_INCLUDE, S1, S2);
    expect([get(), changes(l, fd)]).toEqual([[MCAST_INCLUDE, [S1, S2]], ['5:1,2', '5:1,2']]);
    set(MCAST_EXCLUDE, S1);
    expect([get(), changes(l, fd)]).toEqual([[MCAST_EXCLUDE, [S1]], ['4:1', '4:1']]);
    set(MCAST_INCLUDE);
    expect([changes(l, fd), l.ip6.groups.of(l.ifp).some((one) => one.equals(0xff05_0000 | 0, 0, 0, 0x77))]).toEqual([['3:', '3:'], false]);
    expect(get).toThrow(expect.objectContaining({ code: 'EADDRNOTAVAIL' }));
    for (const wrong of [() => set(7), () => l.p.sys.setsockopt(fd, IPPROTO_IPV6, IPV6_MSFILTER, groupFilter(0, name(STRANGER), MCAST_EXCLUDE, []))])
      expect(wrong).toThrow(expect.objectContaining({ code: 'EINVAL' }));
  });

  test('4.2: an interface listens to what all its sockets want', () => {
    const l = new Link();
    const [one, two] = [l.socket(SOCK_DGRAM), l.socket(SOCK_DGRAM)];
    changes(l, one, [MCAST_JOIN_SOURCE_GROUP, S1]);
    expect(changes(l, two, [MCAST_JOIN_GROUP])).toEqual(['4:', '4:']);
    expect(changes(l, two, [MCAST_BLOCK_SOURCE, S1], [MCAST_BLOCK_SOURCE, S2])).toEqual(['6:2', '6:2']);
    l.p.sys.close(two);
    expect(changes(l, one)).toEqual(['3:1', '3:1']);
  });

  test('6.2: a query is answered with the mode and the sources, one about sources with those that are heard', () => {
    const l = new Link();
    const fd = l.socket(SOCK_DGRAM);
    changes(l, fd, [MCAST_JOIN_SOURCE_GROUP, S1]);
    const answer = (...sources: string[]): string[] => {
      ask(l, 2, GROUP, 1000, 1, STRANGER, true, sources);
      l.run(2);
      return told(l);
    };
    expect([answer(), answer(S1, S2), answer(S2)]).toEqual([['1:1'], ['1:1'], []]);
    ask(l, 2, GROUP, 1000, 1, STRANGER, true, [S2]);
    ask(l, 2, GROUP, 1000, 1, STRANGER, true, [S1]);
    l.run(2);
    expect(told(l)).toEqual(['1:1']);
  });

  test('RFC 3678 5.1: what does not go together is refused', () => {
    const l = new Link();
    const fd = l.socket(SOCK_DGRAM);
    const refused = (code: string, name: number, source?: string, group = GROUP): void =>
      expect(() => option(l, fd, name, source, group)).toThrow(expect.objectContaining({ code }));
    refused('EADDRNOTAVAIL', MCAST_LEAVE_SOURCE_GROUP, S1);
    refused('EINVAL', MCAST_JOIN_SOURCE_GROUP, S1, '2001:db8::1');
    // RFC 4604 2.2.1: a group of single sources.
    refused('EINVAL', MCAST_JOIN_GROUP, undefined, 'ff3e::8000:1');
    option(l, fd, MCAST_JOIN_SOURCE_GROUP, S1, 'ff3e::8000:1');
    option(l, fd, MCAST_JOIN_SOURCE_GROUP, S1);
    refused('EADDRNOTAVAIL', MCAST_JOIN_SOURCE_GROUP, S1);
    refused('EINVAL', MCAST_BLOCK_SOURCE, S1);
    refused('EADDRINUSE', MCAST_JOIN_GROUP);
    expect(() => l.p.sys.setsockopt(fd, IPPROTO_IPV6, MCAST_JOIN_SOURCE_GROUP, new Uint8Array(263))).toThrow(expect.objectContaining({ code: 'EINVAL' }));
  });

  test('a socket hears its sources', () => {
    const l = new Link();
    const fd = l.socket(SOCK_DGRAM);
    l.p.sys.bind(fd, sockaddrIn6(new Uint8Array(16), 5000));
    option(l, fd, MCAST_JOIN_SOURCE_GROUP, S1);
    const arrives = (from: string): number => {
      l.say(packet6(from, GROUP, 17, udp6(from, GROUP, 5000, 5000, Uint8Array.of(7))));
      const b = new Uint8Array(4);
      l.p.sys.ioctl(fd, FIONREAD, b);
      if (b[0] > 0) l.p.sys.read(fd, new Uint8Array(9));
      return b[0];
    };
    expect([arrives(S1), arrives(S2)]).toEqual([1, 0]);
  });
});
