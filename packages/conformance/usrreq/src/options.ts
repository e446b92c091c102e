/** Options of the socket itself. */
import { expect } from '@jest/globals';
import {
  SOL_SOCKET, SO_ACCEPTCONN, SO_BROADCAST, SO_DEBUG, SO_DONTROUTE, SO_ERROR, SO_KEEPALIVE, SO_LINGER, SO_NOSIGPIPE, SO_OOBINLINE, SO_OVERFLOWED, SO_RCVBUF, SO_RCVLOWAT,
  SO_RCVTIMEO, SO_REUSEADDR, SO_REUSEPORT, SO_SNDBUF, SO_SNDLOWAT, SO_SNDTIMEO, SO_TIMESTAMP, SO_TYPE, SO_USELOOPBACK, intBytes, lingerBytes, timevalBytes, S_IFSOCK, S_IFMT,
} from '@anykernel/lib-sys';
import { type Cases, codeOf, each } from './subject.js';

const FLAGS = { SO_DEBUG, SO_REUSEADDR, SO_KEEPALIVE, SO_DONTROUTE, SO_BROADCAST, SO_USELOOPBACK, SO_OOBINLINE, SO_REUSEPORT, SO_NOSIGPIPE, SO_TIMESTAMP };

export const options: Cases = {
  ...each(Object.entries(FLAGS), ([name]) => `${name} is on or off`, (t, [, flag]) => {
    const fd = t.socket();
    const before = t.intopt(fd, SOL_SOCKET, flag);
    t.sys.setsockopt(fd, SOL_SOCKET, flag, intBytes(1));
    const on = t.intopt(fd, SOL_SOCKET, flag);
    t.sys.setsockopt(fd, SOL_SOCKET, flag, intBytes(0));
    expect([before, on !== 0, t.intopt(fd, SOL_SOCKET, flag)]).toEqual([0, true, 0]);
  }),

  'tell the type and the error, and are not set': (t) => {
    const fd = t.socket();
    expect(t.intopt(fd, SOL_SOCKET, SO_TYPE)).toBe(t.conf.type);
    expect(t.intopt(fd, SOL_SOCKET, SO_ERROR)).toBe(0);
    expect(t.intopt(fd, SOL_SOCKET, SO_ACCEPTCONN)).toBe(0);
    expect(t.intopt(fd, SOL_SOCKET, SO_OVERFLOWED)).toBe(0);
    const codes = [SO_TYPE, SO_ERROR, SO_ACCEPTCONN, 0, 0x4321, SO_REUSEADDR | SO_KEEPALIVE].map((name) =>
      codeOf(() => t.sys.setsockopt(fd, SOL_SOCKET, name, intBytes(1))),
    );
    expect(codes).toEqual(codes.map(() => 'ENOPROTOOPT'));
    expect(codeOf(() => t.sys.getsockopt(fd, SOL_SOCKET, 0x4321, new Uint8Array(4)))).toBe('ENOPROTOOPT');
    expect(codeOf(() => t.sys.getsockopt(fd, 4321, 1, new Uint8Array(4)))).toBe('ENOPROTOOPT');
  },

  ...each([['SO_SNDBUF', SO_SNDBUF], ['SO_RCVBUF', SO_RCVBUF]] as const, ([name]) => `${name} is the size of a buffer`, (t, [, option]) => {
    const fd = t.socket();
    expect(t.intopt(fd, SOL_SOCKET, option)).toBeGreaterThan(1000);
    t.sys.setsockopt(fd, SOL_SOCKET, option, intBytes(10_000));
    expect(t.intopt(fd, SOL_SOCKET, option)).toBe(10_000);
    expect([0, -1].map((n) => codeOf(() => t.sys.setsockopt(fd, SOL_SOCKET, option, intBytes(n))))).toEqual(['EINVAL', 'EINVAL']);
    expect(codeOf(() => t.sys.setsockopt(fd, SOL_SOCKET, option, intBytes(0x7fff_ffff)))).toBe('ENOBUFS');
    expect(t.intopt(fd, SOL_SOCKET, option)).toBe(10_000);
  }),

  ...each([['SO_SNDLOWAT', SO_SNDLOWAT, SO_SNDBUF], ['SO_RCVLOWAT', SO_RCVLOWAT, SO_RCVBUF]] as const, ([name]) => `${name} is at most the size`, (t, [, option, size]) => {
    const fd = t.socket();
    t.sys.setsockopt(fd, SOL_SOCKET, option, intBytes(100));
    expect(t.intopt(fd, SOL_SOCKET, option)).toBe(100);
    t.sys.setsockopt(fd, SOL_SOCKET, option, intBytes(0x7fff_ffff));
    expect(t.intopt(fd, SOL_SOCKET, option)).toBe(t.intopt(fd, SOL_SOCKET, size));
    expect(codeOf(() => t.sys.setsockopt(fd, SOL_SOCKET, option, intBytes(0)))).toBe('EINVAL');
  }),

  ...each([['SO_SNDTIMEO', SO_SNDTIMEO], ['SO_RCVTIMEO', SO_RCVTIMEO]] as const, ([name]) => `${name} is a time`, (t, [, option]) => {
    const fd = t.socket();
    const value = new Uint8Array(16);
    const set = (sec: number, usec: number): string => codeOf(() => t.sys.setsockopt(fd, SOL_SOCKET, option, timevalBytes(sec, usec)));
    expect(t.sys.getsockopt(fd, SOL_SOCKET, option, value)).toBe(16);
    expect(value).toEqual(timevalBytes(0, 0));
    expect(set(3, 250_000)).toBe('ok');
    t.sys.getsockopt(fd, SOL_SOCKET, option, value);
    expect(value).toEqual(timevalBytes(3, 250_000));
    expect([set(0, 1_000_000), set(0, -1), set(-1, 0)]).toEqual(['EDOM', 'EDOM', 'EDOM']);
    expect(codeOf(() => t.sys.setsockopt(fd, SOL_SOCKET, option, new Uint8Array(8)))).toBe('EINVAL');
  }),

  'SO_LINGER has a time': (t) => {
    const fd = t.socket();
    const value = new Uint8Array(8);
    t.sys.setsockopt(fd, SOL_SOCKET, SO_LINGER, lingerBytes(true, 5));
    expect(t.sys.getsockopt(fd, SOL_SOCKET, SO_LINGER, value)).toBe(8);
    expect(value).toEqual(lingerBytes(true, 5));
    t.sys.setsockopt(fd, SOL_SOCKET, SO_LINGER, lingerBytes(false, 5));
    t.sys.getsockopt(fd, SOL_SOCKET, SO_LINGER, value);
    expect(value[0]).toBe(0);
    expect(codeOf(() => t.sys.setsockopt(fd, SOL_SOCKET, SO_LINGER, lingerBytes(true, -1)))).toBe('EDOM');
    expect(codeOf(() => t.sys.setsockopt(fd, SOL_SOCKET, SO_LINGER, intBytes(1)))).toBe('EINVAL');
  },

  'that are too short are refused, and answers are cut to the buffer': (t) => {
    const fd = t.socket();
    expect(codeOf(() => t.sys.setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, new Uint8Array(3)))).toBe('EINVAL');
    const value = new Uint8Array(2).fill(9);
    expect(t.sys.getsockopt(fd, SOL_SOCKET, SO_TYPE, value)).toBe(2);
    expect([...value]).toEqual([t.conf.type, 0]);
  },

  'a socket is one for fstat': (t) => {
    const fd = t.socket();
    expect(t.sys.fstat(fd).mode & S_IFMT).toBe(S_IFSOCK);
  },
};
