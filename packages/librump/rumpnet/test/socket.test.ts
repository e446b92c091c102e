import { describe, expect, test } from '@jest/globals';
import {
  ERR, FIOASYNC, FIOGETOWN, FIONREAD, FIOSETOWN, F_GETOWN, F_SETOWN, MSG_OOB, MSG_PEEK, O_ASYNC, O_NONBLOCK, POLLIN, POLLPRI, SIGIO, SIGURG, SIOCATMARK, SIOCGPGRP, SIOCSPGRP,
  SOCK_DGRAM, SOCK_NONBLOCK, SOCK_STREAM, SOL_SOCKET, SO_LINGER, SO_OOBINLINE, SO_SNDBUF, intBytes, lingerBytes, _IOWR,
} from '@anykernel/lib-sys';
import type { Proc } from '@anykernel/rumpkern';
import { type Rumpnet, mbufsOf, rumpnet, socketOf } from '../src/index.js';
import { type Box, box, bytes, codeOf, now, outcome, text } from './help.js';
import { AF_LOOP, address, loop } from './loop.js';

function rig(): Box & { net: Rumpnet; pair(): [number, number]; int(fd: number, cmd: number): number } {
  const b = box([loop]);
  return {
    ...b,
    net: b.k.modules.use(rumpnet),
    pair: () => b.p.sys.socketpair(AF_LOOP, SOCK_STREAM, 0),
    int(fd, cmd) {
      const data = new Uint8Array(4);
      b.p.sys.ioctl(fd, cmd, data);
      return new DataView(data.buffer).getInt32(0, true);
    },
  };
}

function recv(p: Proc, fd: number, flags = 0, len = 100): string {
  const b = new Uint8Array(len);
  return text(b, p.sys.recvfrom(fd, b, flags));
}

describe('domains', () => {
  test('one of a family, and none that is in use leaves', () => {
    const { k, p, net } = rig();
    const fd = p.sys.socket(AF_LOOP, SOCK_STREAM, 0);
    expect(codeOf(() => net.attachDomain(net.domain(AF_LOOP)!))).toBe('EEXIST');
    expect([net.sockets(), net.sockets(AF_LOOP), net.sockets(1)]).toEqual([1, 1, 0]);
    expect(codeOf(() => k.modunload(loop))).toBe('EBUSY');
    p.sys.close(fd);
    k.modunload(loop);
    expect(codeOf(() => p.sys.socket(AF_LOOP, SOCK_STREAM, 0))).toBe('EAFNOSUPPORT');
  });

  test('a socket that its protocol refuses is none', () => {
    const { p, net } = rig();
    expect(codeOf(() => p.sys.socket(AF_LOOP, SOCK_DGRAM, 0))).toBe('EPROTOTYPE');
    expect(codeOf(() => p.sys.socket(AF_LOOP, SOCK_STREAM, 99))).toBe('EPROTONOSUPPORT');
    const limit = p.sys.getrlimit(8);
    p.sys.setrlimit(8, { cur: 1, max: limit.max });
    expect(codeOf(() => p.sys.socketpair(AF_LOOP, SOCK_STREAM, 0))).toBe('EMFILE');
    expect([net.sockets(), p.fd.count]).toEqual([0, 0]);
  });

  test('a kernel without rumpnet has no sockets', () => {
    expect(codeOf(() => box().p.sys.socket(AF_LOOP, SOCK_STREAM, 0))).toBe('ENOSYS');
  });

  test('a component of the domain is asked for, and the call waits', async () => {
    const { host, k, p } = box([rumpnet], {}, { components: [{ ...loop, name: 'netinet' }] });
    void k;
    const waits = outcome(p.call.socket(2, SOCK_STREAM, 0));
    host.sim.runUntilIdle();
    // It came, and brought another family.
    expect(await waits).toBe('EAFNOSUPPORT');
    expect(k.modules.has('netinet')).toBe(true);
    expect(p.sys.socket(AF_LOOP, SOCK_STREAM, 0)).toBe(0);
  });
});

