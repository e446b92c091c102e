/** Buffers that are full, whatever is put into them. */
import { AF_LOCAL, F_SETFL, O_NONBLOCK, SOCK_DGRAM, SOCK_SEQPACKET } from '@anykernel/lib-sys';
import { hostSim } from '@anykernel/host-sim';
import { boot } from '@anykernel/rumpkern';
import { rumpnet } from '@anykernel/rumpnet';
import { expect, test } from '@jest/globals';
import { local } from '../src/index.js';

test.each([['packets', SOCK_SEQPACKET, 'EAGAIN'], ['datagrams', SOCK_DGRAM, 'ENOBUFS']] as const)('%s without bytes take room, too', (_what, type, error) => {
  const k = boot(hostSim(), [local]);
  const p = k.newproc();
  const [from, to] = p.sys.socketpair(AF_LOCAL, type, 0);
  p.sys.fcntl(from, F_SETFL, O_NONBLOCK);
  let sent = 0;
  const send = (): void => {
    for (; sent < 10_000; sent++) p.sys.sendto(from, new Uint8Array(0), 0);
  };
  expect(send).toThrow(expect.objectContaining({ code: error }));
  expect([sent > 50, k.modules.use(rumpnet).mbufs.used < 5000]).toEqual([true, true]);
  p.sys.recvfrom(to, new Uint8Array(1), 0);
  p.sys.sendto(from, new Uint8Array(0), 0);
});
