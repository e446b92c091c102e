/** Hosts, and applications that serve files of their own, which break their word. */
import type { Completion, HostFile, Rumpuser } from '@anykernel/host-rumpuser';
import { ERR } from '@anykernel/lib-sys';
import { hostInfo, type Kernel, openHost } from '@anykernel/rumpkern';
import { box, codeOf } from './help.js';

const fault = (): never => {
  throw new RangeError('the host is at fault');
};

function open(change: Partial<HostFile>): { k: Kernel; file: HostFile } {
  const { k, host } = box();
  const whole: HostFile = {
    size: 100,
    writable: true,
    read: () => 0,
    write: () => 0,
    readv: () => 0,
    writev: () => 0,
    flush: () => 0,
    close: () => {},
    ...change,
  };
  host.open = () => whole as ReturnType<Rumpuser['open']> as never;
  return { k, file: openHost(k, 'file', true) };
}

const never: Completion = () => {
  throw new Error('it has ended');
};

function pending(end: () => void): -1 {
  end();
  return -1;
}

test('whatever a host throws is an error of input and output', () => {
  const { file } = open({ read: fault, write: fault, readv: fault, writev: fault, flush: fault, close: fault });
  const data = new Uint8Array(8);
  for (const fn of [
    () => file.read(data, 0, never),
    () => file.write(data, 0, never),
    () => file.readv([data], 0, never),
    () => file.writev([data], 0, never),
    () => file.flush(never),
  ])
    expect(codeOf(fn)).toBe('EIO');
  const { k, host } = box();
  file.close();
  host.open = host.getfileinfo = fault;
  expect([codeOf(() => openHost(k, 'x', false)), codeOf(() => hostInfo(k, 'x'))]).toEqual(['EIO', 'EIO']);
});

test('an Errno of the host is what it is', () => {
  const { file } = open({
    write: () => {
      throw ERR.ENOSPC;
    },
  });
  expect(codeOf(() => file.write(new Uint8Array(1), 0, never))).toBe('ENOSPC');
});

test.each([9, -2, 0.5, Number.NaN, Infinity, undefined, '8'])('%p bytes moved of 8 is an error', (moved) => {
  const { file } = open({ read: () => moved as number, readv: () => moved as number });
  expect(codeOf(() => file.read(new Uint8Array(8), 0, never))).toBe('EIO');
  expect(codeOf(() => file.readv([new Uint8Array(4), new Uint8Array(4)], 0, never))).toBe('EIO');
});

test('a completion with too many bytes, or with an error that is none, is EIO; twice is once', async () => {
  const ends: Completion[] = [];
  const { file } = open({ read: (_data, _off, done) => -Math.sign(ends.push(done)) });
  const heard: unknown[] = [];
  for (let n = 0; n < 3; n++) expect(file.read(new Uint8Array(8), 0, (error, moved) => heard.push(error?.code ?? moved))).toBe(-1);
  ends[0](undefined, 9);
  ends[1](new RangeError('x') as never, 0);
  ends[2](undefined, 8);
  for (const end of ends) end(ERR.EINVAL, 0);
  expect(heard).toEqual(['EIO', 'EIO', 8]);
});

test('a transfer that is said to be pending, and ends within the call, has ended', () => {
  const { file } = open({
    read: (_data, _off, done) => pending(() => done(undefined, 5)),
    write: (_data, _off, done) => pending(() => done(ERR.ENOSPC, 0)),
    flush: (done) => pending(() => done(undefined, 0)),
  });
  expect(file.read(new Uint8Array(8), 0, never)).toBe(5);
  expect(codeOf(() => file.write(new Uint8Array(8), 0, never))).toBe('ENOSPC');
  expect(file.flush(never)).toBe(0);
});

test.each([-1, Number.NaN, 0.5, undefined])('a file of %p bytes is not opened', (size) => {
  expect(codeOf(() => open({ size: size as number }))).toBe('EIO');
});

test('memory goes back to the host when the last transfer has ended, if the kernel did not live to see it', () => {
  const ends: Completion[] = [];
  const { k, file } = open({
    read: (_data, _off, done) => {
      ends.push(done);
      return -1;
    },
  });
  const host = k.host as ReturnType<typeof box>['host'];
  for (let n = 0; n < 2; n++) file.read(k.mem.alloc(4096), 0, () => {});
  k.halt();
  expect(host.allocated).toBe(65_536);
  ends[0](undefined, 4096);
  expect(host.allocated).toBe(65_536);
  ends[1](ERR.EIO, 0);
  expect(host.allocated).toBe(0);
});
