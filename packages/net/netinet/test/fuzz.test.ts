/**
 * Hostile packets: valid ones of every state, changed by a seed, with checksums made right again or not. Nothing may stop the kernel, memory stays
 * bounded, and returns to what it was. NETINET_FUZZ=100000 asks for more packets than usual.
 */
import { Rng } from '@anykernel/host-sim';
import { AF_INET, F_SETFL, O_NONBLOCK, SOCK_DGRAM, SOCK_RAW, sockaddrIn } from '@anykernel/lib-sys';
import { inCksum, sumBytes, sumFinish, sumPseudo4 } from '@anykernel/lib-wire';
import { Drill, type DrillOptions } from './drill.js';

const PACKETS = Number(process.env['NETINET_FUZZ'] ?? 6000);
const SYN: DrillOptions = { syn: { mss: 1000, sackOk: true, wscale: 3, ts: [1000, 0] } };

/** Packets to begin with: segments of each kind, datagrams, ICMP, fragments. */
function corpus(d: Drill): Uint8Array[] {
  const tcp = [
    d.packet('S', { mss: 1000, sackOk: true, wscale: 3, ts: [1000, 0] }), d.packet('S', { cookie: new Uint8Array(8), mss: 1000 }), d.packet('A', { seq: 1, ack: 1, ts: [1001, 0] }),
    d.packet('A', { seq: 1, ack: 1, len: 100, ts: [1002, 0] }), d.packet('A', { seq: 201, ack: 1, len: 100, ts: [1002, 0] }), d.packet('FA', { seq: 1, ack: 1, len: 5, ts: [1002, 0] }),
    d.packet('A', { seq: 1, ack: 1, sack: [1001, 2001, 3001, 4001], ts: [1003, 0] }), d.packet('AU', { seq: 1, ack: 1, len: 20, urp: 5, ts: [1003, 0] }),
    d.packet('R', { seq: 1 }), d.packet('A', { seq: 1, ack: 3001, win: 0, ts: [1004, 0] }), d.packet('SA', { ack: 1, mss: 536 }),
  ];
  return [...tcp, ipPacket(17, udp(16)), ipPacket(1, icmp(8, 56)), ipPacket(1, unreachable(tcp[3]!)), ipPacket(17, udp(8), 0x2000), ipPacket(17, new Uint8Array(40), 0x0001), ipPacket(99, new Uint8Array(20))];
}

function ipPacket(protocol: number, payload: Uint8Array, fragment = 0): Uint8Array {
  const b = new Uint8Array(20 + payload.length);
  b.set([0x45, 0, b.length >> 8, b.length, 0x12, 0x34, fragment >> 8, fragment, 64, protocol, 0, 0, 10, 0, 0, 2, 10, 0, 0, 1]);
  b.set(payload, 20);
  return b;
}

function udp(len: number): Uint8Array {
  const b = new Uint8Array(8 + len);
  b.set([0x10, 0, 0, 53, 0, 8 + len, 0, 0]);
  return b;
}

function icmp(type: number, len: number): Uint8Array {
  const b = new Uint8Array(8 + len);
  b[0] = type;
  return b;
}

/** Fragmentation needed, about a packet of ours as the peer's would be. */
function unreachable(packet: Uint8Array): Uint8Array {
  const b = icmp(3, 28);
  b[1] = 4;
  b[6] = 2;
  b.set(packet.subarray(0, 28), 8);
  b.set(packet.subarray(16, 20), 8 + 12);
  b.set(packet.subarray(12, 16), 8 + 16);
  return b;
}

