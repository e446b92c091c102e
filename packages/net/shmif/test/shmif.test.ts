import { type SimHost, Sim } from '@anykernel/host-sim';
import { AF_INET, IFDRV_LEN, IFF_UP, SIOCGLINKSTR, SIOCSLINKSTR, ifreq, ifreqName } from '@anykernel/lib-sys';
import { IFLINKSTR_QUERYLEN, IFLINKSTR_UNSET, type Ifnet, Nexthop, ifioctl, net } from '@anykernel/net';
import { type Kernel, boot } from '@anykernel/rumpkern';
import { CSUM_PARTIAL, GSO_TCPV4, M_BCAST, type Mbuf, mbufsOf } from '@anykernel/rumpnet';
import { shmif } from '@anykernel/shmif';

let sim: Sim;
let kernels: Kernel[];
beforeEach(() => {
  sim = new Sim();
  kernels = [];
});
afterEach(() => {
  for (const k of kernels) k.halt();
});

interface Got {
  readonly bytes: Uint8Array;
  readonly csum: number;
  readonly gsoSize: number;
}

/** A kernel on the bus, and what its network layer gets. */
function member(bus = 'lan', host: SimHost = sim.host()): { k: Kernel; ifp: Ifnet; got: Got[] } {
  const k = boot(host, [shmif]);
  kernels.push(k);
  const state = k.modules.use(net);
  const ifp = k.modules.use(shmif).create(bus);
  k.run(() => state.setFlags(ifp, ifp.flags | IFF_UP));
  const got: Got[] = [];
  state.isr(AF_INET, (m) => {
    got.push({ bytes: mbufsOf(k).toBytes(m), csum: m.csum, gsoSize: m.gsoSize });
    mbufsOf(k).free(m);
  });
  return { k, ifp, got };
}

function send(from: { k: Kernel; ifp: Ifnet }, to: Ifnet | 'all', bytes: Uint8Array, change: (m: Mbuf) => void = () => {}): void {
  from.k.run(() => {
    if (to !== 'all') from.k.modules.use(net).resolvers.set(AF_INET, () => to.lladdr);
    const m = from.ifp.mbufs.getlong(bytes.length);
    from.ifp.mbufs.copyback(m, 0, bytes);
    if (to === 'all') m.flags |= M_BCAST;
    change(m);
    expect(from.ifp.output(from.ifp, m, new Nexthop(AF_INET))).toBe(0);
  });
  sim.runUntilIdle();
}

test('a packet goes to the one whose address it has, and a broadcast to all others', () => {
  const [a, b, c] = [member(), member(), member()];
  send(a, b.ifp, Uint8Array.of(1));
  send(b, 'all', Uint8Array.of(2));
  expect([a, b, c].map((x) => x.got.map((g) => g.bytes[0]))).toEqual([[2], [1], [2]]);
  for (const x of [a, b, c]) expect(x.ifp.mbufs.used).toBe(0);
});

test('buses of different names know nothing of each other', () => {
  const [a, b, c] = [member('one'), member('one'), member('two')];
  send(a, 'all', Uint8Array.of(1));
  expect([b.got.length, c.got.length]).toEqual([1, 0]);
});

test('a packet of 64 KiB arrives, with what its checksum and its segments need', () => {
  const [a, b] = [member(), member()];
  const bytes = Uint8Array.from({ length: 65_535 }, (_, i) => i);
  send(a, b.ifp, bytes, (m) => {
    m.csum = CSUM_PARTIAL;
    m.csumStart = 20;
    m.csumOff = 16;
    m.gsoType = GSO_TCPV4;
    m.gsoSize = 1448;
  });
  expect(b.got).toHaveLength(1);
  expect(b.got[0]).toEqual({ bytes, csum: CSUM_PARTIAL, gsoSize: 1448 });
  expect([a.ifp.mbufs.used, b.ifp.mbufs.used]).toEqual([0, 0]);
});

