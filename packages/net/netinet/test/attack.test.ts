/** What strangers, and other users of the kernel, cannot do. */
import {
  AF_INET, F_SETFL, IPPROTO_IP, IP_HDRINCL, IP_OPTIONS, MSG_OOB, O_NONBLOCK, SIOCSIFADDR, SOCK_DGRAM, SOCK_RAW, SOCK_STREAM, SOL_SOCKET, SO_REUSEADDR, ifreq,
  sockaddrIn,
} from '@anykernel/lib-sys';
import { Ipv4Header, emitIcmp, emitIpv4, parseIcmp, parseIpv4, sumBytes, sumFinish, sumPseudo4 } from '@anykernel/lib-wire';
import { Nexthop, Rtentry } from '@anykernel/net';
import { hostSim } from '@anykernel/host-sim';
import { boot } from '@anykernel/rumpkern';
import { netinet } from '../src/index.js';
import { Drill, type DrillOptions, code } from './drill.js';
import { A_ADDR, B_ADDR, type Station, pairOf } from './world.js';

const ICMP = 1;
const UDP = 17;

function packet(protocol: number, payload: Uint8Array, more: Partial<Ipv4Header> = {}, options = new Uint8Array(0)): Uint8Array {
  const hdrLen = 20 + options.length;
  const b = new Uint8Array(hdrLen + payload.length);
  b.set(options, 20);
  b.set(payload, hdrLen);
  emitIpv4(Object.assign(new Ipv4Header(), { hdrLen, totalLen: b.length, ttl: 64, protocol, src: B_ADDR, dst: A_ADDR }, more), b);
  return b;
}

function alone(): { a: Station; out: Uint8Array[]; advance: (ms: number) => void } {
  const { sim, a } = pairOf(1);
  const out: Uint8Array[] = [];
  a.wire = (bytes) => void out.push(bytes);
  return { a, out, advance: (ms) => void sim.advance(ms * 1e6) };
}

describe('pieces', () => {
  test('of many packets that grow together have one limit, and all of them go in the end', () => {
    const { a, advance } = alone();
    const { ip, mbufs } = a.inet;
    let peak = 0;
    for (let n = 0; n < 60; n++) {
      for (let id = 1; id <= 200; id++) {
        a.receive(packet(UDP, new Uint8Array(64), { id, fragOffset: 128 * n, flags: 0x2000 }));
        peak = Math.max(peak, mbufs.used);
      }
    }
    expect([peak <= 2100, ip.frags.count <= 200]).toEqual([true, true]);
    advance(60_000);
    expect([mbufs.used, ip.frags.count]).toEqual([0, 0]);
  });

  test('whose first has a longer header than the last do not make a packet beyond 65,535 bytes', () => {
    const { a } = alone();
    const seen = a.p.sys.socket(AF_INET, SOCK_RAW, 99);
    a.p.sys.fcntl(seen, F_SETFL, O_NONBLOCK);
    const options = new Uint8Array(40).fill(1);
    const len = 65_515;
    const step = 4096;
    for (let off = 0; off < len; off += step) {
      const data = new Uint8Array(Math.min(step, len - off));
      a.receive(packet(99, data, { id: 7, fragOffset: off, flags: off + step < len ? 0x2000 : 0 }, off === 0 ? options : undefined));
    }
    expect([a.inet.ip.stats.reassembled, a.inet.ip.frags.count, a.used, code(() => a.p.sys.read(seen, new Uint8Array(9)))]).toEqual([0, 0, 0, 'EAGAIN']);
  });
});

