/** Programs that call with whatever comes to mind: addresses, options, ancillary data, ioctls, settings and routing messages that are almost right. */
import { expect, test } from '@jest/globals';
import { type Random, guided, soon } from '@anykernel/conformance-fuzz';
import { AF_INET, AF_INET6, AF_LOCAL, F_SETFL, O_NONBLOCK, PF_ROUTE, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET, SOCK_STREAM, sockaddrIn, sockaddrIn6 } from '@anykernel/lib-sys';
import { local } from '@anykernel/local';
import { tried } from './hostile/calls.js';
import { Machine } from './hostile/machine.js';
import { type Culprit, leaves, wrong } from './hostile/wrong.js';

type Draws = readonly number[];

function culprit(seed: number): Culprit & { readonly m: Machine } {
  const m = new Machine(seed);
  m.k.modload(local);
  const p = seed % 2 === 0 ? m.p : m.k.newproc({ uid: 1000, comm: 'culprit' });
  const fds = [p.sys.socket(PF_ROUTE, SOCK_RAW, 0)];
  for (const [family, type] of [[AF_INET, SOCK_STREAM], [AF_INET, SOCK_DGRAM], [AF_INET6, SOCK_STREAM], [AF_INET6, SOCK_DGRAM]] as const) fds.push(p.sys.socket(family, type, 0));
  if (seed % 2 === 0) for (const [family, protocol] of [[AF_INET, 99], [AF_INET6, 58]] as const) fds.push(p.sys.socket(family, SOCK_RAW, protocol));
  for (const type of [SOCK_STREAM, SOCK_SEQPACKET]) fds.push(...p.sys.socketpair(AF_LOCAL, type, 0));
  // Two connections by loopback, with a server.
  for (const [family, name] of [[AF_INET, sockaddrIn(0x7f00_0001, 4000)], [AF_INET6, sockaddrIn6(new Uint8Array(16).fill(1, 15), 4000)]] as const) {
    const server = p.sys.socket(family, SOCK_STREAM, 0);
    p.sys.bind(server, name);
    p.sys.listen(server, 4);
    const client = p.sys.socket(family, SOCK_STREAM, 0);
    p.sys.fcntl(client, F_SETFL, O_NONBLOCK);
    tried(() => p.sys.connect(client, name));
    m.pass(10);
    fds.push(server, client, p.sys.accept(server));
  }
  for (const fd of fds) p.sys.fcntl(fd, F_SETFL, O_NONBLOCK);
  return { k: m.k, p, fds, names: [...leaves(p, 'net'), ...leaves(p, 'kern.mbuf')], m };
}

function run(draws: Draws, seed: number): boolean {
  soon(30_000, () => callAll(culprit(seed), draws));
  return true;
}

function callAll(c: ReturnType<typeof culprit>, draws: Draws): void {
  draws.forEach((draw, i) => {
    wrong(c, draw);
    if (i % 10 === 9) c.m.pass(100);
    if (c.k.stopped !== undefined) throw new Error(c.k.stopped);
  });
  if (c.p !== c.m.p) c.p.exit();
  c.m.settle();
}

function change(random: Random, from: Draws): Draws {
  const fresh = (): number[] => Array.from({ length: 1 + random.below(20) }, () => random.next());
  const at = random.below(from.length + 1);
  return [...from.slice(0, at), ...fresh(), ...from.slice(at + random.below(10))].slice(0, 150);
}

test('calls that are almost right do no harm', () => {
  const report = guided<Draws>({
    name: 'calls', seeds: [Array.from({ length: 40 }, (_, i) => i)], sources: '/packages/net/', change, run, failed: (draws) => JSON.stringify(draws), runs: 60,
  });
  expect(report.kept).toBeGreaterThan(5);
}, 600_000);
