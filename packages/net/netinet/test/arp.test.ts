import { type SimHost, Sim } from '@anykernel/host-sim';
import {
  AF_INET, IFF_UP, NET_RT_FLAGS, PF_ROUTE, RTA_DST, RTA_GATEWAY, RTF_ANNOUNCE, RTF_HOST, RTF_LLDATA, RTF_STATIC, RTF_UP, RTM_ADD, RTM_DELETE, RTM_GET, SOCK_DGRAM,
  SOCK_RAW, inetParse, inetText, linkParse, linkText, parseSockaddrDl, sockaddrDl, sockaddrIn,
} from '@anykernel/lib-sys';
import { ARPOP_REPLY, ARPOP_REQUEST, type ArpPacket, ETHERTYPE_ARP, emitArp, parseArp } from '@anykernel/lib-wire';
import { type Ifnet, Nexthop, emitRtMessage, etherSend, net, parseRtMessage } from '@anykernel/net';
import { addAddress, netinet } from '@anykernel/netinet';
import { type Kernel, boot } from '@anykernel/rumpkern';
import { shmif } from '@anykernel/shmif';

const SEC = 1e9;
const BROADCAST = new Uint8Array(6).fill(0xff);
const ZERO = new Uint8Array(6);
const NONE = new Uint8Array(0);

function ip(text: string): number {
  return inetParse(text) as number;
}

/** A host under test, and a stranger on its link who speaks ARP as we tell him. */
class Link {
  readonly sim = new Sim();
  readonly k: Kernel;
  readonly ifp: Ifnet;
  readonly stranger: Ifnet;
  readonly #strangers: Kernel;
  /** ARP packets that the stranger has seen, with the time in seconds, and other packets. */
  readonly seen: { at: number; arp: ArpPacket }[] = [];
  packets = 0;
  readonly #hosts: SimHost[] = [];

  /** With an address, and its announcements over; or without one. */
  constructor(address: '10.0.0.1' | 'none' | 'new' = '10.0.0.1') {
    this.k = boot(this.#host(), [netinet, shmif]);
    this.#strangers = boot(this.#host(), [shmif]);
    this.ifp = this.k.modules.use(shmif).create('wire');
    this.stranger = this.#strangers.modules.use(shmif).create('wire');
    const state = this.#strangers.modules.use(net);
    this.#strangers.run(() => state.setFlags(this.stranger, this.stranger.flags | IFF_UP));
    state.etherTypes.set(ETHERTYPE_ARP, (m) => {
      const arp = parseArp(m.buf, m.off, m.off + m.len);
      if (arp !== undefined) this.seen.push({ at: this.sim.now / SEC, arp });
      this.stranger.mbufs.free(m);
    });
    state.isr(AF_INET, (m) => {
      this.packets++;
      this.stranger.mbufs.free(m);
    });
    this.k.run(() => this.k.modules.use(net).setFlags(this.ifp, this.ifp.flags | IFF_UP));
    if (address !== 'none') this.address('10.0.0.1');
    if (address !== '10.0.0.1') return;
    this.run(3);
    this.seen.length = 0;
  }

  #host(): SimHost {
    const host = this.sim.host();
    this.#hosts.push(host);
    return host;
  }

  address(text: string): void {
    this.k.run(() => addAddress(this.k.modules.use(netinet).ip, this.ifp, ip(text) | 0, 24, undefined));
  }

  get arp() {
    return this.k.modules.use(netinet).arp;
  }

  /** `10.0.0.2 reachable 02:...` for each neighbour. */
  get table(): string[] {
    return this.arp.neighbours.list().map((n) => `${inetText(n.addr.w0 >>> 0)} ${n.state} ${n.lladdr === undefined ? '-' : linkText(n.lladdr)}`);
  }

  run(seconds: number): void {
    this.sim.advance(seconds * SEC);
  }

  /** The host sends a datagram. */
  send(to: string): void {
    const p = this.k.newproc();
    const fd = p.sys.socket(AF_INET, SOCK_DGRAM, 0);
    p.sys.sendto(fd, Uint8Array.of(1, 2, 3), 0, sockaddrIn(ip(to), 9));
    p.sys.close(fd);
    this.run(0.001);
  }

  /** The stranger sends ARP. */
  say(op: number, sender: string, senderLink: Uint8Array, target: string, to: Uint8Array = BROADCAST): void {
    this.#strangers.run(() => {
      const m = this.stranger.mbufs.get(28);
      emitArp({ op, sender: ip(sender), senderLink, target: ip(target), targetLink: ZERO }, m.buf, m.off);
      etherSend(this.stranger, m, to, ETHERTYPE_ARP);
    });
    this.run(0.001);
  }

  raw(bytes: Uint8Array, type = ETHERTYPE_ARP): void {
    this.#strangers.run(() => etherSend(this.stranger, this.stranger.mbufs.fromBytes(bytes), this.ifp.lladdr, type));
    this.run(0.001);
  }

  /** Both end, and all memory of packets has come back. */
  end(): void {
    this.k.run(() => this.arp.neighbours.flush());
    expect(this.ifp.mbufs.used).toBe(0);
    this.k.halt();
    this.#strangers.halt();
  }
}

