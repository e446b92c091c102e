/** Packets out and in, counters, taps, queues, and an interface that is down or goes meanwhile. */
import { expect } from '@jest/globals';
import { ERR, IFF_OACTIVE, IFF_UP, SIOCGIFDATA, SIOCZIFDATA } from '@anykernel/lib-sys';
import { IFQ_MAXLEN } from '@anykernel/net';
import { type Cases, type Context, ETHER_LEN, compare, pattern } from './subject.js';

/** Payloads that have gone out, wherever that is. */
function arrived(c: Context): Uint8Array[] {
  const { wire } = c.subject;
  return wire === undefined ? c.got.splice(0).map((x) => x.bytes) : wire.sent().map((frame) => frame.subarray(ETHER_LEN));
}

/** Bytes of a packet of `len`, with the link's header. */
function onLink(c: Context, len: number): number {
  return len + c.ifp.hdrlen;
}

export const packets: Cases = {
  'packets of every length up to the MTU go out as they are, in order'(c) {
    c.up();
    const lengths = [1, 20, 59, 60, 61, 575, 1023, c.mtu() - 1, c.mtu()].filter((len) => len <= c.mtu());
    for (const len of lengths) expect(c.send(pattern(len, len))).toBe(0);
    c.subject.advance();
    const out = arrived(c);
    expect(out.map((bytes) => bytes.length)).toEqual(lengths);
    for (const [i, bytes] of out.entries()) expect(compare(bytes, pattern(lengths[i], lengths[i]))).toBe(0);
    expect(c.used).toBe(0);
  },
  'a packet in many pieces is one packet'(c) {
    c.up();
    const bytes = pattern(1000);
    const errno = c.k.run(() => {
      const { mbufs } = c.net;
      const m = mbufs.fromBytes(bytes.subarray(0, 1));
      for (let at = 1; at < 1000; at += 37) mbufs.cat(m, mbufs.fromBytes(bytes.subarray(at, Math.min(at + 37, 1000))));
      return c.ifp.output(c.ifp, m, c.nexthop());
    });
    c.subject.advance();
    expect(errno).toBe(0);
    expect(arrived(c).map((b) => compare(b, bytes))).toEqual([0]);
  },
  'the bytes of a packet that somebody else holds, too, are not changed'(c) {
    c.up();
    const bytes = pattern(300);
    const shared = c.k.run(() => {
      const m = c.net.mbufs.fromBytes(bytes);
      const copy = c.net.mbufs.copym(m, 0, 300)!;
      c.ifp.output(c.ifp, m, c.nexthop());
      return copy;
    });
    c.subject.advance();
    expect(compare(c.net.mbufs.toBytes(shared), bytes)).toBe(0);
    c.k.run(() => c.net.mbufs.free(shared));
  },
  'packets and bytes are counted, and can be set to zero'(c) {
    c.up();
    for (const len of [40, 100, 60]) c.sendNow(pattern(len));
    const { opackets, obytes, oerrors } = c.counters();
    expect({ opackets, obytes, oerrors }).toEqual({ opackets: 3, obytes: onLink(c, 40) + onLink(c, 100) + onLink(c, 60), oerrors: 0 });
    expect(c.counters(SIOCZIFDATA).opackets).toBe(3);
    expect(c.counters()).toEqual({ ipackets: 0, ierrors: 0, opackets: 0, oerrors: 0, ibytes: 0, obytes: 0, noproto: 0 });
  },
  'taps see what passes, each of them, and no more when they are gone'(c) {
    c.up();
    const seen: string[] = [];
    const taps = [0, 1].map((n) => (m: { pktlen: number }, out: boolean): void => void (out && seen.push(`${n} ${m.pktlen}`)));
    c.ifp.taps.push(...taps);
    c.sendNow(pattern(50));
    c.ifp.taps.splice(c.ifp.taps.indexOf(taps[0]), 1);
    c.sendNow(pattern(51));
    c.ifp.taps.splice(c.ifp.taps.indexOf(taps[1]), 1);
    c.sendNow(pattern(52));
    expect(seen).toEqual([`0 ${onLink(c, 50)}`, `1 ${onLink(c, 50)}`, `1 ${onLink(c, 51)}`]);
  },
  'an interface that is down refuses packets with ENETDOWN and keeps nothing'(c) {
    expect(c.sendNow(pattern(40))).toBe(ERR.ENETDOWN.errno);
    c.up();
    c.down();
    expect(c.sendNow(pattern(40))).toBe(ERR.ENETDOWN.errno);
    expect([arrived(c), c.used, c.counters().opackets]).toEqual([[], 0, 0]);
  },
  'it goes down with packets under way, and keeps none'(c) {
    c.up();
    for (let i = 0; i < 10; i++) c.send(pattern(100, i));
    c.down();
    c.subject.advance();
    expect(c.used).toBe(0);
  },
  'it is destroyed with packets under way, and they are freed'(c) {
    c.up();
    for (let i = 0; i < 10; i++) c.send(pattern(100, i));
    c.destroy(c.ifp.name);
    c.subject.advance();
    expect(c.used).toBe(0);
  },
  'the rest of a burst waits or is dropped, is counted, and nothing breaks'(c) {
    c.up();
    const count = 3000;
    const errnos = new Set<number>();
    c.k.run(() => {
      for (let i = 0; i < count; i++) errnos.add(c.send(pattern(60)));
    });
    c.subject.advance();
    for (const errno of errnos) expect([0, ERR.ENOBUFS.errno]).toContain(errno);
    expect(arrived(c).length).toBeGreaterThan(0);
    expect(c.used).toBe(0);
    expect(c.sendNow(pattern(61))).toBe(0);
    expect(arrived(c).at(-1)?.length).toBe(61);
  },
};

