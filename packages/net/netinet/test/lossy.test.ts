/** TCP between two kernels over a bad link: every byte arrives, memory returns to what it was, and a run is the same when it is repeated. */
import { AF_INET, F_SETFL, O_NONBLOCK, SHUT_WR, SOCK_STREAM, sockaddrIn } from '@anykernel/lib-sys';
import type { Mbuf } from '@anykernel/rumpnet';
import { A_ADDR, type LinkOptions, type Station, pairOf } from './world.js';

/** One end: sends `total` bytes of a pattern, and takes what the other one sends. */
class End {
  sent = 0;
  got = 0;
  eof = false;
  error: string | undefined;
  readonly #buf = new Uint8Array(16_384);

  constructor(
    readonly st: Station,
    readonly fd: number,
    readonly total: number,
    readonly salt: number,
  ) {}

  /** Goes on as far as it can. */
  step(): void {
    const { sys } = this.st.p;
    while (this.sent < this.total) {
      const len = Math.min(this.total - this.sent, 10_000);
      const b = new Uint8Array(len);
      for (let i = 0; i < len; i++) b[i] = pattern(this.sent + i, this.salt);
      const n = this.#try(() => sys.write(this.fd, b));
      if (n === undefined) break;
      this.sent += n;
      if (this.sent === this.total) sys.shutdown(this.fd, SHUT_WR);
    }
    while (!this.eof) {
      const n = this.#try(() => sys.read(this.fd, this.#buf));
      if (n === undefined) break;
      if (n === 0) this.eof = true;
      for (let i = 0; i < n; i++) {
        if (this.#buf[i] !== pattern(this.got + i, 1 - this.salt)) throw new Error(`wrong byte at ${this.got + i}`);
      }
      this.got += n;
    }
  }

  #try(fn: () => number): number | undefined {
    try {
      return fn();
    } catch (e) {
      const { code } = e as { code: string };
      if (code !== 'EAGAIN' && code !== 'ENOTCONN') {
        this.error = code;
        this.eof = true;
        this.sent = this.total;
      }
      return undefined;
    }
  }
}

const { imul } = Math;

function pattern(at: number, salt: number): number {
  return (imul(at ^ (at >>> 11), 2_654_435) + salt * 77) & 255;
}

function code(fn: () => unknown): string {
  try {
    fn();
    return 'ok';
  } catch (e) {
    return (e as { code: string }).code;
  }
}

interface Outcome {
  readonly seconds: number;
  readonly packets: number;
  readonly log: string;
  readonly rexmits: number;
}

/** `bytes` both ways over a link; everything is checked. */
function transfer(seed: number, bytes: number, options: LinkOptions, setup: (st: Station) => void = () => {}): Outcome {
  const { sim, a, b, log } = pairOf(seed, options);
  setup(a);
  setup(b);
  const used = [a.used, b.used];
  const listener = a.p.sys.socket(AF_INET, SOCK_STREAM, 0);
  a.p.sys.bind(listener, sockaddrIn(A_ADDR, 7));
  a.p.sys.listen(listener, 5);
  a.p.sys.fcntl(listener, F_SETFL, O_NONBLOCK);
  const fd = b.p.sys.socket(AF_INET, SOCK_STREAM, 0);
  b.p.sys.fcntl(fd, F_SETFL, O_NONBLOCK);
  expect(code(() => b.p.sys.connect(fd, sockaddrIn(A_ADDR, 7)))).toBe('EINPROGRESS');
  const client = new End(b, fd, bytes, 0);
  let server: End | undefined;
  for (let events = 0; !(client.eof && server?.eof === true && client.sent === bytes && server.sent === bytes); events++) {
    if (events > 2_000_000 || !sim.step()) {
      throw new Error(`seed ${seed}: it stands still at ${sim.now}: client ${client.sent} ${client.got}, server ${server?.sent} ${server?.got}`);
    }
    if (server === undefined) {
      try {
        const accepted = a.p.sys.accept(listener);
        a.p.sys.fcntl(accepted, F_SETFL, O_NONBLOCK);
        server = new End(a, accepted, bytes, 1);
      } catch (e) {
        if ((e as { code: string }).code !== 'EAGAIN') throw e;
      }
    }
    client.step();
    server?.step();
  }
  const seconds = sim.now / 1e9;
  expect([seed, client.error, server?.error, client.got, server?.got]).toEqual([seed, undefined, undefined, bytes, bytes]);
  b.p.sys.close(fd);
  a.p.sys.close(server!.fd);
  a.p.sys.close(listener);
  const packets = log.length;
  sim.advance(600e9);
  const left = [a, b].flatMap((st) => [st.inet.tcp.table.count, st.inet.tcp.timers.count, st.inet.tcp.timers.holds]);
  expect([seed, a.used, b.used, ...left]).toEqual([seed, ...used, 0, 0, 0, 0, 0, 0]);
  const { stats } = a.inet.tcp;
  const rexmits = stats.sndrexmitpack + b.inet.tcp.stats.sndrexmitpack;
  a.k.halt();
  b.k.halt();
  expect([seed, a.host.allocated, b.host.allocated]).toEqual([seed, 0, 0]);
  return { seconds, packets, log: log.join('\n'), rexmits };
}