const MAC = linkParse('02:00:00:00:00:02') as Uint8Array;
const OTHER = linkParse('02:00:00:00:00:03') as Uint8Array;

test('a neighbour is asked for, packets wait, and go when it answers', () => {
  const link = new Link();
  link.send('10.0.0.2');
  link.send('10.0.0.2');
  expect(link.seen.map((s) => s.arp)).toEqual([{ op: ARPOP_REQUEST, sender: ip('10.0.0.1'), senderLink: link.ifp.lladdr, target: ip('10.0.0.2'), targetLink: ZERO }]);
  expect(link.packets).toBe(0);
  link.say(ARPOP_REPLY, '10.0.0.2', link.stranger.lladdr, '10.0.0.1', link.ifp.lladdr);
  expect(link.packets).toBe(2);
  link.send('10.0.0.2');
  expect(link.packets).toBe(3);
  expect(link.table).toEqual([`10.0.0.2 reachable ${linkText(link.stranger.lladdr)}`]);
  link.end();
});

test('at most 64 packets wait, and the oldest goes first', () => {
  const link = new Link();
  for (let i = 0; i < 80; i++) link.send('10.0.0.2');
  link.say(ARPOP_REPLY, '10.0.0.2', link.stranger.lladdr, '10.0.0.1', link.ifp.lladdr);
  expect(link.packets).toBe(64);
  link.end();
});

test('who does not answer is asked five times, a second apart, and then refused for twenty seconds', () => {
  const link = new Link();
  link.send('10.0.0.2');
  const start = link.sim.now / SEC;
  link.run(6);
  expect(link.seen.map((s) => Math.round(s.at - start + 0.01))).toEqual([0, 1, 2, 3, 4]);
  expect(link.table).toEqual(['10.0.0.2 failed -']);
  expect(link.ifp.mbufs.used).toBe(0);
  link.send('10.0.0.2');
  expect(link.seen).toHaveLength(5);
  link.run(20);
  link.send('10.0.0.2');
  expect(link.seen).toHaveLength(6);
  link.end();
});

test('the sender of a packet for somebody who does not answer hears EHOSTUNREACH', () => {
  const link = new Link();
  const p = link.k.newproc();
  const fd = p.sys.socket(AF_INET, SOCK_DGRAM, 0);
  p.sys.connect(fd, sockaddrIn(ip('10.0.0.2'), 9));
  p.sys.write(fd, Uint8Array.of(1));
  link.run(6);
  expect(() => p.sys.write(fd, Uint8Array.of(1))).toThrow(expect.objectContaining({ code: 'EHOSTUNREACH' }));
  p.sys.close(fd);
  link.end();
});

test('an entry becomes stale after arp.keep, is asked directly when it is needed, and forgotten when it does not answer', () => {
  const link = new Link();
  link.k.sysctl.set('net.inet.arp.keep', 5);
  link.send('10.0.0.2');
  link.say(ARPOP_REPLY, '10.0.0.2', link.stranger.lladdr, '10.0.0.1', link.ifp.lladdr);
  link.run(5.1);
  expect(link.table).toEqual([`10.0.0.2 stale ${linkText(link.stranger.lladdr)}`]);
  link.seen.length = 0;
  link.send('10.0.0.2');
  expect(link.packets).toBe(2);
  link.run(5.1);
  expect(link.seen.map((s) => s.arp.op)).toEqual([ARPOP_REQUEST]);
  link.say(ARPOP_REPLY, '10.0.0.2', link.stranger.lladdr, '10.0.0.1', link.ifp.lladdr);
  expect(link.table).toEqual([`10.0.0.2 reachable ${linkText(link.stranger.lladdr)}`]);
  link.run(5.1);
  link.send('10.0.0.2');
  link.run(9);
  expect(link.table).toEqual([]);
  link.end();
});

test('an entry that nobody needs is forgotten', () => {
  const link = new Link();
  link.k.sysctl.set('net.inet.arp.keep', 10);
  link.send('10.0.0.2');
  link.say(ARPOP_REPLY, '10.0.0.2', link.stranger.lladdr, '10.0.0.1', link.ifp.lladdr);
  link.run(21);
  expect(link.table).toEqual([]);
  link.end();
});

