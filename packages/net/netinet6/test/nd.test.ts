/** Neighbour discovery, duplicate address detection, autoconfiguration, redirects: against a stranger who says what the standards allow, and what they do not. */
import { getU32le, putU32le } from '@anykernel/lib-bytes';
import {
  AF_INET6, IFF_UP, IN6_NDIREQ_LEN, SIOCGIFINFO_IN6, SIOCSIFINFO_IN6, SOCK_DGRAM, ifreq, inet6Text, linkParse, linkText,
} from '@anykernel/lib-sys';
import { ND_NA_OVERRIDE, ND_NA_ROUTER, ND_NA_SOLICITED, parseNdOptions } from '@anykernel/lib-wire';
import { IFA_ANYCAST, type Ifnet, net } from '@anykernel/net';
import { shmif } from '@anykernel/shmif';
import { Link, STRANGER, STRANGER_LINK, addr, eui, icmp6, nexthop, packet6, prefixInfo } from './link.js';

const OTHER_LINK = linkParse('02:00:00:00:00:77') as Uint8Array;
const NS = 135;
const NA = 136;

function solicitedGroup(text: string): string {
  const b = addr('ff02::1:ff00:0');
  b.set(addr(text).subarray(13), 13);
  return inet6Text(b);
}

describe('duplicate address detection (RFC 4862 5.4)', () => {
  test('an address is solicited for from nobody, and good when nobody answers', () => {
    const l = new Link(undefined, 1, 0);
    const before = l.addresses;
    l.run(1.01);
    const [ns] = l.takeIcmp(NS);
    expect([before[0]!.startsWith('tentative fe80::'), ns!.src, ns!.hops, ns!.dst.startsWith('ff02::1:ff'), ns!.body.length]).toEqual([true, '::', 255, true, 32]);
    l.run(2);
    expect(l.addresses).toEqual([`${eui(l, 'fe80::')}%2/64`]);
  });
  test('dad_count says how often; with 0 an address is good at once', () => {
    const twice = new Link((k) => k.sysctl.set('net.inet6.ip6.dad_count', 2), 1, 0);
    twice.run(4);
    expect(twice.takeIcmp(NS).length).toBe(2);
    const never = new Link((k) => k.sysctl.set('net.inet6.ip6.dad_count', 0), 1, 0);
    expect(never.addresses).toEqual([`${eui(never, 'fe80::')}%2/64`]);
  });
  test.each([
    ['an advertisement for it (5.4.4)', (l: Link) => l.advertise('2001:db8::5', ND_NA_OVERRIDE, STRANGER_LINK, 'ff02::1')],
    ['a solicitation from nobody for it (5.4.3)', (l: Link) => l.solicit('2001:db8::5', '::', 'ff02::1:ff00:5', {})],
  ])('%s: it is not used', (_what, conflict) => {
    const l = new Link();
    l.address('2001:db8::5', 64, false);
    conflict(l);
    l.run(5);
    expect(l.addresses[1]).toBe('duplicated 2001:db8::5/64');
    expect(l.ping('2001:db8::5')).toEqual([]);
    // Who has it is reached on the link.
    l.send('2001:db8::5');
    expect(l.takeIcmp(NS).map(({ dst }) => dst)).toEqual(['ff02::1:ff00:5']);
  });
  test('an interface that comes up again looks again (RFC 4862 5.4)', () => {
    const l = new Link();
    l.address('2001:db8::5', 64, false);
    l.advertise('2001:db8::5', ND_NA_OVERRIDE, STRANGER_LINK, 'ff02::1');
    const state = l.k.modules.use(net);
    l.k.run(() => state.setFlags(l.ifp, l.ifp.flags & ~IFF_UP));
    l.k.run(() => state.setFlags(l.ifp, l.ifp.flags | IFF_UP));
    l.run(3);
    l.solicit(l.local);
    expect([l.addresses[1], l.ping('2001:db8::5').length]).toEqual(['2001:db8::5/64', 1]);
  });
  test('our own solicitation, sent back by the link, is no conflict (RFC 7527)', () => {
    const l = new Link();
    l.address('2001:db8::5', 64, false);
    l.run(1.001);
    for (const ns of l.takeIcmp(NS)) l.say(ns.bytes);
    l.run(5);
    expect(l.addresses[1]).toBe('2001:db8::5/64');
  });
  test('a solicitation from an address for a tentative one is left unanswered (5.4.3)', () => {
    const l = new Link();
    l.address('2001:db8::5', 64, false);
    l.solicit('2001:db8::5', STRANGER, 'ff02::1:ff00:5');
    expect(l.takeIcmp(NA)).toEqual([]);
  });
  test('somebody has the address that is made of our link address: IPv6 stops on that interface (5.4.5)', () => {
    const l = new Link(undefined, 1, 0);
    const own = eui(l, 'fe80::');
    l.advertise(own, ND_NA_OVERRIDE, STRANGER_LINK, 'ff02::1');
    l.run(3);
    expect([l.ip6.if6(l.ifp).disabled, l.ping(own)]).toEqual([true, []]);
  });
});