test('a good link: nothing is sent twice', () => {
  expect(transfer(1, 300_000, { delayNs: 5e6 }).rexmits).toBe(0);
});

test.each([
  ['loss of 1 %', { loss: 0.01 }],
  ['loss of 5 %', { loss: 0.05 }],
  ['loss of 20 %', { loss: 0.2 }],
  ['reordering', { jitterNs: 8e6, delayNs: 2e6 }],
  ['duplication', { duplicate: 0.2 }],
  ['corruption', { corrupt: 0.05 }],
  ['all of it', { loss: 0.05, duplicate: 0.05, corrupt: 0.03, jitterNs: 5e6 }],
  ['small packets', { loss: 0.03, mtu: 576 }],
] as [string, LinkOptions][])('%s: every byte arrives, both ways', (_what, options) => {
  for (let seed = 1; seed <= 2; seed++) transfer(seed, 150_000, options);
});

test.each([
  ['without selective acknowledgment', (st: Station) => void (st.inet.tcp.conf.sack = false)],
  ['without timestamps', (st: Station) => void (st.inet.tcp.conf.timestamps = false)],
  ['without RACK', (st: Station) => void (st.inet.tcp.conf.rack = false)],
  ['without anything', (st: Station) => void Object.assign(st.inet.tcp.conf, { sack: false, timestamps: false, windowScale: false })],
  ['with CUBIC', (st: Station) => void st.k.sysctl.set('net.inet.tcp.congctl.selected', 'cubic')],
  ['with ECN', (st: Station) => void (st.inet.tcp.conf.ecn = true)],
  ['with cookies', (st: Station) => void (st.inet.tcp.conf.syncookies = 2)],
])('%s: every byte arrives', (_what, setup) => {
  for (let seed = 11; seed <= 12; seed++) transfer(seed, 150_000, { loss: 0.04, duplicate: 0.02, jitterNs: 3e6 }, setup);
});

/** One request for memory in twenty is refused, by the seed. */
function forgetful(st: Station): void {
  const { mbufs } = st.inet;
  const { rng } = st.sim;
  const refused = (): boolean => rng.below(20) === 0;
  const { tryGet, copym, prepend } = mbufs;
  mbufs.get = (len, headroom) => tryGet.call(mbufs, len, headroom) as Mbuf;
  mbufs.tryGet = (len, headroom) => (refused() ? undefined : tryGet.call(mbufs, len, headroom));
  mbufs.copym = (m, off, len) => (refused() ? undefined : copym.call(mbufs, m, off, len));
  mbufs.prepend = (m, len) => {
    if (!refused()) return prepend.call(mbufs, m, len);
    mbufs.free(m);
    return undefined;
  };
}

test('with memory that is not there now and then every byte arrives', () => {
  for (let seed = 21; seed <= 23; seed++) transfer(seed, 150_000, { loss: 0.02 }, forgetful);
});

test('a run is identical when it is repeated', () => {
  const options = { loss: 0.1, duplicate: 0.05, corrupt: 0.05, jitterNs: 5e6 };
  expect(transfer(5, 100_000, options)).toEqual(transfer(5, 100_000, options));
});

