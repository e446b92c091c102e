/** Sequences of frames, waits and calls: what they are, how one becomes another, and how they are run. */
import { readFileSync } from 'node:fs';
import { type Random, damage, patched } from '@anykernel/conformance-fuzz';
import { parsePcapng } from '@anykernel/lib-wire';
import { offloadValid } from '@anykernel/net';
import type { Tcpcb } from '@anykernel/netinet';
import { CSUM_PARTIAL, CSUM_VALID, GSO_TCPV4, GSO_TCPV6, type Mbuf } from '@anykernel/rumpnet';
import type { CorpusName } from '../corpus/capture.js';
import type { Machine } from './machine.js';
import { repairFrame } from './repair.js';

/** `aim`: 0, or how a segment is made to fit a live connection, or an error a packet that was sent. `fix`: lengths and checksums are made right. */
export type Step =
  | { readonly kind: 'frame'; readonly bytes: Uint8Array; readonly unit: number; readonly aim: number; readonly fix: boolean }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'call'; readonly draw: number };

export type Story = readonly Step[];

const STEPS_MAX = 80;

const CORPUS: CorpusName = 'packets.pcapng';

/** The frames of the corpus. */
export function corpus(): Uint8Array[] {
  const capture = parsePcapng(new Uint8Array(readFileSync(new URL(`../corpus/${CORPUS}`, import.meta.url))));
  if (capture === undefined) throw new Error('the corpus is no capture');
  return capture.packets.map(({ data }) => data);
}

/** The corpus as it is, in pieces: whatever side sent a frame, the machine gets it. */
export function stories(frames: readonly Uint8Array[], len = 24): Story[] {
  const all: Story[] = [];
  for (let i = 0; i < frames.length; i += len) {
    all.push(frames.slice(i, i + len).map((bytes, n) => ({ kind: 'frame', bytes: toUs(bytes), unit: 0, aim: n % 3, fix: true })));
  }
  return all;
}

/** With the machine's link address, unless it is for many. */
function toUs(frame: Uint8Array): Uint8Array {
  const b = frame.slice();
  if ((b[0]! & 1) === 0) b[5] = 1;
  return b;
}

// -- change

export function change(random: Random, from: Story, all: readonly Story[]): Story {
  let steps = [...from];
  for (let times = 1 + random.below(random.below(3) === 0 ? 12 : 3); times > 0; times--) steps = changed(random, steps, all);
  return steps.slice(0, STEPS_MAX);
}

function changed(random: Random, steps: Step[], all: readonly Story[]): Step[] {
  const at = random.below(steps.length);
  const step = steps[at] as Step;
  switch (random.below(10)) {
    case 0:
      return steps.length > 1 ? steps.toSpliced(at, 1) : steps;
    case 1:
      return steps.toSpliced(at, 0, ...Array.from({ length: 1 + random.below(4) }, () => step));
    case 2:
      return steps.toSpliced(at, 0, random.pick(random.pick(all)));
    case 3: {
      const other = random.pick(all);
      const cut = random.below(other.length);
      return [...steps.slice(0, at), ...other.slice(cut, cut + 12), ...steps.slice(at)];
    }
    case 4:
      return steps.toSpliced(at, 0, { kind: 'wait', ms: random.pick([1, 50, 210, 1100, 3500, 61_000, 700_000]) });
    case 5:
      return steps.toSpliced(at, 0, { kind: 'call', draw: random.next() });
    default:
      return steps.toSpliced(at, 1, worse(random, step));
  }
}

function worse(random: Random, step: Step): Step {
  if (step.kind !== 'frame') return step.kind === 'wait' ? { kind: 'call', draw: random.next() } : { kind: 'wait', ms: random.below(2000) };
  const { bytes } = step;
  const aim = random.below(4) === 0 ? 0 : 1 + random.below(1000);
  const fix = random.below(12) !== 0;
  const unit = random.below(12) === 0 ? 1 : 0;
  switch (random.below(8)) {
    case 0:
      return { ...step, aim, fix, unit };
    case 1:
      return { ...step, aim, fix, bytes: bytes.slice(0, 14 + random.below(bytes.length)) };
    case 2: {
      const longer = new Uint8Array(Math.min(1514, bytes.length + random.below(200)));
      longer.set(bytes.subarray(0, longer.length));
      return { ...step, aim, fix, bytes: longer };
    }
    case 3: {
      // An option, or a header, becomes longer or shorter.
      const where = 34 + random.below(Math.max(1, Math.min(60, bytes.length - 34)));
      const some = random.below(9);
      const kept = random.below(2) === 0 ? bytes.subarray(where) : bytes.subarray(Math.min(bytes.length, where + some));
      const grown = new Uint8Array(Math.min(1514, where + some + kept.length));
      grown.set(bytes.subarray(0, where));
      grown.set(kept.subarray(0, grown.length - where), where);
      return { ...step, aim, fix, bytes: grown };
    }
    default:
      return { ...step, aim, fix, bytes: patched(bytes, [damage(random, bytes, bytes.length > 40 ? [[14, 34], [34, Math.min(bytes.length, 96)], [34, Math.min(bytes.length, 96)]] : [])]) };
  }
}