describe('solicitations and advertisements (RFC 4861 7)', () => {
  test('a solicitation is answered, and who asked is known (7.2.3, 7.2.4)', () => {
    const l = new Link();
    l.solicit(l.local);
    const [na] = l.takeIcmp(NA);
    const flags = new DataView(na!.body.buffer).getUint32(4);
    const options = parseNdOptions(na!.body, 24, na!.body.length)!;
    expect([na!.dst, na!.hops, flags, linkText(options.targetLink!)]).toEqual([STRANGER, 255, (ND_NA_SOLICITED | ND_NA_OVERRIDE) >>> 0, linkText(l.ifp.lladdr)]);
    // The answer itself has needed it.
    expect(l.neighbours).toEqual([`${STRANGER} delay 02:00:00:00:00:99`]);
  });
  test('one from nobody is answered to all (7.2.4)', () => {
    const l = new Link();
    l.address('2001:db8::5');
    l.solicit('2001:db8::5', '::', 'ff02::1:ff00:5', {});
    const [na] = l.takeIcmp(NA);
    expect([na!.dst, new DataView(na!.body.buffer).getUint32(4)]).toEqual(['ff02::1', ND_NA_OVERRIDE]);
  });
  test('an answer for an anycast address does not insist (7.2.4)', () => {
    const l = new Link();
    l.address('2001:db8::5');
    l.ip6.ours.find(0x2001_0db8, 0, 0, 5)!.flags |= IFA_ANYCAST;
    l.solicit('2001:db8::5');
    expect(new DataView(l.takeIcmp(NA)[0]!.body.buffer).getUint32(4)).toBe(ND_NA_SOLICITED >>> 0);
  });
  test('a router says that it is one (4.4)', () => {
    const l = new Link((k) => k.sysctl.set('net.inet6.ip6.forwarding', 1));
    l.solicit(l.local);
    expect(l.takeIcmp(NA)[0]!.body[4]! & 0x80).toBe(ND_NA_ROUTER >>> 24);
  });
  test.each<[string, (l: Link) => void]>([
    ['a hop limit of 254', (l) => l.solicit(l.local, STRANGER, l.local, {}, 254)],
    ['a code', (l) => l.nd(NS, STRANGER, l.local, 0, addr(l.local), {}, 255, 1)],
    ['less than 24 bytes', (l) => l.nd(NS, STRANGER, l.local, 0, addr(l.local).slice(0, 8), {})],
    ['a target that is a group', (l) => l.nd(NS, STRANGER, l.local, 0, addr('ff02::1'), {})],
    ['nobody and a link address', (l) => l.solicit(l.local, '::', solicitedGroup(l.local))],
    ['nobody and no solicited-node group', (l) => l.solicit(l.local, '::', 'ff02::1', {})],
    ['an option of no length', (l) => l.nd(NS, STRANGER, l.local, 0, Uint8Array.of(...addr(l.local), 1, 0, 0, 0, 0, 0, 0, 0), {})],
    ['a fragment header (RFC 6980)', (l) => l.say(packet6(STRANGER, l.local, 58, icmp6(STRANGER, l.local, NS, 0, 0, addr(l.local)), 255, [[44, new Uint8Array(8)]]))],
  ])('with %s it is dropped (7.1.1)', (_what, act) => {
    const l = new Link();
    const before = l.ip6.icmp.stats.badnd;
    act(l);
    expect([l.takeIcmp(NA), l.neighbours, l.ip6.icmp.stats.badnd - before]).toEqual([[], [], 1]);
  });
  test('nobody answers: three questions to the group, a second apart, then the sender hears of it (7.2.2)', () => {
    const l = new Link();
    l.send(STRANGER);
    l.run(2.9);
    const asked = l.takeIcmp(NS);
    expect(asked.map(({ dst }) => dst)).toEqual(['ff02::1:ff00:99', 'ff02::1:ff00:99', 'ff02::1:ff00:99']);
    expect(asked.map(({ at }) => Math.round(at - asked[0]!.at))).toEqual([0, 1, 2]);
    l.run(0.2);
    expect([l.ip6.icmp.stats.error, l.neighbours]).toEqual([1, [`${STRANGER} failed -`]]);
    l.run(5);
    expect([l.neighbours, l.ip6.mbufs.used]).toEqual([[], 0]);
  });
  test('packets wait for the answer, in their order', () => {
    const l = new Link();
    for (let i = 0; i < 3; i++) l.send(STRANGER);
    l.take();
    l.advertise(STRANGER);
    expect([l.take().filter(({ protocol }) => protocol === 17).length, l.neighbours]).toEqual([3, [`${STRANGER} reachable 02:00:00:00:00:99`]]);
  });
  test.each<[string, number, Uint8Array | undefined, string]>([
    ['solicited, the same link address', ND_NA_SOLICITED, STRANGER_LINK, 'reachable 02:00:00:00:00:99'],
    ['unsolicited, override, another', ND_NA_OVERRIDE, OTHER_LINK, 'stale 02:00:00:00:00:77'],
    ['solicited, override, another', ND_NA_SOLICITED | ND_NA_OVERRIDE, OTHER_LINK, 'reachable 02:00:00:00:00:77'],
    ['no override, another', ND_NA_SOLICITED, OTHER_LINK, 'stale 02:00:00:00:00:99'],
    ['unsolicited, the same', 0, STRANGER_LINK, 'reachable 02:00:00:00:00:99'],
  ])('to a reachable neighbour: %s (7.2.5)', (_what, flags, link, state) => {
    const l = new Link();
    l.send(STRANGER);
    l.advertise(STRANGER);
    l.advertise(STRANGER, flags, link);
    expect(l.neighbours).toEqual([`${STRANGER} ${state}`]);
  });
  test('an advertisement that nobody asked for makes no neighbour (7.2.5)', () => {
    const l = new Link();
    l.advertise(STRANGER);
    expect(l.neighbours).toEqual([]);
  });
  test('a stale neighbour that is needed is asked itself after five seconds, and forgotten after three questions (7.3.3)', () => {
    const l = new Link();
    l.solicit(l.local);
    l.send(STRANGER);
    l.take();
    l.run(4.9);
    expect([l.takeIcmp(NS), l.neighbours[0]!.includes('delay')]).toEqual([[], true]);
    l.run(2.5);
    expect(l.takeIcmp(NS).map(({ dst }) => dst)).toEqual([STRANGER, STRANGER, STRANGER]);
    l.run(1);
    expect(l.neighbours).toEqual([]);
  });
  test('strangers make us remember no more than so many', () => {
    const l = new Link();
    for (let i = 0; i < 4200; i++) l.solicit(l.local, `fe80::1:${i.toString(16)}`);
    expect(l.ip6.nd.neighbours.count).toBeLessThanOrEqual(4096);
  });
});

