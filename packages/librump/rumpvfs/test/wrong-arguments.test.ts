/** Whatever a caller gives to a call on files, he alone hears of it. */
import { annoy, annoyParked } from '@anykernel/conformance-syscalls';
import { hostSim } from '@anykernel/host-sim';
import { type ArgKind, O_CREAT, O_RDWR, rumpkernCalls, rumpvfsCalls } from '@anykernel/lib-sys';
import { type Kernel, type Proc, SystemError, boot } from '@anykernel/rumpkern';
import { rumpvfs } from '../src/index.js';

interface Victim {
  readonly k: Kernel;
  readonly p: Proc;
}

/** Descriptor 0 is a file, 1 a directory, 2 a device, 3 a FIFO. */
function victim(): Victim {
  const k = boot(hostSim(), [rumpvfs]);
  const p = k.newproc();
  p.sys.open('/file', O_RDWR | O_CREAT, 0o644);
  p.sys.write(0, new Uint8Array(5000));
  p.sys.mkdir('/dir', 0o755);
  p.sys.open('/dir', 0);
  p.sys.open('/dev/null', O_RDWR);
  p.sys.mkfifo('/fifo', 0o644);
  p.sys.open('/fifo', O_RDWR);
  return { k, p };
}

function good(fd: number): (kind: ArgKind) => unknown {
  return (kind) => {
    switch (kind) {
      case 'fd':
        return fd;
      case 'path':
        return '/file';
      case 'in':
      case 'out':
        return new Uint8Array(8);
      case 'iovin':
      case 'iovout':
        return [new Uint8Array(8)];
      case 'str':
        return 'user.name';
      case 'mountargs':
        return {};
      default:
        return kind.endsWith('?') ? undefined : 1;
    }
  };
}

test.each([
  ['a file', 0],
  ['a directory', 1],
  ['a device', 2],
  ['a FIFO', 3],
])('no argument of a call on files is more than an error for its caller, whose descriptor is %s', async (_what, fd) => {
  const isError = (e: unknown): boolean => e instanceof SystemError;
  const skip = ['poll', 'pollts', 'select', 'pselect', 'kevent', 'reboot'];
  expect(annoy({ table: rumpvfsCalls, victim, good: good(fd), isError })).toEqual([]);
  expect(await annoyParked({ table: rumpvfsCalls, victim, good: good(fd), isError })).toEqual([]);
  expect(annoy({ table: rumpkernCalls, victim, good: good(fd), isError, skip })).toEqual([]);
});