test('a request for us is answered, and its sender is known from then on', () => {
  const link = new Link();
  link.say(ARPOP_REQUEST, '10.0.0.2', link.stranger.lladdr, '10.0.0.1');
  expect(link.seen.map((s) => s.arp)).toEqual([
    { op: ARPOP_REPLY, sender: ip('10.0.0.1'), senderLink: link.ifp.lladdr, target: ip('10.0.0.2'), targetLink: link.stranger.lladdr },
  ]);
  expect(link.table).toEqual([`10.0.0.2 stale ${linkText(link.stranger.lladdr)}`]);
  link.end();
});

test('requests for others are neither answered nor remembered', () => {
  const link = new Link();
  link.say(ARPOP_REQUEST, '10.0.0.2', MAC, '10.0.0.3');
  expect([link.seen, link.table]).toEqual([[], []]);
  link.end();
});

test('a neighbour that has moved is followed, and said; a permanent one is not', () => {
  const link = new Link();
  link.send('10.0.0.2');
  link.say(ARPOP_REPLY, '10.0.0.2', MAC, '10.0.0.1', link.ifp.lladdr);
  link.say(ARPOP_REQUEST, '10.0.0.2', OTHER, '10.0.0.2');
  expect(link.table).toEqual([`10.0.0.2 stale ${linkText(OTHER)}`]);
  expect(link.k.msgbuf.text()).toContain('10.0.0.2 moved from 02:00:00:00:00:02 to 02:00:00:00:00:03 on shmif0');
  const { neighbours } = link.arp;
  neighbours.permanent(neighbours.create(link.ifp, new Nexthop().set(AF_INET, ip('10.0.0.7'), 0, 0, 0)), MAC);
  link.say(ARPOP_REPLY, '10.0.0.7', OTHER, '10.0.0.1', link.ifp.lladdr);
  expect(link.table).toContain('10.0.0.7 permanent 02:00:00:00:00:02');
  link.end();
});

test('a published entry is answered for', () => {
  const link = new Link();
  const { neighbours } = link.arp;
  const n = neighbours.create(link.ifp, new Nexthop().set(AF_INET, ip('10.0.0.7'), 0, 0, 0));
  neighbours.permanent(n, MAC);
  n.published = true;
  link.say(ARPOP_REQUEST, '10.0.0.2', link.stranger.lladdr, '10.0.0.7');
  expect(link.seen.map((s) => [s.arp.op, inetText(s.arp.sender), linkText(s.arp.senderLink)])).toEqual([[ARPOP_REPLY, '10.0.0.7', '02:00:00:00:00:02']]);
  link.end();
});

describe('through the routing socket (arp -a, -s, -d)', () => {
  function ask(link: Link, type: number, to: string, gateway: Uint8Array = NONE, flags = 0): ReturnType<typeof parseRtMessage> {
    const p = link.k.newproc();
    const fd = p.sys.socket(PF_ROUTE, SOCK_RAW, AF_INET);
    const addrs = new Map([[RTA_DST, sockaddrIn(ip(to))]]);
    if (gateway.length > 0) addrs.set(RTA_GATEWAY, sockaddrDl(0, 6, '', gateway));
    try {
      p.sys.write(fd, emitRtMessage({ type, flags: RTF_LLDATA | flags, addrs }));
      const b = new Uint8Array(512);
      return parseRtMessage(b.slice(0, p.sys.read(fd, b)));
    } finally {
      p.sys.close(fd);
    }
  }

  test('neighbours are shown, set and deleted', () => {
    const link = new Link();
    link.say(ARPOP_REQUEST, '10.0.0.2', OTHER, '10.0.0.1');
    expect(parseSockaddrDl(ask(link, RTM_GET, '10.0.0.2')?.addrs.get(RTA_GATEWAY) ?? NONE)).toMatchObject({ name: 'shmif0', addr: OTHER });
    expect((ask(link, RTM_ADD, '10.0.0.7', MAC, RTF_ANNOUNCE)?.flags ?? 0) & (RTF_STATIC | RTF_ANNOUNCE)).toBe(RTF_STATIC | RTF_ANNOUNCE);
    expect(link.table).toEqual([`10.0.0.2 stale ${linkText(OTHER)}`, `10.0.0.7 permanent ${linkText(MAC)}`]);
    const dump = link.k.sysctl.get([4, 17, 0, AF_INET, NET_RT_FLAGS, RTF_LLDATA]) as Uint8Array;
    const first = parseRtMessage(dump.slice(0, dump.length / 2));
    expect(first?.flags).toBe(RTF_UP | RTF_HOST | RTF_LLDATA);
    ask(link, RTM_DELETE, '10.0.0.2');
    ask(link, RTM_DELETE, '10.0.0.7');
    expect(link.table).toEqual([]);
    link.end();
  });

  test.each([
    ['ESRCH', RTM_GET, '10.0.0.2', undefined],
    ['ESRCH', RTM_DELETE, '10.0.0.2', undefined],
    ['ENETUNREACH', RTM_GET, '99.0.0.2', undefined],
    ['ENETUNREACH', RTM_ADD, '127.0.0.1', MAC],
    ['EINVAL', RTM_ADD, '10.0.0.2', undefined],
    ['EINVAL', RTM_ADD, '10.0.0.2', Uint8Array.of(1, 2)],
  ])('what is wrong is %s', (code, type, to, gateway) => {
    const link = new Link();
    expect(() => ask(link, type, to, gateway)).toThrow(expect.objectContaining({ code }));
    link.end();
  });
});