describe('routers (RFC 4861 6.3)', () => {
  function route(l: Link): string {
    const rt = l.ip6.rtable.lookup(0x2001_0000, 0, 0, 1);
    return rt?.gateway === undefined ? '-' : l.ip6.nd.text(rt.gateway);
  }

  test('a host asks again and again, each time after twice as long, up to an hour (6.3.7, RFC 7559 2)', () => {
    const l = new Link(undefined, 1, 0);
    l.run(30_000);
    const rs = l.takeIcmp(133);
    expect(new Set(rs.map(({ dst, hops }) => `${dst} ${hops}`))).toEqual(new Set(['ff02::2 255']));
    const gaps = rs.slice(1).map(({ at }, i) => at - rs[i]!.at);
    expect(Math.abs(gaps[0]! - 4)).toBeLessThanOrEqual(0.41);
    for (const [i, gap] of gaps.slice(1).entries())
      if (gap < 3000) expect(Math.abs(gap / gaps[i]! - 2)).toBeLessThanOrEqual(0.11);
    expect(gaps.filter((gap) => gap > 3240 && gap < 3960).length).toBeGreaterThanOrEqual(5);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(3960);
  });
  test('it stops when there is a router, and when it is one itself', () => {
    const l = new Link(undefined, 1, 0);
    l.run(10);
    l.router({});
    l.takeIcmp(133);
    l.run(100);
    expect(l.takeIcmp(133)).toEqual([]);
    const r = new Link(undefined, 1, 0);
    r.run(10);
    r.takeIcmp(133);
    r.k.sysctl.set('net.inet6.ip6.forwarding', 1);
    r.run(100);
    expect(r.takeIcmp(133)).toEqual([]);
  });
  test('a router is the default for its lifetime, and not without one (6.3.4)', () => {
    const l = new Link();
    l.router({ lifetime: 100 });
    expect([route(l), l.neighbours]).toEqual([`${STRANGER}%2`, [`${STRANGER} stale 02:00:00:00:00:99`]]);
    l.run(101);
    expect(route(l)).toBe('-');
    l.router({ lifetime: 100 });
    l.router({ lifetime: 0 });
    expect(route(l)).toBe('-');
  });
  test('one with a higher preference is taken (RFC 4191 3.2)', () => {
    const l = new Link();
    l.router({});
    l.router({ flags: 1 << 3 }, {}, 'fe80::98');
    expect(route(l)).toBe('fe80::98%2');
    l.router({ flags: 3 << 3 }, {}, 'fe80::98');
    expect(route(l)).toBe(`${STRANGER}%2`);
  });
  test('one that does not answer is given up for another (6.3.6)', () => {
    const l = new Link();
    l.address('2001:db8:1::1');
    l.router({}, { sourceLink: undefined } as never);
    l.router({}, {}, 'fe80::98');
    l.send('2001:db8:ffff::1');
    l.run(5);
    expect(route(l)).toBe('fe80::98%2');
  });
  test('what it says of the link is used: MTU, hop limit, times', () => {
    const l = new Link();
    l.address('2001:db8::5');
    l.router({ hopLimit: 33, retransMs: 500 }, { mtu: 1400 });
    l.take();
    l.send(STRANGER);
    const sent = l.take().find(({ protocol }) => protocol === 17)!;
    const rt = l.ip6.rtable.lookup(0x2001_0db8, 0, 0, 9)!;
    expect([sent.hops, l.ip6.linkMtu(rt.ifp, rt.pathMtu), l.ip6.if6(l.ifp).retransMs]).toEqual([33, 1400, 500]);
    l.router({}, { mtu: 1000 });
    expect(l.ip6.linkMtu(rt.ifp, rt.pathMtu)).toBe(1400);
  });
  describe('times of neighbours are of each interface (6.3.2)', () => {
    const two = (): { l: Link; other: Ifnet } => {
      const l = new Link();
      const other = l.k.modules.use(shmif).create('wire2');
      l.k.run(() => l.k.modules.use(net).setFlags(other, other.flags | IFF_UP));
      l.run(3);
      l.take();
      return { l, other };
    };
    const info = (l: Link, cmd: number, set: (b: Uint8Array) => void = () => {}): Uint8Array => {
      const b = ifreq(l.ifp.name, IN6_NDIREQ_LEN);
      set(b);
      l.p.sys.ioctl(l.socket(SOCK_DGRAM), cmd, b);
      return b;
    };

    test('what a router says holds for his link', () => {
      const { l, other } = two();
      l.router({ reachableMs: 4000, retransMs: 300 });
      const mine = l.ip6.if6(l.ifp);
      const its = l.ip6.if6(other);
      expect([mine.baseReachableMs, mine.retransMs, its.baseReachableMs, its.retransMs]).toEqual([4000, 300, 30_000, 1000]);
      expect(mine.reachableMs >= 2000 && mine.reachableMs <= 6000).toBe(true);
    });

    test('questions go at its interval, answers are good for its time', () => {
      const { l } = two();
      l.address('2001:db8::5');
      l.router({ reachableMs: 4000, retransMs: 300 });
      l.take();
      l.send('2001:db8::77');
      l.run(2);
      expect(l.takeIcmp(NS).map(({ at }, i, all) => Math.round((at - all[0]!.at) * 1000))).toEqual([0, 300, 600]);
      l.send('2001:db8::78');
      l.advertise('2001:db8::78', ND_NA_SOLICITED | ND_NA_OVERRIDE, STRANGER_LINK);
      const n = l.ip6.nd.neighbours.find(l.ifp, nexthop('2001:db8::78'))!;
      expect(n.state).toBe('reachable');
      l.run(6.1);
      expect(n.state).toBe('stale');
    });

    test('SIOCSIFINFO_IN6 sets them, within what is sensible', () => {
      const { l, other } = two();
      info(l, SIOCSIFINFO_IN6, (b) => {
        putU32le(b, 16, 1300);
        putU32le(b, 24, 10_000);
        putU32le(b, 32, 250);
        b[44] = 9;
      });
      const b = info(l, SIOCGIFINFO_IN6);
      expect([getU32le(b, 16), getU32le(b, 24), getU32le(b, 32), b[44]]).toEqual([1300, 10_000, 250, 9]);
      expect([l.ip6.if6(other).retransMs, l.ip6.if6(l.ifp).linkMtu]).toEqual([1000, 1300]);
      for (const [off, value] of [[16, 1279], [16, 1501], [24, 3_600_001], [32, 60_001]] as const)
        expect(() => info(l, SIOCSIFINFO_IN6, (bad) => putU32le(bad, off, value))).toThrow(expect.objectContaining({ code: 'EINVAL' }));
      const user = l.k.newproc({ uid: 7, gid: 7 });
      const fd = user.sys.socket(AF_INET6, SOCK_DGRAM, 0);
      expect(() => user.sys.ioctl(fd, SIOCSIFINFO_IN6, ifreq(l.ifp.name, IN6_NDIREQ_LEN))).toThrow(expect.objectContaining({ code: 'EPERM' }));
    });
  });
  test.each<[string, (l: Link) => void]>([
    ['from an address that is not of link-local scope (6.1.2)', (l) => l.router({}, {}, '2001:db8::99')],
    ['while accept_rtadv is off', (l) => { l.k.sysctl.set('net.inet6.ip6.accept_rtadv', 0); l.router({}); }],
    ['while we are a router (6.2.2)', (l) => { l.k.sysctl.set('net.inet6.ip6.forwarding', 1); l.router({}); }],
  ])('%s nothing is believed', (_what, act) => {
    const l = new Link();
    act(l);
    expect(route(l)).toBe('-');
  });
  test('a host remembers no more routers and prefixes than so many', () => {
    const l = new Link();
    for (let i = 1; i < 40; i++) l.router({}, { prefixes: [prefixInfo(`2001:db8:${i}::`)] }, `fe80::a:${i}`);
    l.run(3);
    expect([l.ip6.nd.routers.list.length, l.addresses.length]).toEqual([16, 17]);
  });
});