/** Changes a packet: bits, bytes, numbers near limits, its length; then makes its checksums right, mostly. */
function mutate(rng: Rng, packet: Uint8Array): Uint8Array {
  let b = packet.slice();
  for (let times = 1 + rng.below(4); times > 0; times--) {
    const at = rng.below(3) === 0 ? rng.below(b.length) : Math.min(b.length - 1, 20 + rng.below(40));
    switch (rng.below(5)) {
      case 0:
        b[at]! ^= 1 << rng.below(8);
        break;
      case 1:
        b[at] = [0, 1, 127, 128, 255][rng.below(5)]!;
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
  if (rng.below(8) !== 0 && b.length >= 20) {
    b[0] = rng.below(6) === 0 ? b[0]! : 0x45 + rng.below(rng.below(4) === 0 ? 8 : 1);
    b[2] = b.length >> 8;
    b[3] = b.length;
  }
  if (rng.below(10) !== 0) repair(b);
  return b;
}

function repair(b: Uint8Array): void {
  const hdrLen = (b[0]! & 15) << 2;
  if (hdrLen < 20 || hdrLen > b.length) return;
  b[10] = b[11] = 0;
  put(b, 10, inCksum(b, 0, hdrLen));
  const len = b.length - hdrLen;
  const at = { 6: 16, 17: 6, 1: 2 }[b[9]!];
  if (at === undefined || len < at + 2) return;
  put(b, hdrLen + at, 0);
  const view = new DataView(b.buffer, b.byteOffset);
  const pseudo = b[9] === 1 ? 0 : sumPseudo4(view.getUint32(12), view.getUint32(16), b[9]!, len);
  put(b, hdrLen + at, sumFinish(sumBytes(b, hdrLen, len, pseudo)));
}

function put(b: Uint8Array, at: number, value: number): void {
  b[at] = value >>> 8;
  b[at + 1] = value;
}

/** Puts a kernel into a state, and leaves programs on it that take what comes. */
function subject(state: number, seed: number): Drill {
  const d = new Drill({ ...SYN, seed });
  if (state === 0) d.listen();
  else if (state === 1) d.connect();
  else if (state === 2) d.finWait1();
  else if (state === 3) d.closeWait();
  else if (state === 4) d.timeWait();
  else {
    d.established();
    d.write(8000);
  }
  const u = d.p.sys.socket(AF_INET, SOCK_DGRAM, 0);
  d.p.sys.bind(u, sockaddrIn(0, 53));
  const raw = d.p.sys.socket(AF_INET, SOCK_RAW, 1);
  for (const fd of [u, raw]) d.p.sys.fcntl(fd, F_SETFL, O_NONBLOCK);
  return d;
}

test.each([[0, 'LISTEN'], [1, 'SYN-SENT'], [2, 'FIN-WAIT-1'], [3, 'CLOSE-WAIT'], [4, 'TIME-WAIT'], [5, 'ESTABLISHED']] as [number, string][])(
  'mutated packets in state %d, %s, do no harm',
  (state) => {
    const rounds = 6;
    for (let seed = 1; seed <= rounds; seed++) {
      const d = subject(state, seed);
      const rng = new Rng(seed * 100 + state);
      const all = corpus(d);
      let peak = 0;
      for (let i = 0; i < PACKETS / 6 / rounds; i++) {
        d.raw(mutate(rng, all[rng.below(all.length)]!));
        d.out();
        if (rng.below(10) === 0) d.pass(rng.below(500));
        peak = Math.max(peak, d.inet.mbufs.used);
        if (d.k.stopped !== undefined) throw new Error(`seed ${seed}, packet ${i}: ${d.k.stopped}`);
      }
      expect([seed, peak < 4000]).toEqual([seed, true]);
      for (const fd of Array.from({ length: 10 }, (_, n) => n)) {
        try {
          d.p.sys.close(fd);
        } catch {
          // It was not open.
        }
      }
      d.pass(1_500_000);
      expect([seed, d.inet.mbufs.used, d.inet.tcp.table.count, d.inet.tcp.syncache.count, d.inet.ip.frags.count]).toEqual([seed, 0, 0, 0, 0]);
      d.k.halt();
      expect([seed, d.host.exits, d.host.allocated]).toEqual([seed, [], 0]);
    }
  },
);

test('fragments without end use no more memory than they may', () => {
  const d = new Drill();
  for (let i = 0; i < 5000; i++) {
    const b = ipPacket(17, new Uint8Array(200), 0x2000 | (i % 7));
    put(b, 4, i);
    repair(b);
    d.raw(b);
  }
  expect([d.inet.ip.frags.count <= 200, d.inet.mbufs.used <= 2100]).toEqual([true, true]);
  d.pass(120_000);
  d.out();
  expect([d.inet.ip.frags.count, d.inet.mbufs.used]).toEqual([0, 0]);
});

test('segments out of order use no more memory than they may', () => {
  const d = new Drill(SYN).established();
  for (let i = 0; i < 20_000; i++) d.in('A', { seq: 3 + 2 * (i % 16_000), ack: 1, len: 1, ts: [1001, 0] });
  d.out();
  expect(d.tcb.reassCount).toBeLessThanOrEqual(1024);
  d.in('R', { seq: 1 });
  expect(d.inet.mbufs.used).toBe(0);
});