describe('addresses', () => {
  test('are announced twice, two seconds apart, and can be used at once', () => {
    const link = new Link('new');
    link.run(5);
    expect(link.seen.map((s) => [Math.round(s.at), inetText(s.arp.sender), inetText(s.arp.target)])).toEqual([
      [0, '10.0.0.1', '10.0.0.1'],
      [2, '10.0.0.1', '10.0.0.1'],
    ]);
    link.end();
  });

  test('are probed for first where that is wanted, and cannot be used before (RFC 5227 2.1)', () => {
    const link = new Link('none');
    link.k.sysctl.set('net.inet.ip.dad_count', 3);
    link.address('10.0.0.1');
    expect(() => link.send('10.0.0.2')).toThrow(expect.objectContaining({ code: 'EADDRNOTAVAIL' }));
    link.run(12);
    expect(link.seen.map((s) => inetText(s.arp.sender))).toEqual(['0.0.0.0', '0.0.0.0', '0.0.0.0', '10.0.0.1', '10.0.0.1']);
    const gaps = link.seen.slice(1, 3).map((s, i) => s.at - link.seen[i].at);
    for (const gap of gaps) expect(gap >= 1 && gap <= 2).toBe(true);
    link.send('10.0.0.2');
    link.end();
  });

  test.each([
    ['has it', () => ({ sender: '10.0.0.1', target: '10.0.0.9' })],
    ['probes for it, too', () => ({ sender: '0.0.0.0', target: '10.0.0.1' })],
  ])('that somebody else %s are not used (RFC 5227 2.1.1)', (_what, packet) => {
    const link = new Link('none');
    link.k.sysctl.set('net.inet.ip.dad_count', 3);
    link.address('10.0.0.1');
    link.run(1.5);
    const { sender, target } = packet();
    link.say(ARPOP_REQUEST, sender, MAC, target);
    link.run(20);
    expect(link.k.msgbuf.text()).toContain('10.0.0.1 on shmif0 is in use by 02:00:00:00:00:02');
    expect(() => link.send('10.0.0.2')).toThrow(expect.objectContaining({ code: 'EADDRNOTAVAIL' }));
    link.end();
  });

  test('are defended, once in ten seconds (RFC 5227 2.4)', () => {
    const link = new Link();
    for (let i = 0; i < 25; i++) {
      link.say(ARPOP_REPLY, '10.0.0.1', MAC, '10.0.0.9');
      link.run(1);
    }
    expect(link.seen).toHaveLength(3);
    link.send('10.0.0.2');
    link.end();
  });
});

test('a flood of strangers takes bounded memory, and does not drive out those set by hand', () => {
  const link = new Link('none');
  link.k.run(() => addAddress(link.k.modules.use(netinet).ip, link.ifp, ip('10.0.0.1') | 0, 8, undefined));
  const { neighbours } = link.arp;
  neighbours.permanent(neighbours.create(link.ifp, new Nexthop().set(AF_INET, ip('10.0.0.7'), 0, 0, 0)), MAC);
  for (let i = 0; i < 6000; i++) link.say(ARPOP_REQUEST, inetText(0x0a80_0000 + i), MAC, '10.0.0.1');
  expect(neighbours.count).toBe(4096);
  expect(neighbours.find(link.ifp, new Nexthop().set(AF_INET, ip('10.0.0.7'), 0, 0, 0))?.state).toBe('permanent');
  link.end();
});

test('packets that are cut, of another kind, or from a group, change nothing', () => {
  const link = new Link();
  const whole = new Uint8Array(28);
  emitArp({ op: ARPOP_REQUEST, sender: ip('10.0.0.2'), senderLink: MAC, target: ip('10.0.0.1'), targetLink: ZERO }, whole);
  for (let len = 0; len < 28; len++) link.raw(whole.subarray(0, len));
  for (const [at, value] of [[1, 6], [2, 9], [4, 8], [5, 16], [7, 9], [8, 1]]) {
    const bad = whole.slice();
    bad[at] = value;
    link.raw(bad);
  }
  expect([link.seen, link.table]).toEqual([[], []]);
  expect(link.arp.stats.bad).toBeGreaterThan(30);
  link.end();
});