describe('redirects (RFC 4861 8)', () => {
  function redirected(l: Link, from: string, target: string, dst = '2001:db8:ffff::1'): string {
    const body = new Uint8Array(32);
    body.set(addr(target));
    body.set(addr(dst), 16);
    l.nd(137, from, l.local, 0, body, { targetLink: OTHER_LINK });
    const a = nexthop(dst);
    const rt = l.ip6.rtable.lookup(a.w0, a.w1, a.w2, a.w3);
    return rt?.gateway === undefined ? 'on link' : l.ip6.nd.text(rt.gateway);
  }

  test('another router, or the destination itself, is taken, for a while (8.3)', () => {
    const l = new Link();
    l.router({ lifetime: 9000 });
    expect(redirected(l, STRANGER, 'fe80::98')).toBe('fe80::98%2');
    expect(redirected(l, STRANGER, '2001:db8:ffff::2', '2001:db8:ffff::2')).toBe('on link');
    l.run(601);
    expect(l.ip6.nd.text(l.ip6.rtable.lookup(0x2001_0db8, 0xffff_0000 | 0, 0, 1)!.gateway!)).toBe(`${STRANGER}%2`);
  });
  test.each<[string, string, string]>([
    ['from another than the router in use', 'fe80::98', 'fe80::97'],
    ['to a target that is neither a router nor the destination', STRANGER, '2001:db8::7'],
  ])('%s it is dropped (8.1)', (_what, from, target) => {
    const l = new Link();
    l.router({});
    expect(redirected(l, from, target)).toBe(`${STRANGER}%2`);
  });
});