describe('a smaller path (RFC 5927 7)', () => {
  function tooBig(a: Station, quoted: Uint8Array, mtu: number): void {
    const b = new Uint8Array(8 + 28);
    b.set(quoted.subarray(0, 28), 8);
    emitIpv4(Object.assign(parseIpv4(quoted)!, { flags: 0x4000 }), b.subarray(8));
    emitIcmp({ type: 3, code: 4, rest: mtu }, b);
    a.receive(packet(ICMP, b));
  }
  function piecesOf(a: Station, out: Uint8Array[]): number {
    const fd = a.p.sys.socket(AF_INET, SOCK_DGRAM, 0);
    a.p.sys.sendto(fd, new Uint8Array(1000), 0, sockaddrIn(B_ADDR, 9));
    a.p.sys.close(fd);
    return out.splice(0).length;
  }
  test('is not believed of a datagram that may be cut, nor of an echo', () => {
    const { a, out } = alone();
    const fd = a.p.sys.socket(AF_INET, SOCK_DGRAM, 0);
    a.p.sys.sendto(fd, new Uint8Array(1000), 0, sockaddrIn(B_ADDR, 9));
    tooBig(a, out.splice(0)[0]!, 68);
    const echo = new Uint8Array(64);
    emitIcmp({ type: 8, code: 0, rest: 1 }, echo);
    a.receive(packet(ICMP, echo));
    tooBig(a, out.splice(0)[0]!, 68);
    expect(piecesOf(a, out)).toBe(1);
  });
  test('is believed of what a program has said must not be cut', () => {
    const { a, out } = alone();
    const raw = a.p.sys.socket(AF_INET, SOCK_RAW, 99);
    a.p.sys.setsockopt(raw, IPPROTO_IP, IP_HDRINCL, Uint8Array.of(1, 0, 0, 0));
    a.p.sys.sendto(raw, packet(99, new Uint8Array(900), { src: A_ADDR, dst: B_ADDR, flags: 0x4000 }), 0, sockaddrIn(B_ADDR));
    tooBig(a, out.splice(0)[0]!, 576);
    expect([piecesOf(a, out), code(() => a.p.sys.sendto(raw, packet(99, new Uint8Array(900), { flags: 0x4000 }), 0, sockaddrIn(B_ADDR)))]).toEqual([2, 'EMSGSIZE']);
  });
});

test('an error about a packet of several mbufs quotes the packet, and nothing that was in the memory before', () => {
  const { a, out } = alone();
  a.receive(packet(ICMP, new Uint8Array(200).fill(0x5a)));
  out.length = 0;
  const b = new Uint8Array(8 + 40);
  b.set([0x10, 0, 0, 7, 0, b.length]);
  const sum = sumFinish(sumBytes(b, 0, b.length, sumPseudo4(B_ADDR, A_ADDR, UDP, b.length)));
  b.set([sum >> 8, sum], 6);
  const whole = packet(UDP, b);
  a.k.intr(() => {
    // The header is in storage that somebody else has, too, with no room behind it.
    const { mbufs } = a.inet;
    const m = mbufs.fromBytes(whole.subarray(0, 20));
    mbufs.copym(m, 0, 20);
    mbufs.cat(m, mbufs.fromBytes(whole.subarray(20)));
    a.ifp.input(m);
  });
  expect([parseIcmp(out[0]!, 20)?.type, [...out[0]!.subarray(28, 56)]]).toEqual([3, [...whole.subarray(0, 28)]]);
});

test('a port that somebody has on all addresses is not taken from him by another user, on one of them', () => {
  const k = boot(hostSim(), [netinet]);
  const one = k.newproc({ uid: 1001 });
  const other = k.newproc({ uid: 1002 });
  for (const type of [SOCK_STREAM, SOCK_DGRAM]) {
    const fd = one.sys.socket(AF_INET, type, 0);
    one.sys.bind(fd, sockaddrIn(0, 4000));
    const bind = (p: typeof one): string => {
      const thief = p.sys.socket(AF_INET, type, 0);
      p.sys.setsockopt(thief, SOL_SOCKET, SO_REUSEADDR, Uint8Array.of(1, 0, 0, 0));
      const result = code(() => p.sys.bind(thief, sockaddrIn(0x7f00_0001, 4000)));
      p.sys.close(thief);
      return result;
    };
    expect([bind(other), bind(one), bind(k.newproc())]).toEqual(['EADDRINUSE', 'ok', 'ok']);
  }
});

test('a route to one host that was set by hand is not changed by a redirect (RFC 1122 3.3.1.3)', () => {
  const { a } = alone();
  const router = new Nexthop().set(AF_INET, B_ADDR, 0, 0, 0);
  const rt = new Rtentry(new Nexthop().set(AF_INET, 0x0b00_0001, 0, 0, 0), 32, router, a.ifp, a.ifp.addrs[0], 7);
  const net = new Rtentry(new Nexthop().set(AF_INET, 0x0c00_0000, 0, 0, 0), 8, router, a.ifp, a.ifp.addrs[0], 3);
  const near = new Rtentry(new Nexthop().set(AF_INET, 0x0a00_0000, 0, 0, 0), 24, undefined, a.ifp, a.ifp.addrs[0], 1);
  a.k.run(() => [rt, net, near].forEach((one) => a.inet.net.rtAdd(one)));
  for (const dst of [0x0b00_0001, 0x0c00_0001]) {
    const b = new Uint8Array(8 + 28);
    b.set(packet(UDP, new Uint8Array(8), { src: A_ADDR, dst }), 8);
    emitIcmp({ type: 5, code: 1, rest: 0x0a00_0007 }, b);
    a.receive(packet(ICMP, b));
  }
  expect([rt.gateway, a.inet.ip.rtable.lookup(0x0c00_0001)?.gateway?.w0]).toEqual([router, 0x0a00_0007]);
});

