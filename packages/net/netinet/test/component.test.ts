/** The component: it leaves a running kernel, and comes again. */
import { hostSim } from '@anykernel/host-sim';
import { AF_INET, SOCK_STREAM, sockaddrIn } from '@anykernel/lib-sys';
import { boot } from '@anykernel/rumpkern';
import { netinet } from '../src/index.js';
import { code } from './drill.js';

const NAME = sockaddrIn(0x7f00_0001, 80);

test('it does not leave while there are sockets; afterwards it does, and can come again', async () => {
  const host = hostSim();
  const k = boot(host, [netinet]);
  const p = k.newproc();
  const fd = p.sys.socket(AF_INET, SOCK_STREAM, 0);
  expect(code(() => k.modunload('netinet'))).toBe('EBUSY');
  p.sys.close(fd);
  k.modunload('netinet');
  expect(code(() => k.sysctl.get('net.inet.tcp.msl'))).toBe('ENOENT');
  k.modload(netinet);
  const listener = p.sys.socket(AF_INET, SOCK_STREAM, 0);
  p.sys.bind(listener, NAME);
  p.sys.listen(listener, 1);
  const client = p.sys.socket(AF_INET, SOCK_STREAM, 0);
  await p.call.connect(client, NAME);
  expect(p.sys.accept(listener)).toBe(client + 1);
  k.halt();
  expect([host.allocated, host.exits]).toEqual([0, []]);
});

test('a kernel is halted with connections in every state of opening and closing, and gives everything back', async () => {
  const host = hostSim();
  const k = boot(host, [netinet]);
  const p = k.newproc();
  const listener = p.sys.socket(AF_INET, SOCK_STREAM, 0);
  p.sys.bind(listener, NAME);
  p.sys.listen(listener, 8);
  for (let i = 0; i < 6; i++) {
    const client = p.sys.socket(AF_INET, SOCK_STREAM, 0);
    await p.call.connect(client, NAME);
    p.sys.write(client, new Uint8Array(1000 * i));
    if (i % 2 === 0) p.sys.shutdown(client, 1);
    if (i % 3 === 0) p.sys.close(p.sys.accept(listener));
  }
  k.halt();
  host.sim.advance(600e9);
  expect([host.allocated, host.exits]).toEqual([0, []]);
});
