import { hostSim } from '@anykernel/host-sim';
import { type Weather, impair } from '@anykernel/impair';
import { IFF_UP } from '@anykernel/lib-sys';
import { type Ifnet, type Net, etherIf, net } from '@anykernel/net';
import { type Kernel, boot } from '@anykernel/rumpkern';

const COUNT = 2000;

interface Run {
  readonly k: Kernel;
  readonly ifp: Ifnet;
  /** When each frame left, in milliseconds since the first was sent, and its number. */
  readonly sent: { atMs: number; index: number; bytes: Uint8Array }[];
  readonly stop: () => void;
}

function frame(index: number): Uint8Array {
  const bytes = new Uint8Array(100);
  bytes[0] = index >>> 8;
  bytes[1] = index;
  return bytes;
}

/** Sends `count` frames of 100 bytes at once through a weather, and lets time pass. */
function run(weather: Weather, count = COUNT, forMs = 10_000): Run {
  const host = hostSim();
  const k = boot(host, [impair]);
  const state: Net = k.modules.use(net);
  const sent: Run['sent'] = [];
  const start = k.mono();
  const ifp = etherIf(k, state, 'e0', {
    start(self) {
      for (let m = self.snd.dequeue(); m !== undefined; m = self.snd.dequeue()) {
        const bytes = self.mbufs.toBytes(m);
        sent.push({ atMs: (k.mono() - start) / 1e6, index: (bytes[0] << 8) | bytes[1], bytes });
        self.mbufs.free(m);
      }
    },
  }, { lladdr: new Uint8Array(6) });
  state.ifattach(ifp);
  state.setFlags(ifp, ifp.flags | IFF_UP);
  const stop = k.run(() => k.modules.use(impair).on('e0', weather));
  k.run(() => {
    for (let i = 0; i < count; i++) ifp.transmit(ifp.mbufs.fromBytes(frame(i)));
  });
  host.sim.advance(forMs * 1e6);
  return { k, ifp, sent, stop };
}

test('without anything asked for, everything passes at once and in order', () => {
  const { sent } = run({ seed: 1 });
  expect(sent.map((x) => x.index)).toEqual(Array.from({ length: COUNT }, (_, i) => i));
  expect(sent.every((x) => x.atMs === 0)).toBe(true);
});

test.each([0.01, 0.2, 0.5])('loss of %d loses about as many', (loss) => {
  const { sent, ifp } = run({ seed: 2, loss });
  expect(Math.abs(1 - sent.length / COUNT - loss)).toBeLessThan(0.03);
  expect(ifp.mbufs.used).toBe(0);
});

test('a duplicate is the same bytes again', () => {
  const { sent, ifp } = run({ seed: 3, duplicate: 0.25 });
  expect(Math.abs(sent.length / COUNT - 1.25)).toBeLessThan(0.03);
  for (const x of sent) expect(x.bytes).toEqual(frame(x.index));
  expect(ifp.mbufs.used).toBe(0);
});

test('corruption turns one bit of a packet, and not of its duplicate before it', () => {
  const { sent } = run({ seed: 4, corrupt: 0.3 }, 500);
  let turned = 0;
  sent.forEach((x, i) => {
    const bits = [...frame(i)].reduce((sum, byte, at) => sum + [...(byte ^ x.bytes[at]).toString(2)].filter((bit) => bit === '1').length, 0);
    expect(bits).toBeLessThanOrEqual(1);
    turned += bits;
  });
  expect(Math.abs(turned / 500 - 0.3)).toBeLessThan(0.07);
});

test('delay holds everything back, jitter spreads and reorders', () => {
  const late = run({ seed: 5, delayMs: 30 }, 10);
  expect(late.sent.map((x) => [x.index, x.atMs])).toEqual(Array.from({ length: 10 }, (_, i) => [i, 30]));
  const spread = run({ seed: 5, delayMs: 30, jitterMs: 10 }, 100);
  expect(spread.sent).toHaveLength(100);
  expect(spread.sent.every((x) => x.atMs >= 30 && x.atMs <= 40)).toBe(true);
  expect(spread.sent.map((x) => x.index)).not.toEqual([...spread.sent.map((x) => x.index)].sort((a, b) => a - b));
});

test('reordering holds some back', () => {
  const { sent } = run({ seed: 6, reorder: 0.1, reorderMs: 5 }, 100);
  expect(new Set(sent.map((x) => x.atMs))).toEqual(new Set([0, 5]));
  expect(sent).toHaveLength(100);
});

test('a rate spaces packets, and loses those for which there is no room', () => {
  // 100 bytes are 8 ms at 100 kbit/s, and 1000 bytes are ten packets.
  const { sent, ifp } = run({ seed: 7, rate: 100_000, queueBytes: 1000 }, 50);
  expect(sent.map((x) => x.atMs)).toEqual(Array.from({ length: 11 }, (_, i) => 8 * (i + 1)));
  expect(ifp.mbufs.used).toBe(0);
});

test('one seed is one run, another seed another', () => {
  const weather = { loss: 0.1, jitterMs: 3, duplicate: 0.1, corrupt: 0.1, reorder: 0.1 };
  const sent = (seed: number): unknown => run({ seed, ...weather }, 300).sent;
  expect(sent(11)).toEqual(sent(11));
  expect(sent(11)).not.toEqual(sent(12));
});

test('when it ends, what is on its way is lost and freed, and the component may go', () => {
  const { k, ifp, sent, stop } = run({ seed: 8, delayMs: 60_000 }, 10);
  expect(() => k.modunload('impair')).toThrow(expect.objectContaining({ code: 'EBUSY' }));
  stop();
  stop();
  expect(sent).toEqual([]);
  expect(ifp.mbufs.used).toBe(0);
  k.modunload('impair');
});

test.each([{ loss: -1 }, { corrupt: 1.1 }, { delayMs: -1 }, { delayMs: Infinity }, { rate: 0 }, { duplicate: NaN }])('%j is EINVAL', (weather) => {
  expect(() => run({ seed: 1, ...weather }, 0)).toThrow(expect.objectContaining({ code: 'EINVAL' }));
});
