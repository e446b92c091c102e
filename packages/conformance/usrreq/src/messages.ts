/** sendmsg, recvmsg and their plural forms, on every kind of socket. */
import { expect } from '@jest/globals';
import { MSG_DONTWAIT, MSG_TRUNC, MSG_WAITFORONE, type Mmsghdr, type Msghdr, SOCK_DGRAM, SOCK_STREAM } from '@anykernel/lib-sys';
import { type Cases, type Context, bytes, codeOf, text } from './subject.js';

/** A sender, and the one who receives. */
async function pairOf(t: Context): Promise<[number, number]> {
  if (t.conf.type !== SOCK_DGRAM) return t.pair();
  const { fd, nam } = t.bound();
  const a = t.socket();
  t.sys.connect(a, nam);
  return [a, fd];
}

function buffers(...lens: readonly number[]): Uint8Array[] {
  return lens.map((len) => new Uint8Array(len));
}

function records(count: number, len: number): Mmsghdr[] {
  return Array.from({ length: count }, () => ({ hdr: { iov: buffers(len) }, len: 0 }));
}

export const messages: Cases = {
  'are gathered and scattered': async (t) => {
    const [a, b] = await pairOf(t);
    expect(t.sys.sendmsg(a, { iov: [bytes('ab'), bytes(''), bytes('cdef')] }, 0)).toBe(6);
    await t.ready(b);
    const hdr: Msghdr = { iov: buffers(1, 0, 2, 9), flags: 99 };
    expect(t.sys.recvmsg(b, hdr, 0)).toBe(6);
    expect([hdr.iov.map((part) => text(part).replace(/\0+$/, '')), hdr.flags, hdr.control]).toEqual([['a', '', 'bc', 'def'], 0, undefined]);
  },

  'the caller’s record is filled when the call is over, and only with what came': async (t) => {
    const [a, b] = await pairOf(t);
    const hdr: Msghdr = { iov: buffers(4), name: bytes('old'), control: bytes('old'), flags: 99 };
    const waits = t.wait(t.call.recvmsg(b, hdr, 0));
    expect(hdr.flags).toBe(99);
    const sent: Msghdr = { iov: [bytes('hi')], flags: 77 };
    t.sys.sendmsg(a, sent, 0);
    expect(await waits).toBe(2);
    expect([hdr.flags, hdr.control, sent.flags]).toEqual([0, undefined, 77]);
  },

  'that are malformed are refused': async (t) => {
    const [a, b] = await pairOf(t);
    const wrong = [undefined, {}, { iov: 7 }, { iov: [7] }, { iov: [bytes('x')], name: 7 }, { iov: [bytes('x')], control: 'x' }];
    expect(wrong.map((hdr) => codeOf(() => t.sys.sendmsg(a, hdr as never, 0)))).toEqual(wrong.map(() => 'EFAULT'));
    const long = Array.from({ length: 1025 }, () => new Uint8Array(1));
    expect(codeOf(() => t.sys.sendmsg(a, { iov: long }, 0))).toBe('EMSGSIZE');
    expect(codeOf(() => t.sys.recvmsg(b, { iov: long }, 0))).toBe('EMSGSIZE');
    expect(codeOf(() => t.sys.sendmmsg(a, [7] as never, 0))).toBe('EFAULT');
  },

  'go in one call, and come in one': async (t) => {
    const [a, b] = await pairOf(t);
    const out = ['one', 'two', 'three'].map((s): Mmsghdr => ({ hdr: { iov: [bytes(s)] }, len: 0 }));
    expect(t.sys.sendmmsg(a, out, 0)).toBe(3);
    expect(out.map((m) => m.len)).toEqual([3, 3, 5]);
    await t.subject.advance(1e9);
    const into = records(5, 20);
    const n = t.sys.recvmmsg(b, into, MSG_DONTWAIT);
    const got = into.slice(0, n).map((m) => text(m.hdr.iov[0]!.subarray(0, m.len)));
    const bounds = t.conf.type !== SOCK_STREAM;
    expect(bounds ? got : got.join('')).toEqual(bounds ? ['one', 'two', 'three'] : 'onetwothree');
  },

  'some are waited for, or one': async (t) => {
    const [a, b] = await pairOf(t);
    const two = records(2, 3);
    const waits = t.wait(t.call.recvmmsg(b, two, 0));
    t.sys.write(a, bytes('abc'));
    await t.subject.advance(1e6);
    t.sys.write(a, bytes('def'));
    expect(await waits).toBe(2);
    expect(two.map((m) => text(m.hdr.iov[0]!))).toEqual(['abc', 'def']);
    const one = t.wait(t.call.recvmmsg(b, records(9, 3), MSG_WAITFORONE));
    t.sys.write(a, bytes('ghi'));
    expect(await one).toBe(1);
  },

  'no more are begun when the time is over': async (t) => {
    const [a, b] = await pairOf(t);
    t.sys.write(a, bytes('abc'));
    await t.ready(b);
    expect(await t.wait(t.call.recvmmsg(b, records(9, 3), 0, { sec: 0, nsec: 0 }))).toBe(1);
    expect(codeOf(() => t.sys.recvmmsg(b, records(9, 3), MSG_DONTWAIT, { sec: 0, nsec: 0 }))).toBe('EAGAIN');
  },
};

/** Of sockets whose messages have bounds. */
export const boundedMessages: Cases = {
  'that are longer than the buffer are cut': async (t) => {
    const [a, b] = await pairOf(t);
    t.sys.write(a, bytes('abcdef'));
    t.sys.write(a, bytes('next'));
    await t.ready(b);
    const hdr: Msghdr = { iov: buffers(3) };
    expect(t.sys.recvmsg(b, hdr, 0)).toBe(3);
    expect([text(hdr.iov[0]!), (hdr.flags ?? 0) & MSG_TRUNC]).toEqual(['abc', MSG_TRUNC]);
    expect(await t.recv(b)).toBe('next');
  },
};
