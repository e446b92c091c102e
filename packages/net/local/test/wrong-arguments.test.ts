/** Whatever a caller gives to a call on sockets, he alone hears of it. */
import { annoy, annoyParked } from '@anykernel/conformance-syscalls';
import { hostSim } from '@anykernel/host-sim';
import { AF_LOCAL, type ArgKind, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_STREAM, rightsCmsg, rumpkernCalls, rumpnetCalls, sockaddrUn } from '@anykernel/lib-sys';
import { type Kernel, type Proc, SystemError, boot } from '@anykernel/rumpkern';
import { expect, test } from '@jest/globals';
import { local } from '../src/index.js';

interface Victim {
  readonly k: Kernel;
  readonly p: Proc;
}

/** Descriptors 0 and 1 are a connection with something in it, 2 listens and has a connection, 3 is new; 4 and 5 are datagram sockets, 6 and 7 packets. */
function victim(): Victim {
  const k = boot(hostSim(), [local]);
  const p = k.newproc();
  p.sys.socketpair(AF_LOCAL, SOCK_STREAM, 0);
  p.sys.socket(AF_LOCAL, SOCK_STREAM, 0);
  p.sys.bind(2, sockaddrUn('/listens'));
  p.sys.listen(2, 5);
  p.sys.socket(AF_LOCAL, SOCK_STREAM, 0);
  p.sys.socketpair(AF_LOCAL, SOCK_DGRAM, 0);
  p.sys.socketpair(AF_LOCAL, SOCK_SEQPACKET, 0);
  for (const fd of [0, 4, 6]) p.sys.sendmsg(fd, { iov: [new Uint8Array(9)], control: rightsCmsg(fd) }, 0);
  return { k, p };
}

function good(fd: number): (kind: ArgKind) => unknown {
  return (kind) => {
    switch (kind) {
      case 'fd':
        return fd;
      case 'in':
      case 'in?':
        return sockaddrUn('/listens');
      case 'out':
        return new Uint8Array(8);
      case 'iovin':
      case 'iovout':
        return [new Uint8Array(8)];
      case 'msg':
        return { iov: [new Uint8Array(8)], controlMax: 100 };
      case 'msgs':
        return [{ hdr: { iov: [new Uint8Array(8)] }, len: 0 }];
      case 'name?':
        return { addr: undefined };
      default:
        return kind.endsWith('?') ? undefined : 1;
    }
  };
}

test.each([
  ['a connection', 1],
  ['a listening socket', 2],
  ['a new socket', 3],
  ['a datagram socket', 5],
  ['a socket of packets', 7],
])('no argument of a call on sockets is more than an error for its caller, whose descriptor is %s', async (_what, fd) => {
  const isError = (e: unknown): boolean => e instanceof SystemError;
  const skip = ['poll', 'pollts', 'select', 'pselect', 'kevent', 'reboot'];
  expect(annoy({ table: rumpnetCalls, victim, good: good(fd), isError })).toEqual([]);
  expect(await annoyParked({ table: rumpnetCalls, victim, good: good(fd), isError })).toEqual([]);
  const onFiles = Object.fromEntries(['read', 'write', 'readv', 'writev', 'ioctl', 'fcntl', 'fstat', 'dup', 'close'].map((name) => [name, rumpkernCalls[name as 'read']]));
  expect(annoy({ table: onFiles, victim, good: good(fd), isError, skip })).toEqual([]);
});