test('an address that cannot be does not take away the one that is', () => {
  const { a } = alone();
  const fd = a.p.sys.socket(AF_INET, SOCK_DGRAM, 0);
  const request = ifreq(a.ifp.name);
  request.set(sockaddrIn(0xe000_0001), 16);
  expect([code(() => a.p.sys.ioctl(fd, SIOCSIFADDR, request)), a.ifp.addrs.length, a.inet.ip.ours.has(A_ADDR)]).toEqual(['EINVAL', 1, true]);
});

describe('TCP', () => {
  const SYN: DrillOptions = { syn: { mss: 1460, sackOk: true, wscale: 3, ts: [1000, 0] } };

  test('acknowledgments out of place are answered seldom: no storm of them between two ends that are out of step', () => {
    const d = new Drill(SYN).established();
    d.out();
    for (let i = 0; i < 1000; i++) d.in('A', { seq: 500_000_000, ack: 1, ts: [1001, 0] });
    const stray = d.out().length;
    d.pass(1000).in('A', { seq: 0, ack: 1, ts: [1001, 0] });
    expect([stray > 0 && stray <= 8, d.out().length]).toEqual([true, 1]);
    for (let i = 0; i < 20; i++) d.in('A', { seq: 500_000_000, ack: 1, len: 5, ts: [1001, 0] });
    expect(d.out().length).toBe(20);
  });

  test('single bytes out of order have no more memory than the receive buffer', () => {
    const d = new Drill(SYN).established();
    const before = d.inet.mbufs.store.used;
    for (let i = 0; i < 5000; i++) d.in('A', { seq: 3 + 2 * i, ack: 1, len: 1, ts: [1001, 0] });
    d.out();
    expect(d.inet.mbufs.store.used - before).toBeLessThan(200_000);
    d.in('R', { seq: 1 });
    expect(d.inet.mbufs.used).toBe(0);
  });

  test('urgent data go beyond the limit of the buffer by some, and no more', () => {
    const d = new Drill(SYN).established();
    d.in('A', { seq: 1, ack: 1, win: 0, ts: [1001, 0] });
    let total = 0;
    const send = (): void => {
      for (let i = 0; i < 1000; i++) total += d.p.sys.sendto(d.fd, new Uint8Array(1000), MSG_OOB);
    };
    expect(send).toThrow(expect.objectContaining({ code: 'EAGAIN' }));
    expect(total).toBeLessThanOrEqual(34_000);
  });

  test('options of IP make segments smaller, so that they fit', () => {
    const d = new Drill(SYN).established();
    d.setopt(IP_OPTIONS, 0x0101_0101, IPPROTO_IP);
    d.in('A', { seq: 1, ack: 1, ts: [1001, 0] });
    d.out();
    d.write(4000);
    expect(d.out().some((s) => s.raw.length === 1500)).toBe(true);
  });

  test('a FIN that found no route is sent until it is acknowledged', () => {
    const d = new Drill(SYN).established();
    const route = d.inet.ip.rtable.lookup(0x0a00_0002)!;
    d.k.run(() => d.inet.net.rtDelete(route));
    d.p.sys.shutdown(d.fd, 1);
    d.k.run(() => d.inet.net.rtAdd(route));
    d.pass(1000);
    expect(new Set(d.out().map((s) => s.flags))).toEqual(new Set(['FA']));
    d.in('A', { seq: 1, ack: 1, win: 60_000, ts: [1001, 0] });
    d.out();
    d.pass(60_000);
    expect([d.tcb.state, new Set(d.out().map((s) => s.flags))]).toEqual([6, new Set(['FA'])]);
    d.in('A', { seq: 1, ack: 2, ts: [1002, 0] });
    expect(d.tcb.state).toBe(9);
  });
});
