/** What is learnt of paths ends at its time, whatever the nanosecond. */
import { pairOf } from './world.js';

test('a hundred paths, learnt at odd nanoseconds, are forgotten one by one, and then nothing goes on', () => {
  const { sim, a, b } = pairOf(1);
  const ends = { l0: 0, l1: 0, l2: 0xffff, l3: 0, lport: 0, f0: 0, f1: 0, f2: 0xffff, f3: 0, fport: 0 };
  for (let i = 0; i < 100; i++) {
    sim.advance(i === 0 ? 14_045_118_984 - sim.now : 7_919_117 + i);
    ends.f3 = 0x0b00_0000 + i;
    a.k.run(() => a.inet.ip.learnMtu(ends, 600 + i));
  }
  // One alarm for each of them, and few others.
  expect(sim.advance(1200e9, { maxEvents: 500 })).toBeLessThan(500);
  a.k.halt();
  b.k.halt();
});
