import { expect, test } from '@jest/globals';
import { KINFO_PCB_LEN, type KinfoPcb, emitKinfoPcb, parseKinfoPcbs, sockaddrIn, sockaddrUn } from '../src/index.js';

const ONE: KinfoPcb = {
  socket: 7, family: 2, type: 1, protocol: 6, state: 0x102, tcpState: 4, recvq: 5, sendq: 6e9, local: sockaddrIn(0x7f00_0001, 80), peer: sockaddrIn(0x0a00_0001, 81), inode: 0, conn: 9,
};
const TWO: KinfoPcb = { ...ONE, socket: 8, local: sockaddrUn('/x'.repeat(126)), peer: new Uint8Array(0), inode: 77 };

test('records of sockets are what they were, after emitting and parsing', () => {
  const b = new Uint8Array(2 * KINFO_PCB_LEN);
  emitKinfoPcb(b, 0, ONE);
  emitKinfoPcb(b, KINFO_PCB_LEN, TWO);
  expect(parseKinfoPcbs(b)).toEqual([ONE, TWO]);
  for (const [len, count] of [[0, 0], [KINFO_PCB_LEN - 1, 0], [KINFO_PCB_LEN, 1], [2 * KINFO_PCB_LEN - 1, 1]] as const) expect(parseKinfoPcbs(b.subarray(0, len)).length).toBe(count);
});

test('have the layout of NetBSD/amd64', () => {
  const b = new Uint8Array(KINFO_PCB_LEN);
  emitKinfoPcb(b, 0, ONE);
  const view = new DataView(b.buffer);
  expect([16, 24, 28, 32, 40, 48].map((at) => view.getUint32(at, true))).toEqual([7, 2, 1, 6, 0x102, 4]);
  expect([view.getBigUint64(56, true), view.getBigUint64(64, true)]).toEqual([5n, 6_000_000_000n]);
  expect([b[72], b[336]]).toEqual([16, 16]);
});
