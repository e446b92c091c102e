/**
 * Hostile packets: valid ones of every kind, changed by a seed, with checksums made right again or not. Nothing may stop the kernel, memory stays bounded, and
 * returns to what it was. NETINET6_FUZZ=100000 asks for more packets than usual.
 */
import { Rng } from '@anykernel/host-sim';
import { IPPROTO_IPV6, IPV6_RECVDSTOPTS, IPV6_RECVHOPOPTS, IPV6_RECVPKTINFO, IPV6_RECVRTHDR, SOCK_DGRAM, SOCK_RAW, SOCK_STREAM } from '@anykernel/lib-sys';
import {
  MLD2_IS_EXCLUDE, type NdOptions, mld2Report, mldQuery, ndOptions, parseMld2Report, parseMldQuery, parseNdOptions, sumBytes, sumFinish, sumPseudo6, upperLayer,
} from '@anykernel/lib-wire';
import { Link, STRANGER, STRANGER_LINK, addr, icmp6, packet6, prefixInfo, udp6 } from './link.js';

const PACKETS = Number(process.env['NETINET6_FUZZ'] ?? 6000);
const EVERYTHING: NdOptions = {
  sourceLink: STRANGER_LINK, targetLink: STRANGER_LINK, mtu: 1400, prefixes: [prefixInfo('2001:db8:7::')], nonce: new Uint8Array(6),
  dns: { lifetime: 100, servers: [addr('2001:db8::53')] }, redirected: new Uint8Array(64),
};

function nd(l: Link, type: number, body: Uint8Array, dst: string): Uint8Array {
  const options = ndOptions(EVERYTHING);
  const data = new Uint8Array(body.length + options.length);
  data.set(body);
  data.set(options, body.length);
  return packet6(STRANGER, dst, 58, icmp6(STRANGER, dst, type, 0, 0x4000_0000, data), 255);
}

/** Packets to begin with. */
function corpus(l: Link): Uint8Array[] {
  const { local } = l;
  const opts = Uint8Array.of(0, 1, 5, 2, 0, 0, 0x3e, 6, 1, 2, 3, 4, 5, 6, 1, 0);
  const quoted = packet6(local, STRANGER, 17, udp6(local, STRANGER, 53, 9, new Uint8Array(8)));
  const query = mldQuery({ version: 2, maxDelayMs: 1000, group: addr('::'), robustness: 2, intervalSec: 125, sources: [addr(STRANGER)] });
  const chain = [[0, opts], [60, opts], [43, new Uint8Array(24)], [44, new Uint8Array(8)], [60, opts]] as const;
  return [
    packet6(STRANGER, local, 58, icmp6(STRANGER, local, 128, 0, 1, new Uint8Array(40)), 64, chain),
    packet6(STRANGER, local, 17, udp6(STRANGER, local, 9, 53, new Uint8Array(40)), 64, chain),
    packet6(STRANGER, local, 17, udp6(STRANGER, local, 9, 53, new Uint8Array(40)).slice(0, 24), 64, [[44, Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 1)]]),
    packet6(STRANGER, local, 17, udp6(STRANGER, local, 9, 53, new Uint8Array(40)).slice(24), 64, [[44, Uint8Array.of(0, 0, 0, 24, 0, 0, 0, 1)]]),
    packet6(STRANGER, local, 6, Uint8Array.of(0, 9, 0, 80, 0, 0, 0, 1, 0, 0, 0, 0, 0x60, 2, 16, 0, 0, 0, 0, 0, 2, 4, 5, 0xa0)),
    nd(l, 135, addr(local), local),
    nd(l, 136, addr(STRANGER), local),
    nd(l, 133, new Uint8Array(0), 'ff02::2'),
    nd(l, 134, new Uint8Array(8), 'ff02::1'),
    nd(l, 137, new Uint8Array(32).fill(0x20), local),
    ...[1, 2, 3, 4].map((type) => packet6(STRANGER, local, 58, icmp6(STRANGER, local, type, 0, 1300, quoted))),
    packet6(STRANGER, 'ff02::1', 58, icmp6(STRANGER, 'ff02::1', 130, 0, 0x1_0000, query.slice(8)), 1, [[0, Uint8Array.of(0, 0, 5, 2, 0, 0, 1, 0)]]),
    packet6('2001:db8::99', '2001:db8::77', 17, udp6('2001:db8::99', '2001:db8::77', 9, 53, new Uint8Array(40)), 64, chain.slice(0, 2)),
    packet6(STRANGER, local, 58, icmp6(STRANGER, local, 143, 0, 1, new Uint8Array(20)), 1),
  ];
}

