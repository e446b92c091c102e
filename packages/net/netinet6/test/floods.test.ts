/**
 * Floods: whatever a stranger sends by the thousand, memory is bounded, a packet costs no more in the end than in the beginning, not more is sent than has come, the
 * connection of others goes on, and in the end nothing is left.
 */
import { expect, test } from '@jest/globals';
import { Random, fuzzRuns } from '@anykernel/conformance-fuzz';
import { AF_INET6 } from '@anykernel/lib-sys';
import { Rtentry, nexthopOf } from '@anykernel/net';
import { FLOODS, type Flood } from './hostile/floods.js';
import { Machine, PEER6, segment } from './hostile/machine.js';

/** Frames of one flood: four parts, of which the first and the last are measured. */
const PART = Math.max(1000, fuzzRuns(0));
/** Time passes with them. */
const MS_A_FRAME = 10 / 25;
/** Memory that no flood is worth: what is charged to the kernel, in bytes. */
const MEMORY_MAX = 24 << 20;

function start(flood: Flood): Machine {
  const m = new Machine(1).populate();
  m.k.sysctl.set('net.inet6.ip6.forwarding', flood.host === true ? 0 : 1);
  if (flood.host !== true) return m;
  m.k.run(() => {
    // Beyond the peer lies everything: only the router in use may redirect.
    const gateway = nexthopOf(AF_INET6, Uint8Array.of(0xfe, 0x80, 0, m.ifs[0]!.index, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2));
    m.net.rtAdd(new Rtentry(nexthopOf(AF_INET6, Uint8Array.of(0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)), 3, gateway, m.ifs[0]!, m.ifs[0]!.addrs[1], 3));
    const four = nexthopOf(2, Uint8Array.of(10, 9, 0, 2));
    m.net.rtAdd(new Rtentry(nexthopOf(2, Uint8Array.of(8, 0, 0, 0)), 5, four, m.ifs[0]!, m.ifs[0]!.addrs[0], 3));
  });
  return m;
}

/** Frames that are measured together: what else this process does falls into few of the slices. */
const SLICE = 25;

/** Microseconds of the processor for a slice of the frames of a part: the median of the slices. */
function part(m: Machine, flood: Flood, from: number, random: Random): number {
  const spent: number[] = [];
  for (let at = from; at < from + PART; at += SLICE) spent.push(slice(m, flood, at, random));
  return Math.max(1, spent.sort((a, b) => a - b)[spent.length >> 1]!);
}

function slice(m: Machine, flood: Flood, from: number, random: Random): number {
  let spent = 0;
  for (let i = from; i < from + SLICE; i++) {
    const frame = flood.frame(i, random, m);
    const began = process.cpuUsage();
    m.say(frame);
    if (i % 25 === 0) m.pass(10);
    const used = process.cpuUsage(began);
    spent += used.user + used.system;
    if (m.host.allocated > MEMORY_MAX) throw new Error(`${m.host.allocated} bytes after ${i} frames`);
  }
  return spent;
}

/** A connection that has nothing to do with it takes and acknowledges bytes. */
function goesOn(m: Machine): void {
  const one = m.connections.find(({ inp }) => inp.fport === 4005)!;
  const { tp } = one;
  const next = tp.rcvNxt;
  m.say(segment(true, 4005, 80, 24, next, tp.sndNxt, false, undefined, 100));
  m.pass(300);
  if (tp.rcvNxt !== next + 100) throw new Error('the connection of others does not go on');
}

test.each(FLOODS.map((flood) => [flood.name, flood] as const))('%s', (_name, flood) => {
  const m = start(flood);
  const random = new Random(5);
  part(m, flood, 0, random);
  const before = m.sent;
  const first = part(m, flood, PART, random);
  part(m, flood, 2 * PART, random);
  const last = part(m, flood, 3 * PART, random);
  const answers = (m.sent - before) / (3 * PART);
  goesOn(m);
  // Five lines of a kind in a second.
  expect(m.k.msgbuf.text().split('\n').length).toBeLessThan(60 + 5 * (4 * PART * MS_A_FRAME) / 1000);
  expect([flood.name, answers <= (flood.answers ?? 1) * 1.01 + 0.005, last / first < 8]).toEqual([flood.name, true, true]);
  m.settle();
});

test('the peer is a neighbour', () => {
  const m = new Machine(1);
  expect(m.ip6.nd.neighbours.find(m.ifs[0]!, nexthopOf(AF_INET6, PEER6))?.state).toBe('permanent');
});