test('an interface on no bus, or that is down, gets and sends nothing', () => {
  const [a, b] = [member(), member()];
  a.k.run(() => ifioctl(a.k.modules.use(net), SIOCSLINKSTR, linkstr('shmif0', IFLINKSTR_UNSET), a.k.proc1.lwp, () => 0));
  send(a, 'all', Uint8Array.of(1));
  expect(a.ifp.oerrors).toBe(1);
  b.k.run(() => b.k.modules.use(net).setFlags(b.ifp, b.ifp.flags & ~IFF_UP));
  const c = member();
  send(c, 'all', Uint8Array.of(2));
  expect([a.got, b.got]).toEqual([[], []]);
});

/** A request about a link string. */
function linkstr(name: string, subcmd: number, text = '', room = 0): Uint8Array {
  const data = new Uint8Array(IFDRV_LEN + Math.max(room, text.length + 1));
  data.set(ifreq(name, IFDRV_LEN));
  data[16] = subcmd;
  for (let i = 0; i < text.length; i++) data[IFDRV_LEN + i] = text.charCodeAt(i);
  return data;
}

test('the link string is set, asked for and taken away by ioctl', () => {
  const k = boot(sim.host(), [shmif]);
  kernels.push(k);
  const state = k.modules.use(net);
  const ioctl = (cmd: number, data: Uint8Array): number => k.run(() => ifioctl(state, cmd, data, k.proc1.lwp, () => 0));
  k.run(() => state.create('shmif3'));
  expect(() => ioctl(SIOCGLINKSTR, linkstr('shmif3', 0, '', 10))).toThrow(expect.objectContaining({ code: 'ENOENT' }));
  expect(() => ioctl(SIOCSLINKSTR, linkstr('shmif3', 0))).toThrow(expect.objectContaining({ code: 'EINVAL' }));
  ioctl(SIOCSLINKSTR, linkstr('shmif3', 0, 'lan'));
  expect(() => ioctl(SIOCSLINKSTR, linkstr('shmif3', 0, 'other'))).toThrow(expect.objectContaining({ code: 'EBUSY' }));
  const asked = linkstr('shmif3', IFLINKSTR_QUERYLEN);
  ioctl(SIOCGLINKSTR, asked);
  expect(asked[24]).toBe(4);
  const answer = linkstr('shmif3', 0, '', 4);
  ioctl(SIOCGLINKSTR, answer);
  expect([ifreqName(answer), String.fromCharCode(...answer.subarray(IFDRV_LEN))]).toEqual(['shmif3', 'lan\0']);
  expect(() => ioctl(SIOCGLINKSTR, linkstr('shmif3', 0, '', 3))).toThrow(expect.objectContaining({ code: 'EFAULT' }));
  k.run(() => state.destroy('shmif3'));
  expect(sim.buses.find('lan')).toBeUndefined();
});

test('a host without buses is ENODEV, and no interface is left', () => {
  const k = boot(bare(sim.host()), [shmif]);
  kernels.push(k);
  expect(() => k.modules.use(shmif).create('lan')).toThrow(expect.objectContaining({ code: 'ENODEV' }));
  expect(k.modules.use(net).ifs.map((ifp) => ifp.name)).toEqual(['lo0']);
});

/** The same host, without halves. */
function bare(host: SimHost): SimHost {
  return new Proxy(host, { get: (target, key) => (key === 'half' ? () => undefined : bind(target, key)) });
}
function bind(target: SimHost, key: string | symbol): unknown {
  const value: unknown = Reflect.get(target, key);
  return typeof value === 'function' ? value.bind(target) : value;
}

test('fifty kernels on one bus hear one, and a run is the same each time', () => {
  const run = (): string => {
    const all = Array.from({ length: 50 }, () => member('crowd'));
    for (let i = 0; i < 50; i++) send(all[i], 'all', Uint8Array.of(i));
    const text = JSON.stringify(all.map((x) => x.got.map((g) => g.bytes[0]))) + String(sim.now);
    for (const x of all) expect(x.got).toHaveLength(49);
    return text;
  };
  const first = run();
  for (const k of kernels.splice(0)) k.halt();
  sim = new Sim();
  expect(run()).toBe(first);
});