function mutate(rng: Rng, packet: Uint8Array): Uint8Array {
  let b = packet.slice();
  for (let times = 1 + rng.below(4); times > 0; times--) {
    const at = rng.below(4) === 0 ? rng.below(b.length) : Math.min(b.length - 1, 40 + rng.below(60));
    switch (rng.below(5)) {
      case 0:
        b[at]! ^= 1 << rng.below(8);
        break;
      case 1:
        b[at] = [0, 1, 2, 43, 44, 58, 60, 127, 128, 255][rng.below(10)]!;
        break;
      case 2:
        b[at] = rng.below(256);
        break;
      case 3:
        b = b.slice(0, 1 + rng.below(b.length));
        break;
      case 4: {
        const longer = new Uint8Array(b.length + rng.below(64));
        longer.set(b);
        b = longer;
      }
    }
  }
  if (rng.below(8) !== 0 && b.length >= 40) {
    b[0] = 0x60 | (b[0]! & 15);
    b[4] = (b.length - 40) >> 8;
    b[5] = b.length - 40;
  }
  if (rng.below(10) !== 0 && b.length >= 40) repair(b);
  return b;
}

function repair(b: Uint8Array): void {
  const upper = upperLayer(b[6]!, b, 40, b.length);
  const at = upper === undefined ? undefined : { 6: 16, 17: 6, 58: 2 }[upper.nextHeader];
  if (upper === undefined || at === undefined || upper.off + at + 2 > b.length) return;
  const view = new DataView(b.buffer, b.byteOffset);
  const words = Array.from({ length: 8 }, (_, i) => view.getInt32(8 + 4 * i)) as [number, number, number, number, number, number, number, number];
  const len = b.length - upper.off;
  b[upper.off + at] = b[upper.off + at + 1] = 0;
  const sum = sumFinish(sumBytes(b, upper.off, len, sumPseudo6(...words, upper.nextHeader, len)));
  b[upper.off + at] = sum >> 8;
  b[upper.off + at + 1] = sum;
}

function subject(router: boolean, seed: number): Link {
  const l = new Link((k) => {
    k.sysctl.set('net.inet6.ip6.forwarding', router ? 1 : 0);
    k.sysctl.set('net.inet6.ip6.use_tempaddr', 1);
  }, seed);
  const options = [IPV6_RECVDSTOPTS, IPV6_RECVHOPOPTS, IPV6_RECVPKTINFO, IPV6_RECVRTHDR];
  for (const fd of [l.socket(SOCK_DGRAM, 0, 53), l.socket(SOCK_RAW, 58), l.socket(SOCK_RAW, 0)]) {
    for (const option of options) l.p.sys.setsockopt(fd, IPPROTO_IPV6, option, Uint8Array.of(1, 0, 0, 0));
  }
  const server = l.socket(SOCK_STREAM, 0, 80);
  l.p.sys.listen(server, 4);
  l.address('2001:db8::1');
  if (router) l.k.sysctl.set('net.inet6.ip6.rtadv', l.ifp.name);
  return l;
}

test.each([false, true])('mutated packets do no harm (router: %s)', (router) => {
  const rounds = 4;
  for (let seed = 1; seed <= rounds; seed++) {
    const l = subject(router, seed);
    const rng = new Rng(seed * 100 + Number(router));
    const all = corpus(l);
    let peak = 0;
    for (let i = 0; i < PACKETS / 2 / rounds; i++) {
      l.say(mutate(rng, all[rng.below(all.length)]!));
      if (rng.below(20) === 0) l.run(rng.below(20));
      peak = Math.max(peak, l.ip6.mbufs.used);
      if (l.k.stopped !== undefined) throw new Error(`seed ${seed}, packet ${i}: ${l.k.stopped}`);
    }
    expect([seed, peak < 4000, l.ip6.nd.neighbours.count < 4097, l.ifp.addrs.length < 40]).toEqual([seed, true, true, true]);
    for (let fd = 0; fd < 10; fd++) {
      try {
        l.p.sys.close(fd);
      } catch {
        // It was not open.
      }
    }
    l.k.sysctl.set('net.inet6.ip6.rtadv', '');
    l.k.run(() => l.ip6.nd.neighbours.flush());
    l.run(1000);
    expect([seed, l.ip6.mbufs.used, l.ip6.frags.count, l.ip6.inet.tcp.syncache.count]).toEqual([seed, 0, 0, 0]);
    l.k.halt();
    expect([seed, l.hosts[0]!.exits, l.hosts[0]!.allocated]).toEqual([seed, [], 0]);
  }
});

test('parsers take whatever bytes, at every length', () => {
  const rng = new Rng(7);
  const samples = [
    ndOptions(EVERYTHING),
    mld2Report([{ type: MLD2_IS_EXCLUDE, group: addr('ff02::5'), sources: [addr(STRANGER)] }]),
    mldQuery({ version: 2, maxDelayMs: 1, group: addr('::'), robustness: 2, intervalSec: 1, sources: [addr(STRANGER)] }),
  ];
  for (let i = 0; i < 3000; i++) {
    const b = samples[i % 3]!.slice(0, rng.below(samples[i % 3]!.length + 1));
    for (let n = rng.below(4); n > 0 && b.length > 0; n--) b[rng.below(b.length)] = rng.below(256);
    expect(() => {
      parseNdOptions(b, 0, b.length);
      parseMldQuery(b, 0, b.length);
      parseMld2Report(b, 0, b.length);
      upperLayer(rng.below(256), b, 0, b.length);
    }).not.toThrow();
  }
});