describe('urgent data', () => {
  test('comes by itself, and reading stops where it was', () => {
    const r = rig();
    const [a, b] = r.pair();
    r.p.sys.sendto(a, bytes('before!'), MSG_OOB);
    r.p.sys.write(a, bytes('after'));
    expect(r.int(b, SIOCATMARK)).toBe(0);
    const polled = [{ fd: b, events: POLLPRI | POLLIN, revents: 0 }];
    r.p.sys.poll(polled, 0);
    expect(polled[0]!.revents).toBe(POLLPRI | POLLIN);
    expect(recv(r.p, b, MSG_PEEK)).toBe('before');
    expect(recv(r.p, b)).toBe('before');
    expect(r.int(b, SIOCATMARK)).toBe(1);
    expect([recv(r.p, b, MSG_OOB | MSG_PEEK), recv(r.p, b, MSG_OOB)]).toEqual(['!', '!']);
    expect(codeOf(() => recv(r.p, b, MSG_OOB))).toBe('EINVAL');
    expect([recv(r.p, b), r.int(b, SIOCATMARK)]).toEqual(['after', 0]);
  });

  test('comes inline', () => {
    const r = rig();
    const [a, b] = r.pair();
    r.p.sys.setsockopt(b, SOL_SOCKET, SO_OOBINLINE, intBytes(1));
    r.p.sys.sendto(a, bytes('before!'), MSG_OOB);
    expect([recv(r.p, b), r.int(b, SIOCATMARK), recv(r.p, b), r.int(b, SIOCATMARK)]).toEqual(['before', 1, '!', 0]);
  });

  test('is told to the owner of the socket', () => {
    const r = rig();
    const [a, b] = r.pair();
    const owner = r.k.newproc();
    r.p.sys.fcntl(b, F_SETOWN, owner.pid);
    expect([r.p.sys.fcntl(b, F_GETOWN), r.int(b, FIOGETOWN), r.int(b, SIOCGPGRP)]).toEqual([owner.pid, owner.pid, owner.pid]);
    r.p.sys.sendto(a, bytes('!'), MSG_OOB);
    expect(owner.sig.pending).toEqual([SIGURG]);
  });
});

describe('asynchronous I/O by signals', () => {
  test('SIGIO when something can be done, for a process or a group', () => {
    const r = rig();
    const [a, b] = r.pair();
    const [one, two] = [r.k.newproc(), r.k.newproc()];
    one.pgid = two.pgid = 4711;
    const owner = new Uint8Array(4);
    new DataView(owner.buffer).setInt32(0, -4711, true);
    r.p.sys.ioctl(b, FIOSETOWN, owner);
    r.p.sys.write(a, bytes('x'));
    expect(one.sig.pending).toEqual([]);
    r.p.sys.ioctl(b, FIOASYNC, intBytes(1));
    r.p.sys.write(a, bytes('x'));
    expect([one.sig.pending, two.sig.pending]).toEqual([[SIGIO], [SIGIO]]);
    expect(r.p.sys.fcntl(b, 3) & O_ASYNC).toBe(O_ASYNC);
  });

  test('goes to nobody who is not there, or whom the caller may not signal', () => {
    const r = rig();
    const mine = r.k.newproc({ uid: 1000 });
    const [, b] = mine.sys.socketpair(AF_LOOP, SOCK_STREAM, 0);
    const foreign = r.k.newproc({ uid: 1001 });
    foreign.sys.setsid();
    const friend = r.k.newproc({ uid: 1000 });
    friend.sys.setsid();
    const mate = r.k.newproc({ uid: 1001 });
    const set = (id: number): (string | number)[] =>
      [() => mine.sys.fcntl(b, F_SETOWN, id), () => mine.sys.ioctl(b, FIOSETOWN, intBytes(id)), () => mine.sys.ioctl(b, SIOCSPGRP, intBytes(id))].map((call) => {
        try {
          call();
          return mine.sys.fcntl(b, F_GETOWN);
        } catch (e) {
          return (e as { code: string }).code;
        }
      });
    const all = <T>(one: T): T[] => [one, one, one];
    expect([set(9999), set(-9999), set(-0x8000_0000)]).toEqual(all(all('ESRCH')));
    expect([set(foreign.pid), set(-foreign.pid)]).toEqual([all('EPERM'), all('EPERM')]);
    for (const id of [mate.pid, -mate.pgid, friend.pid, -friend.pid, 0]) expect(set(id)).toEqual(all(id));
  });

  test('a user within the kernel is called', () => {
    const r = rig();
    const [a, b] = r.pair();
    const so = socketOf(r.p.fd.get(b));
    const seen: number[] = [];
    so.upcall = (one) => seen.push(one.rcv.cc);
    r.p.sys.write(a, bytes('abc'));
    expect(seen).toEqual([3]);
    r.p.sys.close(b);
    expect(so.upcall).toBeUndefined();
  });
});

describe('ioctl', () => {
  test('of interfaces and routes go to the layer that has them, others to the protocol', () => {
    const r = rig();
    const [a] = r.pair();
    const asked: number[] = [];
    r.net.ifioctl = (_so, cmd) => asked.push(cmd);
    const [ifcmd, rtcmd, other] = [_IOWR('i', 1, 4), _IOWR('r', 1, 4), _IOWR('q', 1, 4)];
    r.p.sys.ioctl(a, ifcmd, new Uint8Array(4));
    r.p.sys.ioctl(a, rtcmd, new Uint8Array(4));
    expect(asked).toEqual([ifcmd, rtcmd]);
    expect(codeOf(() => r.p.sys.ioctl(a, other, new Uint8Array(4)))).toBe('EOPNOTSUPP');
    expect(codeOf(() => r.p.sys.ioctl(a, FIONREAD, new Uint8Array(3)))).toBe('EFAULT');
  });
});

