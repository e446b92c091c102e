/** listen, accept and paccept: queues, flags, ends. */
import { expect } from '@jest/globals';
import { FD_CLOEXEC, F_GETFD, F_GETFL, O_NONBLOCK, POLLIN, SOCK_CLOEXEC, SOCK_NONBLOCK, SOL_SOCKET, SO_ACCEPTCONN, SO_RCVBUF, SIGINT, intBytes } from '@anykernel/lib-sys';
import { type Cases, type Context, NONBLOCK, codeIn, codeOf } from './subject.js';

export const listening: Cases = {
  'says so': (t) => {
    const { fd } = t.listener();
    expect(t.intopt(fd, SOL_SOCKET, SO_ACCEPTCONN)).not.toBe(0);
    expect(codeOf(() => t.sys.listen(fd, 7))).toBe('ok');
  },

  'gives connections in the order in which they came': async (t) => {
    const { fd, nam } = t.listener();
    const clients: Uint8Array[] = [];
    for (let i = 0; i < 3; i++) {
      const client = t.bound();
      await t.wait(t.call.connect(client.fd, nam));
      clients.push(client.nam);
    }
    const came: unknown[] = [];
    for (let i = 0; i < 3; i++) {
      const name = { addr: undefined };
      await t.wait(t.call.accept(fd, name));
      came.push(name.addr);
    }
    expect(came).toEqual(clients);
  },

  'is waited for by several, each of whom gets one': async (t) => {
    const { fd, nam } = t.listener();
    const accepts = [1, 2, 3].map(() => t.wait(t.call.accept(fd)));
    for (let i = 0; i < 3; i++) await t.wait(t.call.connect(t.socket(), nam));
    expect(new Set(await Promise.all(accepts)).size).toBe(3);
  },

  'without a connection: accept does not wait if it should not': (t) => {
    const { fd } = t.listener();
    expect(codeOf(() => t.sys.accept(fd))).toBe('WouldSleep');
    t.nonblock(fd);
    expect(codeOf(() => t.sys.accept(fd))).toBe('EAGAIN');
    expect(codeOf(() => t.sys.accept(t.socket()))).toBe('EINVAL');
  },

  'takes no more than it was told to': async (t) => {
    const { nam } = t.listener(2);
    const codes: string[] = [];
    for (let i = 0; i < 12; i++) {
      const fd = t.socket(NONBLOCK);
      codes.push(codeOf(() => t.sys.connect(fd, nam)));
      await t.subject.advance(1e6);
      codes[i] += t.polled(fd, 4) === 'out' ? ' done' : '';
    }
    const done = codes.filter((code) => code.endsWith(' done')).length;
    expect(done).toBeGreaterThanOrEqual(2);
    expect(done).toBeLessThanOrEqual(5);
  },

  'that closes ends connections that nobody has accepted': async (t) => {
    const { fd, nam } = t.listener();
    const client = t.socket();
    await t.wait(t.call.connect(client, nam));
    t.sys.close(fd);
    const end = await codeIn(t.recv(client).then((got) => Promise.reject(Object.assign(new Error(), { code: got === '' ? 'end' : got }))));
    expect(['end', 'ECONNRESET', 'ECONNABORTED']).toContain(end);
  },

  'that closes while somebody waits': async (t) => {
    const { fd } = t.listener();
    const waits = t.wait(t.call.accept(fd));
    t.sys.close(fd);
    expect(await codeIn(waits)).toBe('EBADF');
  },

  'that is shut down: who waits hears of it': async (t) => {
    const { fd } = t.listener();
    const waits = t.wait(t.call.accept(fd));
    t.sys.shutdown(fd, 2);
    expect(await codeIn(waits)).toBe('ECONNABORTED');
  },

  'hands its options and buffers on': async (t) => {
    const { fd, nam } = t.listener();
    t.sys.setsockopt(fd, SOL_SOCKET, SO_RCVBUF, intBytes(20_000));
    const client = t.socket();
    const [server] = await Promise.all([t.wait(t.call.accept(fd)), t.wait(t.call.connect(client, nam))]);
    expect(t.intopt(server, SOL_SOCKET, SO_RCVBUF)).toBe(20_000);
    expect(t.intopt(server, SOL_SOCKET, SO_ACCEPTCONN)).toBe(0);
  },

  'keeps a connection for which there is no descriptor': async (t) => {
    const { fd, nam } = t.listener();
    const client = t.socket();
    await t.wait(t.call.connect(client, nam));
    const limit = t.sys.getrlimit(8);
    t.sys.setrlimit(8, { cur: client + 1, max: limit.max });
    expect(codeOf(() => t.sys.accept(fd))).toBe('EMFILE');
    t.sys.setrlimit(8, limit);
    expect(codeOf(() => t.sys.accept(fd))).toBe('ok');
  },
};

/** A connection that is accepted by accept(2), or by paccept(2) with flags; the listening socket waits, or does not. */
async function accepted(t: Context, waits: boolean, flags?: number): Promise<number> {
  const { fd, nam } = t.listener();
  if (!waits) t.nonblock(fd);
  await t.wait(t.call.connect(t.socket(), nam));
  await t.ready(fd, POLLIN);
  return flags === undefined ? t.sys.accept(fd) : t.sys.paccept(fd, undefined, undefined, flags);
}

export const paccept: Cases = {
  'accept(2) hands O_NONBLOCK on, paccept(2) says what it wants': async (t) => {
    const flag = async (waits: boolean, flags?: number): Promise<boolean> => (t.sys.fcntl(await accepted(t, waits, flags), F_GETFL) & O_NONBLOCK) !== 0;
    expect([await flag(true), await flag(false), await flag(false, 0), await flag(true, SOCK_NONBLOCK)]).toEqual([false, true, false, true]);
  },

  'a descriptor for exec, or not': async (t) => {
    const fd = await accepted(t, true, SOCK_CLOEXEC);
    expect(t.sys.fcntl(fd, F_GETFD)).toBe(FD_CLOEXEC);
    expect(t.sys.fcntl(await accepted(t, true, 0), F_GETFD)).toBe(0);
  },

  'unknown flags are refused': (t) => {
    expect(codeOf(() => t.sys.paccept(t.listener().fd, undefined, undefined, 1))).toBe('EINVAL');
  },

  'a signal interrupts, unless it is held back': async (t) => {
    const { fd } = t.listener();
    const { sys, call, p } = t;
    const waits = codeIn(call.paccept(fd, undefined, []));
    t.signal(SIGINT);
    expect(await waits).toBe('EINTR');
    p.sig.take();
    const held = t.wait(call.paccept(fd, undefined, [SIGINT]));
    t.signal(SIGINT);
    await t.wait(call.connect(t.socket(), sys.getsockname(fd)));
    expect(await codeIn(held)).toBe('ok');
    expect(p.sig.mask).toEqual([]);
    p.sig.take();
  },
};
