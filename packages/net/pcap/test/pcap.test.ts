import { hostSim } from '@anykernel/host-sim';
import { AF_INET } from '@anykernel/lib-sys';
import { LINKTYPE_RAW, parsePcapng } from '@anykernel/lib-wire';
import { Nexthop, net } from '@anykernel/net';
import { pcap } from '@anykernel/pcap';
import { boot } from '@anykernel/rumpkern';

/** A kernel whose lo0 is captured, and what the capture has so far. */
function captured(snaplen?: number) {
  const k = boot(hostSim(), [pcap]);
  const blocks: Uint8Array[] = [];
  const stop = k.run(() => k.modules.use(pcap).capture(['lo0'], (b) => blocks.push(b), snaplen));
  const { lo0, mbufs } = k.modules.use(net);
  const send = (len: number): void => {
    k.run(() => lo0.output(lo0, mbufs.fromBytes(new Uint8Array(len).fill(len)), new Nexthop(AF_INET)));
  };
  return { k, blocks, stop, send, capture: () => parsePcapng(Uint8Array.from(blocks.flatMap((b) => [...b]))) };
}

test('what passes an interface is in the capture, with the time and the direction', () => {
  const { k, send, capture } = captured();
  send(20);
  send(3);
  const now = { sec: 0, nsec: 0 };
  k.wall(now);
  const timeUs = now.sec * 1e6 + Math.floor(now.nsec / 1000);
  expect(capture()).toEqual({
    interfaces: [{ linktype: LINKTYPE_RAW, name: 'lo0' }],
    packets: [20, 3].map((len) => ({ iface: 0, timeUs, data: new Uint8Array(len).fill(len), len, direction: 'out' })),
  });
});

test('a packet is cut to the length that was asked for', () => {
  const { send, capture } = captured(8);
  send(20);
  expect(capture()?.packets[0]).toMatchObject({ data: new Uint8Array(8).fill(20), len: 20 });
});

test('a capture ends, once, and then the component may go', () => {
  const { k, send, stop, capture } = captured();
  expect(() => k.modunload('pcap')).toThrow(expect.objectContaining({ code: 'EBUSY' }));
  stop();
  stop();
  send(20);
  expect(capture()?.packets).toEqual([]);
  k.modunload('pcap');
});

test('a sink that throws is told, and the kernel goes on', () => {
  const k = boot(hostSim(), [pcap]);
  k.run(() =>
    k.modules.use(pcap).capture(['lo0'], () => {
      throw new Error('disk full');
    }),
  );
  expect(k.msgbuf.text()).toContain('disk full');
  expect(k.stopped).toBeUndefined();
});

test('an interface that is not there is ENXIO', () => {
  const k = boot(hostSim(), [pcap]);
  expect(() => k.run(() => k.modules.use(pcap).capture(['lo0', 'nonesuch0'], () => {}))).toThrow(expect.objectContaining({ code: 'ENXIO' }));
  expect(k.modules.use(net).lo0.taps).toEqual([]);
});
