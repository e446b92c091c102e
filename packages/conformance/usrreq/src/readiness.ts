/** poll, select and kqueue on connections. */
import { expect } from '@jest/globals';
import { EVFILT_READ, EVFILT_VNODE, EVFILT_WRITE, EV_ADD, EV_EOF, Kevent, NOTE_LOWAT, POLLIN, POLLOUT, SHUT_WR, SOL_SOCKET, SO_RCVLOWAT, intBytes } from '@anykernel/lib-sys';
import { type Cases, codeOf } from './subject.js';

export const readiness: Cases = {
  'to send, and to receive when something has come': async (t) => {
    const [a, b] = await t.pair();
    expect(t.polled(b)).toBe('out');
    await t.send(a, 'abc');
    expect(await t.ready(b)).toBe(POLLIN);
    expect(t.polled(b)).toBe('in out');
    await t.recv(b, 2);
    if (t.waiting(b) > 0) await t.recv(b);
    expect(t.polled(b)).toBe('out');
  },

  'of a socket that is not connected': (t) => {
    expect(t.polled(t.socket())).toBe('');
  },

  'of a listening socket': async (t) => {
    const { fd, nam } = t.listener();
    expect(t.polled(fd)).toBe('');
    const waits = t.ready(fd);
    await t.wait(t.call.connect(t.socket(), nam));
    expect(await waits).toBe(POLLIN);
    expect(t.kevent(fd, EVFILT_READ)?.data).toBe(1);
    t.sys.accept(fd);
    expect(t.polled(fd)).toBe('');
    expect(t.kevent(fd, EVFILT_READ)).toBeUndefined();
  },

  'at the end': async (t) => {
    const [a, b] = await t.pair();
    t.sys.shutdown(a, SHUT_WR);
    expect((await t.ready(b)) & POLLIN).toBe(POLLIN);
    expect(t.polled(b)).toBe('in out');
    t.sys.shutdown(b, SHUT_WR);
    await t.ready(a);
    expect(t.polled(a)).toContain('hup');
  },

  'when there is room again': async (t) => {
    const [a, b] = await t.pair();
    t.nonblock(a);
    let sent = 0;
    const data = new Uint8Array(1000);
    while (t.polled(a, POLLOUT) === 'out') {
      while (codeOf(() => (sent += t.sys.write(a, data))) === 'ok');
      await t.subject.advance(1e8);
    }
    const waits = t.ready(a, POLLOUT);
    await t.recvAll(b, sent);
    expect((await waits) & POLLOUT).toBe(POLLOUT);
  },

  'a knote tells how much there is, and the end': async (t) => {
    const [a, b] = await t.pair();
    expect(t.kevent(b, EVFILT_READ)).toBeUndefined();
    await t.send(a, 'abcde');
    await t.ready(b);
    expect(t.kevent(b, EVFILT_READ)).toMatchObject({ ident: b, filter: EVFILT_READ, data: 5, flags: 0 });
    expect(t.waiting(b)).toBe(5);
    expect(t.kevent(b, EVFILT_READ, NOTE_LOWAT, 6)).toBeUndefined();
    expect(t.kevent(b, EVFILT_READ, NOTE_LOWAT, 5)?.data).toBe(5);
    expect(t.kevent(b, EVFILT_WRITE)?.data).toBeGreaterThan(1000);
    t.sys.close(a);
    await t.subject.advance(1e9);
    const end = t.kevent(b, EVFILT_READ);
    expect([end?.data, (end?.flags ?? 0) & EV_EOF]).toEqual([5, EV_EOF]);
  },

  'a knote wakes who waits for it': async (t) => {
    const [a, b] = await t.pair();
    const kq = t.sys.kqueue();
    const events: Kevent[] = new Array<Kevent>(4);
    const waits = t.wait(t.call.kevent(kq, [new Kevent(b, EVFILT_READ, EV_ADD, 0, 0, 'mine')], events));
    await t.send(a, 'x');
    expect(await waits).toBe(1);
    expect(events[0]).toMatchObject({ ident: b, data: 1, udata: 'mine' });
    t.sys.close(kq);
  },

  'there is no filter of files on a socket': (t) => {
    const kq = t.sys.kqueue();
    expect(codeOf(() => t.sys.kevent(kq, [new Kevent(t.socket(), EVFILT_VNODE, EV_ADD)], [], { sec: 0, nsec: 0 }))).toBe('EINVAL');
  },

  'begins with SO_RCVLOWAT': async (t) => {
    const [a, b] = await t.pair();
    t.sys.setsockopt(b, SOL_SOCKET, SO_RCVLOWAT, intBytes(4));
    await t.send(a, 'abc');
    await t.subject.advance(1e9);
    expect(t.polled(b, POLLIN)).toBe('');
    await t.send(a, 'd');
    expect((await t.ready(b)) & POLLIN).toBe(POLLIN);
  },

  'select tells the same': async (t) => {
    const [a, b] = await t.pair();
    await t.send(a, 'x');
    await t.ready(b);
    const sets = { nfds: b + 1, read: Uint8Array.of(1 << b), write: Uint8Array.of(1 << b) };
    expect(t.sys.select(sets, { sec: 0, nsec: 0 })).toBe(2);
    expect([sets.read[0], sets.write[0]]).toEqual([1 << b, 1 << b]);
  },
};
