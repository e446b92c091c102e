/** RFC 4821: what TCP does on a path that swallows large segments without a word, and when it becomes wider. */
import { TCPS_ESTABLISHED } from '@anykernel/lib-sys';
import { Drill, type DrillOptions, type Out, code } from './drill.js';

const RTT_MS = 50;

/** A peer behind a path that lets packets of `mtu` bytes through. */
class Far {
  readonly d: Drill;
  mtu: number;
  next = 1;
  #blocks: [number, number][] = [];
  /** Segments that must not be cut, and were swallowed. */
  swallowed = 0;
  largest = 0;

  constructor(mtu: number, options: DrillOptions = {}) {
    this.mtu = mtu;
    const conf = { sendbufAuto: false, ...options.conf };
    this.d = new Drill({ syn: { mss: 1460, sackOk: true, wscale: 4 }, ...options, conf }).established();
  }

  /** What arrives is acknowledged at once. */
  #take(one: Out): void {
    if (one.raw.length > this.mtu && one.df) {
      this.swallowed++;
      return;
    }
    this.largest = Math.max(this.largest, one.df ? one.raw.length : 0);
    if (one.len === 0) return;
    const end = one.seq + one.len;
    if (one.seq > this.next) this.#blocks = [[one.seq, end], ...this.#blocks.filter(([a]) => a !== one.seq)];
    else this.next = Math.max(this.next, end);
    for (let again = true; again; ) {
      again = false;
      for (const [a, b] of this.#blocks) if (a <= this.next && b > this.next) (this.next = b), (again = true);
    }
    this.#blocks = this.#blocks.filter(([, b]) => b > this.next);
    this.d.in('A', { seq: 1, ack: this.next, sack: this.#blocks.slice(0, 3).flat(), win: 60_000 });
  }

  /** The program has always something to send. */
  run(ms: number, step = RTT_MS): this {
    for (let t = 0; t < ms; t += step) {
      while (code(() => this.d.write(20_000)) === 'ok');
      const out = this.d.out();
      this.d.pass(step);
      for (const one of out) this.#take(one);
    }
    return this;
  }
}

test.each([1400, 700])('a path of %d bytes is found out, to within some bytes, and without slowing down', (mtu) => {
  const far = new Far(mtu).run(9000);
  const { stats } = far.d.inet.tcp;
  expect(stats.blackhole).toBe(1);
  const before = far.next;
  const { fastrexmit } = stats;
  far.run(20_000);
  const { mss, state } = far.d.tcb;
  expect([state, mss + 40 <= mtu, mtu - mss - 40 <= 16, stats.fastrexmit - fastrexmit, stats.blackhole]).toEqual([TCPS_ESTABLISHED, true, true, 0, 1]);
  expect(far.next - before).toBeGreaterThan(8_000_000);
  // Twice for each size that is too large, and a few that go through.
  expect([stats.mtuprobelost > 0, stats.mtuprobe < 30]).toEqual([true, true]);
});

test('when the path is wide again, segments are as large as ever after ten minutes', () => {
  const far = new Far(1000).run(25_000);
  expect(far.d.tcb.mss).toBeLessThanOrEqual(960);
  far.mtu = 1500;
  far.run(620_000, 800);
  expect([far.d.tcb.mss, far.largest, far.d.tcb.extras!.probe]).toEqual([1460, 1500, undefined]);
});

test('where it is not, a few probes are lost, and nothing else comes of it', () => {
  const far = new Far(1000).run(120_000, 800);
  const { mss } = far.d.tcb;
  const { stats } = far.d.inet.tcp;
  const { fastrexmit, rexmttimeo, mtuprobelost } = stats;
  far.run(640_000, 800);
  expect([far.d.tcb.mss - mss >= 0, far.d.tcb.mss <= 960, stats.fastrexmit, stats.rexmttimeo, stats.mtuprobelost - mtuprobelost < 16]).toEqual([true, true, fastrexmit, rexmttimeo, true]);
});

test('a path that becomes narrower still is found out again', () => {
  const far = new Far(1400).run(25_000);
  expect(far.d.tcb.mss).toBeGreaterThan(1300);
  far.mtu = 800;
  far.run(35_000);
  expect([far.d.inet.tcp.stats.blackhole, far.d.tcb.mss <= 760, far.d.tcb.mss > 740]).toEqual([2, true, true]);
});

test('without RACK the loss of a probe slows nothing down, either', () => {
  const far = new Far(1300, { conf: { rack: false } }).run(9000);
  const { stats } = far.d.inet.tcp;
  const { fastrexmit } = stats;
  far.run(20_000);
  expect([far.d.tcb.mss <= 1260, far.d.tcb.mss > 1240, stats.fastrexmit]).toEqual([true, true, fastrexmit]);
});

test('few bytes are no probe', () => {
  const far = new Far(1400);
  far.d.write(3000);
  for (let i = 0; i < 200; i++) {
    const out = far.d.pass(100).out();
    for (const one of out) if (!one.df) far.d.in('A', { seq: 1, ack: Math.max(far.next, (far.next = one.seq + one.len)), win: 60_000 });
  }
  expect([far.d.inet.tcp.stats.blackhole, far.d.inet.tcp.stats.mtuprobe, far.d.tcb.so!.snd.cc]).toEqual([1, 0, 0]);
});
