/** Names on a disk whose transfers end later: calls wait for the path, and do what they do once. */
import { ext2fs, newfs } from '@anykernel/ext2fs';
import { DiskImage, hostSim } from '@anykernel/host-sim';
import { AF_LOCAL, SOCK_DGRAM, SOCK_STREAM, rightsCmsg, rightsIn, sockaddrUn } from '@anykernel/lib-sys';
import { type Kernel, type Proc, boot } from '@anykernel/rumpkern';
import { rumpnet } from '@anykernel/rumpnet';
import { rumpvfs, etfsRegister } from '@anykernel/rumpvfs';
import { expect, test } from '@jest/globals';
import { local } from '../src/index.js';
import { bytes, codeOf, recvmsg, text } from './help.js';

const SIZE = 8 << 20;

interface Rig {
  readonly k: Kernel;
  readonly p: Proc;
  wait<T>(promise: Promise<T>): Promise<T>;
  /** Nothing of the disk is in memory. */
  cold(): Promise<void>;
}

async function rig(): Promise<Rig> {
  const image = DiskImage.of(new Uint8Array(0), SIZE);
  newfs({ size: SIZE, write: (off, data) => image.write(data, off) }, { type: 'ext2', time: 1, uuid: new Uint8Array(16), hashSeed: new Uint8Array(16) });
  const host = hostSim();
  host.sim.disk('disk', { image, sync: false, latencyNs: 100_000, record: 'none' });
  const k = boot(host, [local, ext2fs]);
  etfsRegister(k.modules.use(rumpvfs), '/disk', 'disk', 'blk');
  const p = k.newproc();
  const wait = <T>(promise: Promise<T>): Promise<T> => host.sim.settle(promise);
  const mount = (): Promise<unknown> => wait(p.call.mount('ext2fs', '/mnt', 0, { fspec: '/disk' }));
  p.sys.mkdir('/mnt', 0o755);
  await mount();
  await wait(p.call.mkdir('/mnt/dir', 0o755));
  await wait(p.call.symlink('/tmp/sock', '/mnt/dir/link'));
  return {
    k, p, wait,
    async cold() {
      await wait(p.call.unmount('/mnt', 0));
      await mount();
    },
  };
}

test('a datagram is sent once, whole, with its descriptors', async () => {
  const { k, p, wait, cold } = await rig();
  const to = p.sys.socket(AF_LOCAL, SOCK_DGRAM, 0);
  p.sys.bind(to, sockaddrUn('/tmp/sock'));
  const from = p.sys.socket(AF_LOCAL, SOCK_DGRAM, 0);
  await cold();
  const hdr = { iov: [bytes('first '), bytes(''), bytes('message')], name: sockaddrUn('/mnt/dir/link'), control: rightsCmsg(to) };
  expect(codeOf(() => p.sys.sendmsg(from, hdr, 0))).toBe('WouldSleep');
  expect(k.modules.use(rumpnet).mbufs.used).toBe(0);
  await cold();
  expect(await wait(p.call.sendmsg(from, hdr, 0))).toBe(13);
  const got = recvmsg(p, to);
  expect([got.text, rightsIn(got.control).length]).toEqual(['first message', 1]);
  expect(codeOf(() => p.sys.recvfrom(to, new Uint8Array(1), 0x80))).toBe('EAGAIN');
  await cold();
  expect(await wait(p.call.sendto(from, bytes('second'), 0, sockaddrUn('/mnt/dir/link')))).toBe(6);
  const into = new Uint8Array(9);
  expect(text(into.subarray(0, p.sys.read(to, into)))).toBe('second');
  k.halt();
});

test('a stream connects through it, and names are made on it', async () => {
  const { k, p, wait, cold } = await rig();
  const fd = p.sys.socket(AF_LOCAL, SOCK_STREAM, 0);
  p.sys.bind(fd, sockaddrUn('/tmp/sock'));
  p.sys.listen(fd, 1);
  await cold();
  const client = p.sys.socket(AF_LOCAL, SOCK_STREAM, 0);
  await wait(p.call.connect(client, sockaddrUn('/mnt/dir/link')));
  expect(p.sys.accept(fd)).toBeGreaterThan(client);
  await cold();
  const other = p.sys.socket(AF_LOCAL, SOCK_STREAM, 0);
  await wait(p.call.bind(other, sockaddrUn('/mnt/dir/sock')));
  expect(p.sys.getsockname(other)).toEqual(sockaddrUn('/mnt/dir/sock'));
  p.sys.close(other);
  await cold();
  expect((await wait(p.call.stat('/mnt/dir/sock'))).mode & 0o170000).toBe(0o140000);
  await wait(k.shutdown());
});
