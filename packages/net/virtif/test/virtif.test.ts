import { hostSim } from '@anykernel/host-sim';
import { AF_INET, ERR, IFF_UP } from '@anykernel/lib-sys';
import { Nexthop, net } from '@anykernel/net';
import { boot } from '@anykernel/rumpkern';
import { CSUM_PARTIAL, GSO_TCPV4, M_BCAST, mbufsOf } from '@anykernel/rumpnet';
import { VIRTIF_HALF, type Virtif, virtif } from '@anykernel/virtif';
import { Device } from './device.js';

function start(offload: boolean) {
  const devices: Device[] = [];
  const half = {
    ...VIRTIF_HALF,
    impl: {
      open(name: string): Device {
        if (name === 'none') throw ERR.EPERM;
        devices.push(new Device(name, offload));
        return devices[devices.length - 1];
      },
    },
  };
  const k = boot(hostSim({ halves: [half] }), [virtif]);
  const state = k.modules.use(net);
  const ifp = k.modules.use(virtif).create('wire');
  k.run(() => state.setFlags(ifp, ifp.flags | IFF_UP));
  const got: { bytes: number[]; csum: number; gsoSize: number }[] = [];
  state.isr(AF_INET, (m) => {
    got.push({ bytes: [...mbufsOf(k).toBytes(m)], csum: m.csum, gsoSize: m.gsoSize });
    mbufsOf(k).free(m);
  });
  return { k, state, ifp, device: devices[0], devices, got };
}

const HEADER = [255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 9, 8, 0];

test.each([false, true])('frames go out and come in, and all memory comes back (offload %p)', (offload) => {
  const { k, ifp, device, got } = start(offload);
  k.run(() => {
    const m = ifp.mbufs.fromBytes(Uint8Array.of(1, 2, 3));
    m.flags |= M_BCAST;
    ifp.output(ifp, m, new Nexthop(AF_INET));
  });
  const vnet = offload ? new Array<number>(10).fill(0) : [];
  expect(device.written.map((f) => [...f])).toEqual([[...vnet, 255, 255, 255, 255, 255, 255, ...ifp.lladdr, 8, 0, 1, 2, 3]]);
  const one = Uint8Array.of(...vnet, ...HEADER, 7);
  expect(device.ring(one, one)).toBe(2);
  expect(got).toEqual([{ bytes: [7], csum: 0, gsoSize: 0 }, { bytes: [7], csum: 0, gsoSize: 0 }]);
  expect(ifp.mbufs.used).toBe(0);
  k.halt();
  expect(device.closed).toBe(true);
});

test('frames that are made together go together, in order and no more than wait well; each that is not taken counts', () => {
  const { k, ifp, device } = start(false);
  const send = (count: number) =>
    k.run(() => {
      for (let i = 0; i < count; i++) {
        const m = ifp.mbufs.fromBytes(Uint8Array.of(i, 1));
        m.flags |= M_BCAST;
        ifp.output(ifp, m, new Nexthop(AF_INET));
      }
    });
  send(20);
  expect(device.flushes).toBe(1);
  expect(device.written.map((f) => f[14])).toEqual(Array.from({ length: 20 }, (_, i) => i));
  send(200);
  expect(device.written).toHaveLength(220);
  expect(device.flushes).toBeGreaterThan(3);
  expect(device.flushes).toBeLessThan(8);
  device.full = true;
  send(100);
  expect(ifp.oerrors).toBe(100);
  expect(ifp.mbufs.used).toBe(0);
  k.halt();
});

test('what was made before the device is closed goes', () => {
  const { k, ifp, device } = start(false);
  k.run(() => {
    const m = ifp.mbufs.fromBytes(Uint8Array.of(1));
    m.flags |= M_BCAST;
    ifp.output(ifp, m, new Nexthop(AF_INET));
    (ifp.driver as Virtif).unlink();
  });
  expect(device.closed).toBe(true);
  expect(device.written).toHaveLength(1);
  k.halt();
});

test('a large segment comes in whole, with what its header says', () => {
  const { k, device, got, ifp } = start(true);
  const frame = new Uint8Array(10 + 14 + 65_000);
  frame.set([1, 1, 66, 0, 0xa8, 5, 34, 0, 16, 0]);
  frame.set(HEADER, 10);
  device.ring(frame);
  expect(got).toHaveLength(1);
  expect(got[0]).toMatchObject({ csum: CSUM_PARTIAL, gsoSize: 1448 });
  expect(got[0].bytes).toHaveLength(65_000);
  expect(ifp.mbufs.used).toBe(0);
  k.halt();
});

test('a device that takes nothing is an error of the interface, and nothing is lost but the frame', () => {
  const { k, ifp, device } = start(true);
  device.full = true;
  k.run(() => {
    const m = ifp.mbufs.fromBytes(new Uint8Array(100));
    m.flags |= M_BCAST;
    m.csum = CSUM_PARTIAL;
    m.csumStart = 20;
    m.csumOff = 16;
    m.gsoType = GSO_TCPV4;
    m.gsoSize = 20;
    ifp.output(ifp, m, new Nexthop(AF_INET));
  });
  expect(ifp.oerrors).toBe(1);
  expect(ifp.mbufs.used).toBe(0);
  k.halt();
});

test('frames that are cut, or whose header lies, are errors of the wire', () => {
  const { k, ifp, device, got } = start(true);
  for (let len = 1; len < 24; len++) device.ring(new Uint8Array(len));
  device.ring(Uint8Array.of(1, 0, 0, 0, 0, 0, 99, 0, 0, 0, ...HEADER, 1));
  expect(got).toEqual([]);
  expect(ifp.ierrors).toBe(24);
  expect(ifp.mbufs.used).toBe(0);
  k.halt();
});

test('a device that cannot be opened is an error, and no interface; up without one takes tap<unit>', () => {
  const { k, state, devices } = start(true);
  expect(() => k.modules.use(virtif).create('none')).toThrow(expect.objectContaining({ code: 'EPERM' }));
  expect(state.ifs.map((x) => x.name)).toEqual(['lo0', 'virt0']);
  k.run(() => {
    const second = state.create('virt1');
    state.setFlags(second, second.flags | IFF_UP);
  });
  expect(devices.map((d) => d.name)).toEqual(['wire', 'tap1']);
  expect(() => k.modunload('virtif')).toThrow(expect.objectContaining({ code: 'EBUSY' }));
  k.halt();
});
