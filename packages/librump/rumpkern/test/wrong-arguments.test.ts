/** Whatever a caller gives, he alone hears of it: an errno, and the kernel goes on. */
import { annoy, annoyParked } from '@anykernel/conformance-syscalls';
import { type ArgKind, Kevent, rumpkernCalls } from '@anykernel/lib-sys';
import { SystemError } from '@anykernel/rumpkern';
import { type Box, box } from './help.js';

function good(kind: ArgKind): unknown {
  switch (kind) {
    case 'fd':
      return 0;
    case 'in':
    case 'out':
      return new Uint8Array(8);
    case 'iovin':
    case 'iovout':
      return [new Uint8Array(8)];
    case 'pollfds':
      return [{ fd: 0, events: 1, revents: 0 }];
    case 'selects':
      return { nfds: 1, read: new Uint8Array(1) };
    case 'changes':
      return [];
    case 'kevents':
      return [new Kevent()];
    case 'timespec':
      return { sec: 0, nsec: 1 };
    case 'timespec?':
      return { sec: 0, nsec: 0 };
    case 'itimer':
      return { interval: { sec: 0, nsec: 0 }, value: { sec: 1, nsec: 0 } };
    case 'rlimit':
      return { cur: 100, max: 100 };
    case 'sysctlname':
      return 'kern.hostname';
    case 'str':
      return 'name';
    case 'gids':
      return [1, 2];
    case 'pid':
      return 0;
    default:
      return kind.endsWith('?') ? undefined : 1;
  }
}

/** A process whose descriptors 0 and 1 are a pipe with something in it, and 2 an event queue. */
function victim(): Box {
  const b = box();
  b.p.sys.pipe();
  b.p.sys.kqueue();
  b.p.sys.write(1, new Uint8Array(100));
  return b;
}

const annoyance = { table: rumpkernCalls, victim, good, isError: (e: unknown) => e instanceof SystemError, skip: ['reboot'] };

test('no argument of a system call is more than an error for its caller', () => {
  expect(annoy(annoyance)).toEqual([]);
});

test('nor is one of a call that may wait', async () => {
  expect(await annoyParked(annoyance)).toEqual([]);
});
