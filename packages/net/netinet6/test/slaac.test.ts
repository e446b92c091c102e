/** Addresses that come by themselves, of prefixes that a stranger advertises: lifetimes, temporary and stable ones. */
import { RTF_GATEWAY, RTF_UP } from '@anykernel/lib-sys';
import { ND_NA_OVERRIDE, ND_NA_SOLICITED } from '@anykernel/lib-wire';
import { Rtentry } from '@anykernel/net';
import { Link, STRANGER_LINK, addr, eui, nexthop, prefixInfo } from './link.js';

describe('addresses of prefixes (RFC 4862 5.5, RFC 5942)', () => {
  const PREFIX = '2001:db8:5::';

  test('a prefix gives an address and a route, with lifetimes', () => {
    const l = new Link();
    l.router({}, { prefixes: [prefixInfo(PREFIX, { valid: 10_000, preferred: 100 })] });
    l.run(3);
    const own = eui(l, '2001:db8:5:0:');
    expect(l.addresses[1]!.replace(':0:', '::')).toBe(`${own.replace(':0:', '::')}/64`);
    expect(l.ip6.rtable.lookup(0x2001_0db8, 0x0005_0000, 1, 1)?.gateway).toBeUndefined();
    l.run(100);
    expect(l.addresses[1]!.startsWith('deprecated')).toBe(true);
    l.run(10_000);
    expect([l.addresses.length, l.ip6.rtable.lookup(0x2001_0db8, 0x0005_0000, 1, 1)?.prefixLen]).toEqual([1, 0 === l.ip6.nd.routers.list.length ? undefined : 0]);
  });
  test.each<[string, object]>([
    ['preferred longer than valid', { valid: 10, preferred: 20 }],
    ['without the flag', { auto: false }],
    ['not of 64 bits', { len: 60 }],
    ['of link-local scope', { prefix: addr('fe80::') }],
    ['of no lifetime', { valid: 0, preferred: 0 }],
  ])('a prefix %s gives none (5.5.3)', (_what, more) => {
    const l = new Link();
    l.router({}, { prefixes: [prefixInfo(PREFIX, more)] });
    l.run(3);
    expect(l.addresses.length).toBe(1);
  });
  test('a prefix that is not said to be on the link has no route (RFC 5942 4)', () => {
    const l = new Link();
    l.router({}, { prefixes: [prefixInfo(PREFIX, { onLink: false })] });
    l.run(3);
    expect([l.addresses[1]!.endsWith('/128'), l.ip6.rtable.lookup(0x2001_0db8, 0x0005_0000, 1, 1)?.prefixLen]).toEqual([true, 0]);
  });
  describe('a prefix of no length (RFC 4861 4.6.2, 5.2)', () => {
    const everything = { prefixes: [prefixInfo('::', { len: 0, auto: false, valid: 100, preferred: 50 })] };
    const way = (l: Link): string => {
      const rt = l.ip6.rtable.lookup(0x2001_0db8, 0x0077_0000, 1, 1);
      return rt === undefined ? '-' : rt.gateway === undefined ? 'on the link' : 'by a router';
    };
    test.each<[string, (l: Link) => void]>([
      ['before a router is known', (l) => { l.router({ lifetime: 0 }, everything); l.router({ lifetime: 9000 }); }],
      ['by a router', (l) => l.router({ lifetime: 9000 }, everything)],
      ['after a router is known', (l) => { l.router({ lifetime: 9000 }); l.router({ lifetime: 9000 }, everything); }],
    ])('%s: everything is on the link while it is valid, and then goes by the router', (_when, act) => {
      const l = new Link();
      act(l);
      expect([way(l), l.ip6.nd.routers.list.length]).toEqual(['on the link', 1]);
      l.run(101);
      expect(way(l)).toBe('by a router');
    });
    test('a longer one is nearer, and a default route set by hand stays', () => {
      const l = new Link();
      l.router({ lifetime: 0 }, everything);
      l.run(101);
      expect(way(l)).toBe('-');
      const hand = new Rtentry(nexthop('::'), 0, nexthop('2001:db8::77'), l.ifp, undefined, RTF_UP | RTF_GATEWAY);
      l.k.run(() => l.ip6.inet.net.rtAdd(hand));
      l.router({ lifetime: 9000 }, everything);
      expect(l.ip6.rtable.lookup(0x2001_0db8, 0x0077_0000, 1, 1)).toBe(hand);
    });
  });
  test('who becomes a router forgets other routers, and still reaches the links of his own addresses', () => {
    const l = new Link();
    l.router({}, { prefixes: [prefixInfo(PREFIX)] });
    l.address('2001:db8:5::7');
    l.k.sysctl.set('net.inet6.ip6.forwarding', 1);
    const rt = l.ip6.rtable.lookup(0x2001_0db8, 0x0005_0000, 1, 1);
    expect([rt?.prefixLen, rt?.ifa !== undefined, l.ip6.nd.routers.list]).toEqual([64, true, []]);
  });
  test('an advertisement does not end an address within two hours (5.5.3 (e))', () => {
    const l = new Link();
    l.router({ lifetime: 9000 }, { prefixes: [prefixInfo(PREFIX)] });
    l.router({}, { prefixes: [prefixInfo(PREFIX, { valid: 10, preferred: 5 })] });
    l.run(7000);
    expect(l.addresses.length).toBe(2);
    l.run(300);
    expect(l.addresses.length).toBe(1);
  });
  test('a prefix that is withdrawn: its address is deprecated at once, and ends within two hours (5.5.3 (d), (e))', () => {
    const l = new Link();
    l.router({ lifetime: 9000 }, { prefixes: [prefixInfo(PREFIX)] });
    l.run(3);
    l.router({ lifetime: 9000 }, { prefixes: [prefixInfo(PREFIX, { valid: 0, preferred: 0 })] });
    l.run(1);
    expect(l.addresses[1]!.startsWith('deprecated')).toBe(true);
    l.run(7150);
    expect(l.addresses.length).toBe(2);
    l.run(50);
    expect(l.addresses.length).toBe(1);
  });
  test('a temporary address lives on with its prefix, within its own limits, and nobody ends it within two hours (RFC 8981 3.4)', () => {
    const l = new Link((k) => {
      k.sysctl.set('net.inet6.ip6.use_tempaddr', 1);
      k.sysctl.set('net.inet6.ip6.temppltime', 10_000);
      k.sysctl.set('net.inet6.ip6.tempvltime', 30_000);
    });
    const temporary = (): string[] => l.addresses.filter((a) => a.includes('temporary'));
    const say = (valid: number, preferred: number): void => l.router({ lifetime: 9000 }, { prefixes: [prefixInfo(PREFIX, { valid, preferred })] });
    say(3000, 1000);
    l.run(3);
    const first = temporary();
    for (let i = 0; i < 6; i++) {
      say(3000, 1000);
      l.run(900);
    }
    expect([first.length, temporary()]).toEqual([1, first]);
    for (let i = 0; i < 6; i++) {
      say(30_000, 20_000);
      l.run(900);
    }
    // The preferred time of the first one, ten thousand seconds less up to four tenths, is over.
    expect(temporary().map((a) => a.split(' ')[0])).toEqual(['deprecated', 'temporary']);
    say(0, 0);
    l.run(7100);
    expect(temporary().map((a) => a.split(' ')[0])).toEqual(['deprecated', 'deprecated']);
    l.run(200);
    expect(temporary()).toEqual([]);
  });
  test('temporary addresses stand beside, and are followed by others (RFC 8981 3.4)', () => {
    const l = new Link((k) => {
      k.sysctl.set('net.inet6.ip6.use_tempaddr', 1);
      k.sysctl.set('net.inet6.ip6.temppltime', 1000);
      k.sysctl.set('net.inet6.ip6.tempvltime', 3000);
    });
    l.router({ lifetime: 9000 }, { prefixes: [prefixInfo(PREFIX)] });
    l.run(3);
    const [first] = l.addresses.filter((a) => a.startsWith('temporary'));
    l.run(1100);
    const later = l.addresses.filter((a) => a.includes('temporary'));
    expect([first !== undefined, later.length, later[0]!.startsWith('deprecated'), later.at(-1)!.startsWith('temporary')]).toEqual([true, 2, true, true]);
    l.run(20_000);
    expect(l.addresses.filter((a) => a.includes('temporary')).length).toBeLessThanOrEqual(6);
  });
  test('a temporary address is the source (RFC 6724 5, rule 7)', () => {
    const l = new Link((k) => k.sysctl.set('net.inet6.ip6.use_tempaddr', 1));
    l.router({ lifetime: 9000 }, { prefixes: [prefixInfo(PREFIX)] });
    l.run(3);
    l.take();
    l.send('2001:db8:5::77');
    l.advertise('2001:db8:5::77', ND_NA_SOLICITED, STRANGER_LINK, l.addresses[2]!.split(/[ /]/)[1]!);
    const sent = l.take().find(({ protocol }) => protocol === 17);
    expect(`temporary ${sent!.src}/64`).toBe(l.addresses.find((a) => a.startsWith('temporary')));
  });
  test('stable identifiers differ by prefix and not by time, and another is tried after a conflict (RFC 7217 5, 6)', () => {
    const l = new Link((k) => k.sysctl.set('net.inet6.ip6.use_stableaddr', 1));
    const tail = (a: string): string => a.split('/')[0]!.split(':').slice(-4).join(':');
    l.router({ lifetime: 9000 }, { prefixes: [prefixInfo(PREFIX)] });
    const first = l.addresses[1]!.split(' ').at(-1)!;
    l.advertise(first.split('/')[0]!, ND_NA_OVERRIDE, STRANGER_LINK, 'ff02::1');
    l.run(3);
    l.router({ lifetime: 9000 }, { prefixes: [prefixInfo('2001:db8:6::')] });
    l.run(3);
    const [local, second, third] = l.addresses;
    expect(new Set([tail(local!.replace('%2', '')), tail(first), tail(second!), tail(third!)]).size).toBe(4);
    expect(l.addresses.some((a) => a.includes('duplicated'))).toBe(false);
  });
});