// -- run

/** Runs one, and sees to it that nothing is left. */
export function play(m: Machine, story: Story, call: (m: Machine, draw: number) => void): void {
  for (const step of story) {
    if (step.kind === 'frame') m.say(aimed(m, step), step.unit, (packet) => offloaded(packet, step.aim));
    else if (step.kind === 'wait') m.pass(step.ms);
    else call(m, step.draw);
    if (m.mbufs.used > 6000) throw new Error(`${m.mbufs.used} mbufs are in use`);
  }
}

function aimed(m: Machine, step: Step & { kind: 'frame' }): Uint8Array {
  if (step.bytes.length < 34) return step.bytes;
  const b = step.bytes.slice();
  const view = new DataView(b.buffer);
  const v6 = view.getUint16(12) === 0x86dd;
  if (step.aim > 0 && (v6 || view.getUint16(12) === 0x0800)) {
    const at = v6 ? 54 : 14 + ((b[14]! & 15) << 2);
    const protocol = v6 ? b[20]! : b[23]!;
    if (protocol === 6 && at + 20 <= b.length) aimSegment(m, b, view, v6, at, step.aim);
    else if ((protocol === 1 || protocol === 58) && at + 8 <= b.length) aimError(m, b, v6, at, step.aim);
  }
  if (step.fix) repairFrame(b);
  return b;
}

/** What a device of the host's may say of a frame: a checksum that is verified, or not there yet, and that it is many segments. */
function offloaded(m: Mbuf, aim: number): boolean {
  const how = aim % 12;
  if (how > 3) return true;
  m.csum = how === 3 ? CSUM_VALID : CSUM_PARTIAL;
  m.csumStart = how === 3 ? 0 : [34, 54, 62, 38, aim][(aim >> 4) % 5]!;
  m.csumOff = [16, 16, 6, 2, aim & 31][(aim >> 6) % 5]!;
  if (how === 1) m.gsoType = (aim & 64) !== 0 ? GSO_TCPV4 : GSO_TCPV6;
  m.gsoSize = [0, 1, 8, 100, 1448, 16_000][(aim >> 3) % 6]!;
  return offloadValid(m);
}

/** Ports and numbers of a live connection, more or less. */
function aimSegment(m: Machine, b: Uint8Array, view: DataView, v6: boolean, at: number, aim: number): void {
  const live = m.connections.filter(({ inp }) => (inp.f2 !== 0xffff || inp.f0 !== 0) === v6);
  const one = live[aim % Math.max(1, live.length)];
  if (one === undefined) return;
  const { inp, tp } = one;
  if (v6) [inp.f0, inp.f1, inp.f2, inp.f3, inp.l0, inp.l1, inp.l2, inp.l3].forEach((word, i) => view.setInt32(22 + 4 * i, word));
  else {
    view.setInt32(26, inp.f3);
    view.setInt32(30, inp.l3);
  }
  view.setUint16(at, inp.fport);
  view.setUint16(at + 2, inp.lport);
  const how = aim >> 3;
  view.setInt32(at + 4, tp.rcvNxt + [0, 0, 0, 0, 1, -1, 700, 1448, 20_000, -700][how % 10]!);
  view.setInt32(at + 8, [tp.sndNxt, tp.sndNxt, tp.sndUna, tp.sndUna + 1, tp.sndUna + 1448, tp.sndNxt + 1, tp.sndUna - 1][(how >> 3) % 7]!);
  aimOptions(m, view, tp, at + 20, Math.min(b.length, at + ((b[at + 12]! >> 4) << 2)), aim);
}

/** Timestamps that pass, and blocks of what is in flight. */
function aimOptions(m: Machine, view: DataView, tp: Tcpcb, from: number, to: number, aim: number): void {
  for (let o = from; o + 1 < to; ) {
    const kind = view.getUint8(o);
    const len = kind < 2 ? 1 : Math.max(2, view.getUint8(o + 1));
    if (kind === 8 && o + 10 <= to) {
      view.setInt32(o + 2, tp.tsRecent + (aim % 5 === 0 ? -1 : 1));
      view.setInt32(o + 6, m.inet.tcp.nowMs + tp.tsOffset - (aim % 100));
    } else if (kind === 5) {
      for (let s = o + 2; s + 8 <= Math.min(to, o + len); s += 8) {
        const start = tp.sndUna + ((aim * (s - o)) % Math.max(1, tp.inFlight + 1));
        view.setInt32(s, start);
        view.setInt32(s + 4, start + 1 + (aim % 1500));
      }
    }
    o += len;
  }
}

/** What an error quotes is a packet that was sent. */
function aimError(m: Machine, b: Uint8Array, v6: boolean, at: number, aim: number): void {
  const type = b[at]!;
  const error = v6 ? type < 128 : type === 3 || type === 5 || type === 11 || type === 12;
  const quoted = error ? m.heard.filter((frame) => frame[12] === (v6 ? 0x86 : 0x08) && frame[13] === (v6 ? 0xdd : 0)) : [];
  const one = quoted[aim % Math.max(1, quoted.length)];
  if (one !== undefined) b.set(one.subarray(14, 14 + b.length - at - 8), at + 8);
}