describe('options of the protocol', () => {
  test('are set and asked for at its level', () => {
    const r = rig();
    const [a] = r.pair();
    const value = new Uint8Array(2);
    expect(r.p.sys.getsockopt(a, 77, 1, value)).toBe(2);
    expect([...value]).toEqual([1, 2]);
    r.p.sys.setsockopt(a, 77, 1, value);
    expect(codeOf(() => r.p.sys.setsockopt(a, 77, 2, value))).toBe('ENOPROTOOPT');
  });
});

describe('close', () => {
  function lingering(seconds: number, takesNs: number): ReturnType<typeof rig> & { fd: number; other: number } {
    const r = rig();
    r.k.modules.use(loop).lingerNs = takesNs;
    const [fd, other] = r.pair();
    r.p.sys.setsockopt(fd, SOL_SOCKET, SO_LINGER, lingerBytes(true, seconds));
    return { ...r, fd, other };
  }

  test('waits for the end of a connection with SO_LINGER', async () => {
    const r = lingering(5, 2e9);
    const closes = r.p.call.close(r.fd);
    expect(await now(closes)).toBe('waits');
    r.host.sim.advance(1.9e9);
    expect(await now(closes)).toBe('waits');
    r.host.sim.advance(0.2e9);
    expect(await outcome(closes)).toBeUndefined();
    expect(r.p.fd.peek(r.fd)).toBeUndefined();
  });

  test('waits no longer than it says, and the protocol goes on', async () => {
    const r = lingering(1, 60e9);
    const closes = r.p.call.close(r.fd);
    r.host.sim.advance(1.1e9);
    expect(await outcome(closes)).toBeUndefined();
    r.p.sys.close(r.other);
    expect(r.net.sockets()).toBeGreaterThan(0);
    r.host.sim.advance(120e9);
    expect(r.net.sockets()).toBe(0);
  });

  test('does not wait where the descriptor does not', () => {
    const r = lingering(5, 2e9);
    r.p.sys.fcntl(r.fd, 4, O_NONBLOCK);
    expect(codeOf(() => r.p.sys.close(r.fd))).toBe('ok');
  });

  test('of a process that ends waits in the background', () => {
    const r = lingering(5, 2e9);
    r.p.exit();
    r.host.sim.runUntilIdle();
    expect(r.net.sockets()).toBe(0);
  });
});

describe('a connection that is lost before it was accepted', () => {
  test('is not accepted, where the protocol says so', () => {
    const r = rig();
    const fd = r.p.sys.socket(AF_LOOP, SOCK_STREAM | SOCK_NONBLOCK, 0);
    r.p.sys.bind(fd, address(5));
    r.p.sys.listen(fd, 5);
    const client = r.p.sys.socket(AF_LOOP, SOCK_STREAM, 0);
    r.p.sys.connect(client, address(5));
    r.p.sys.close(client);
    expect(codeOf(() => r.p.sys.accept(fd))).toBe('ECONNABORTED');
    expect([codeOf(() => r.p.sys.accept(fd)), r.net.sockets()]).toEqual(['EAGAIN', 1]);
  });
});

describe('shortage of mbufs', () => {
  test('is ENOBUFS for who sends, and nothing is lost', () => {
    const r = rig();
    const [a, b] = r.pair();
    r.p.sys.setsockopt(a, SOL_SOCKET, SO_SNDBUF, intBytes(200_000));
    const { store } = mbufsOf(r.k);
    store.limit = 70_000;
    expect(r.p.sys.write(a, new Uint8Array(65_536))).toBe(65_536);
    expect(codeOf(() => r.p.sys.write(a, new Uint8Array(65_536)))).toBe('ENOBUFS');
    expect(r.p.sys.read(b, new Uint8Array(70_000))).toBe(65_536);
    expect(r.p.sys.write(a, new Uint8Array(65_536))).toBe(65_536);
    expect(ERR.ENOBUFS.errno).toBe(55);
  });
});

test('sysctl has the limits of buffers and queues', () => {
  const r = rig();
  const { sys } = r.p;
  expect([sys.sysctl('kern.sbmax'), sys.sysctl('kern.somaxconn')]).toEqual([4 << 20, 128]);
  sys.sysctl('kern.sbmax', 20_000);
  const [a] = r.pair();
  expect(codeOf(() => sys.setsockopt(a, SOL_SOCKET, SO_SNDBUF, intBytes(20_001)))).toBe('ENOBUFS');
  expect(codeOf(() => sys.sysctl('kern.sbmax', 0))).toBe('EINVAL');
  expect(codeOf(() => sys.sysctl('kern.mbuf.nmbclusters', 1))).toBe('EINVAL');
  sys.sysctl('kern.mbuf.nmbclusters', 1000);
  expect([sys.sysctl('kern.mbuf.nmbclusters'), sys.sysctl('kern.mbuf.mclbytes'), sys.sysctl('kern.mbuf.msize')]).toEqual([1000, 2048, 192]);
  sys.write(a, bytes('x'));
  expect((sys.sysctl('kern.mbuf.stats') as Uint8Array)[0]).toBe(1);
});
