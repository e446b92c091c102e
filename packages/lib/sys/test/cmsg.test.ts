import { describe, expect, test } from '@jest/globals';
import {
  CMSG_LEN, CMSG_SPACE, SCM_RIGHTS, SOL_SOCKET, cmsgBytes, lingerBytes, parseCmsgs, parseSockaddrUn, parseSockcred, parseTimeval, parseUnpcbid, rightsCmsg, rightsIn,
  sockaddrUn, timevalBytes,
} from '../src/index.js';

describe('ancillary data', () => {
  test('has the layout of NetBSD/amd64', () => {
    expect([CMSG_LEN(4), CMSG_SPACE(4), CMSG_LEN(8), CMSG_SPACE(8)]).toEqual([20, 24, 24, 24]);
    expect([...rightsCmsg(5)]).toEqual([20, 0, 0, 0, 0xff, 0xff, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0]);
  });

  test('is what it was, after emitting and parsing', () => {
    const messages = [0, 1, 7, 8, 9].map((len) => ({ level: SOL_SOCKET, type: len, data: new Uint8Array(len).fill(len) }));
    expect(parseCmsgs(cmsgBytes(...messages))).toEqual(messages);
  });

  test('of each length is parsed or refused', () => {
    const whole = cmsgBytes({ level: 1, type: 2, data: new Uint8Array(8) }, { level: 1, type: 3, data: new Uint8Array(5) });
    const found = [...whole].map((_, len) => parseCmsgs(whole.subarray(0, len))?.length);
    expect(found.slice(0, 16).every((count) => count === 0)).toBe(true);
    expect(found.slice(16, 24).every((count) => count === undefined)).toBe(true);
    expect(found.slice(24, 40).every((count) => count === 1)).toBe(true);
    expect(found.slice(45)).toEqual([2, 2, 2]);
  });

  test.each([0, 15, 0xffff_ffff])('with a length of %d is refused', (len) => {
    const b = rightsCmsg(1);
    new DataView(b.buffer).setUint32(0, len, true);
    expect(parseCmsgs(b)).toBeUndefined();
    expect(rightsIn(b)).toEqual([]);
  });

  test('descriptors', () => {
    expect(rightsIn(rightsCmsg(3, 4, 5))).toEqual([3, 4, 5]);
    expect(parseCmsgs(rightsCmsg())).toEqual([{ level: SOL_SOCKET, type: SCM_RIGHTS, data: new Uint8Array(0) }]);
  });
});

describe('local addresses', () => {
  test.each(['', '/a', '/tmp/sock', 'x'.repeat(253)])('of %j', (path) => {
    const sa = sockaddrUn(path);
    expect({ len: sa[0], path: parseSockaddrUn(sa) }).toEqual({ len: sa.length, path });
  });

  test('a NUL ends the path', () => {
    expect(parseSockaddrUn(Uint8Array.of(106, 1, 0x61, 0, 0x62))).toBe('a');
  });

  test.each([[Uint8Array.of(1)], [Uint8Array.of(2, 2)], [sockaddrUn('x'.repeat(254))]])('that are none', (sa) => {
    expect(parseSockaddrUn(sa)).toBeUndefined();
  });
});

test('structures that are too short are none', () => {
  expect(parseTimeval(timevalBytes(5, 6))).toEqual({ sec: 5, usec: 6 });
  expect(parseTimeval(timevalBytes(5, 6).subarray(0, 11))).toBeUndefined();
  expect([...lingerBytes(true, 3)]).toEqual([1, 0, 0, 0, 3, 0, 0, 0]);
  expect(parseUnpcbid(new Uint8Array(11))).toBeUndefined();
  expect(parseSockcred(new Uint8Array(23))).toBeUndefined();
  const cred = new Uint8Array(28);
  cred[20] = 2;
  expect(parseSockcred(cred)).toBeUndefined();
  cred[20] = 1;
  expect(parseSockcred(cred)).toEqual({ pid: 0, uid: 0, euid: 0, gid: 0, egid: 0, groups: [0] });
});