/** For interfaces that queue packets for a driver. */
export const queues: Cases = {
  'while the driver is busy packets wait, up to a limit; then it goes on with them in order'(c) {
    c.up();
    c.ifp.flags |= IFF_OACTIVE;
    for (let i = 0; i < IFQ_MAXLEN + 10; i++) c.send(pattern(30, i));
    c.subject.advance();
    expect([arrived(c).length, c.ifp.snd.len, c.counters().oerrors]).toEqual([0, IFQ_MAXLEN, 10]);
    c.k.run(() => c.ifp.kick());
    c.subject.advance();
    expect(arrived(c).map((bytes) => bytes[0])).toEqual(Array.from({ length: IFQ_MAXLEN }, (_, i) => pattern(1, i)[0]));
    expect(c.used).toBe(0);
  },
  'packets that wait are freed when it goes down, and when it is destroyed'(c) {
    c.up();
    c.ifp.flags |= IFF_OACTIVE;
    c.send(pattern(30));
    c.subject.advance();
    c.down();
    expect([c.ifp.snd.len, c.used]).toEqual([0, 0]);
    c.up();
    c.ifp.flags |= IFF_OACTIVE;
    c.send(pattern(30));
    c.subject.advance();
    c.destroy(c.ifp.name);
    expect(c.used).toBe(0);
  },
  'it comes up again after it was busy'(c) {
    c.up();
    c.ifp.flags |= IFF_OACTIVE;
    c.down();
    c.up();
    c.k.run(() => c.ifp.kick());
    c.sendNow(pattern(30));
    expect([arrived(c).length, c.flags() & IFF_UP]).toEqual([1, IFF_UP]);
  },
};

/** For interfaces whose packets come in again. */
export const loops: Cases = {
  'what is sent comes in, is counted both ways, and seen twice by taps as it is'(c) {
    c.up();
    const directions: boolean[] = [];
    c.ifp.taps.push((_m, out) => void directions.push(out));
    c.sendNow(pattern(80));
    const { ipackets, ibytes, opackets, obytes } = c.counters(SIOCGIFDATA);
    expect({ ipackets, ibytes, opackets, obytes }).toEqual({ ipackets: 1, ibytes: 80, opackets: 1, obytes: 80 });
    expect(c.got.map((x) => x.bytes.length)).toEqual([80]);
    expect(directions).toContain(true);
  },
  'a packet of a family that nobody has is counted and freed'(c) {
    c.up();
    c.k.run(() => c.ifp.output(c.ifp, c.net.mbufs.fromBytes(pattern(20)), c.nexthop().set(24, 0, 0, 0, 0)));
    c.subject.advance();
    expect([c.counters().noproto, c.used]).toEqual([1, 0]);
  },
};
