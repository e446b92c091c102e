/** What strangers, and users without privilege, cannot do. */
import { describe, expect, test } from '@jest/globals';
import {
  AF_INET6, F_SETFL, IPPROTO_IPV6, IPV6_DSTOPTS, IPV6_HOPOPTS, IPV6_NEXTHOP, IPV6_RTHDRDSTOPTS, IPV6_V6ONLY, O_NONBLOCK, SOCK_DGRAM, SOCK_STREAM, cmsgBytes, sockaddrIn6,
} from '@anykernel/lib-sys';
import { Link, STRANGER, addr, code, packet6, udp6 } from './link.js';

const OPTIONS = Uint8Array.of(0, 0, 1, 4, 0, 0, 0, 0);

test('ancillary data that routers look at, or that name the next hop, are the superuser\'s, as the options are (RFC 3542 6, 8, 9.2)', () => {
  const l = new Link();
  const send = (p: typeof l.p, type: number, data: Uint8Array): string => {
    const fd = p.sys.socket(AF_INET6, SOCK_DGRAM, 0);
    return code(() => p.sys.sendmsg(fd, { iov: [new Uint8Array(3)], name: l.name(STRANGER, 9), control: cmsgBytes({ level: IPPROTO_IPV6, type, data }) }, 0));
  };
  const user = l.k.newproc({ uid: 1000 });
  const of = (p: typeof l.p): string[] => [send(p, IPV6_HOPOPTS, OPTIONS), send(p, IPV6_RTHDRDSTOPTS, OPTIONS), send(p, IPV6_NEXTHOP, sockaddrIn6(addr(STRANGER), 0, l.ifp.index)), send(p, IPV6_DSTOPTS, OPTIONS)];
  expect([of(user), of(l.p)]).toEqual([['EPERM', 'EPERM', 'EPERM', 'ok'], ['ok', 'ok', 'ok', 'ok']]);
});

test('a datagram whose headers make it longer than its length field can say is refused', () => {
  const l = new Link();
  const fd = l.socket(SOCK_DGRAM);
  l.p.sys.setsockopt(fd, 0xffff, 0x1001, Uint8Array.of(0, 0, 2, 0));
  l.p.sys.setsockopt(fd, IPPROTO_IPV6, IPV6_DSTOPTS, OPTIONS);
  const send = (len: number): string => code(() => l.p.sys.sendto(fd, new Uint8Array(len), 0, l.name(STRANGER, 9)));
  expect([send(65_527), send(65_527 - 8)]).toEqual(['EMSGSIZE', 'ok']);
});

/** A datagram in two fragments, with destination options in front of the fragment header of those that `has` names. */
function fragments(l: Link, has: readonly boolean[]): Uint8Array[] {
  const whole = udp6(STRANGER, l.local, 9, 53, Uint8Array.from({ length: 56 }, (_, i) => i));
  return [whole.slice(0, 32), whole.slice(32)].map((payload, i) => {
    const fragment = Uint8Array.of(0, 0, 0, i === 0 ? 1 : 32, 0, 0, 0, 77);
    return packet6(STRANGER, l.local, 17, payload, 64, has[i] === true ? [[60, OPTIONS], [44, fragment]] : [[44, fragment]]);
  });
}

test.each([[[true, false]], [[false, true]], [[true, true]], [[false, false]]])('the headers of a packet are those of its first fragment (RFC 8200 4.5): %j', (has) => {
  for (const backwards of [false, true]) {
    const l = new Link();
    const fd = l.p.sys.socket(AF_INET6, SOCK_DGRAM, 0);
    l.p.sys.fcntl(fd, F_SETFL, O_NONBLOCK);
    l.p.sys.bind(fd, sockaddrIn6(new Uint8Array(16), 53));
    const all = fragments(l, has);
    for (const one of backwards ? all.reverse() : all) l.say(one);
    const into = new Uint8Array(100);
    expect([l.p.sys.read(fd, into), into[55], l.ip6.frags.count]).toEqual([56, 55, 0]);
  }
});

test('a first fragment with longer headers than the last does not make a packet beyond 65,535 bytes', () => {
  const l = new Link();
  const long = new Uint8Array(1024).fill(0);
  long.set([0, 127, 1, 255]);
  for (let at = 2; at < 1024; at += 2 + long[at + 1]!) {
    long[at] = 1;
    long[at + 1] = Math.min(255, 1022 - at);
  }
  const step = 4096;
  for (let off = 0; off < 65_528; off += step) {
    const len = Math.min(step, 65_528 - off);
    const fragment = Uint8Array.of(0, 0, off >> 8, (off & 0xff) | (off + step < 65_528 ? 1 : 0), 0, 0, 0, 9);
    l.say(packet6(STRANGER, l.local, 99, new Uint8Array(len), 64, off === 0 ? [[60, long], [44, fragment]] : [[44, fragment]]));
  }
  expect([l.ip6.stats.reassembled, l.ip6.frags.count, l.ip6.mbufs.used]).toEqual([0, 0, 0]);
});

describe('sockets of both families', () => {
  const MAPPED = addr('::ffff:127.0.0.1');
  function dual(l: Link, type: number): number {
    const fd = l.socket(type);
    l.p.sys.setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, new Uint8Array(4));
    return fd;
  }
  test.each([['TCP', SOCK_STREAM], ['UDP', SOCK_DGRAM]])('an address of one family is no source in the other: %s', (_what, type) => {
    const l = new Link();
    const six = dual(l, type);
    l.p.sys.bind(six, sockaddrIn6(addr('::1'), 0));
    const four = dual(l, type);
    l.p.sys.bind(four, sockaddrIn6(MAPPED, 0));
    expect([code(() => l.p.sys.connect(six, sockaddrIn6(MAPPED, 9))), code(() => l.p.sys.connect(four, sockaddrIn6(addr('::1'), 9)))]).toEqual(['EINVAL', 'EINVAL']);
    if (type === SOCK_STREAM) return;
    const one = Uint8Array.of(1);
    expect([code(() => l.p.sys.sendto(six, one, 0, sockaddrIn6(MAPPED, 9))), code(() => l.p.sys.sendto(four, one, 0, sockaddrIn6(addr('::1'), 9)))]).toEqual(['EINVAL', 'EINVAL']);
  });
  test.each([['TCP', SOCK_STREAM], ['UDP', SOCK_DGRAM]])('what could not be connected by IPv4 is still of IPv6: %s', (_what, type) => {
    const l = new Link();
    const fd = dual(l, type);
    const failed = code(() => l.p.sys.connect(fd, sockaddrIn6(addr('::ffff:8.8.8.8'), 9)));
    expect([failed, code(() => l.p.sys.connect(fd, sockaddrIn6(addr('::ffff:224.0.0.1'), 9))) === 'ok', code(() => l.p.sys.bind(fd, sockaddrIn6(addr('::1'), type === SOCK_DGRAM ? 0 : 7)))]).toEqual(['EHOSTUNREACH', false, 'ok']);
  });
});
