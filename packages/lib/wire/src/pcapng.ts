/**
 * Captures in pcapng (draft-ietf-opsawg-pcapng): a section, interface descriptions and enhanced packet blocks, in little-endian order, microseconds.
 *
 * A block: type 0, length 4 (a multiple of 4, this field and all included), body, and the length again. Options: code, length, value padded to 4.
 */
import { getU16le, getU32le, putU16le, putU32le } from '@anykernel/lib-bytes';

/** Link types: frames with an Ethernet header, and packets that start at their IP header. */
export const LINKTYPE_ETHERNET = 1;
export const LINKTYPE_RAW = 101;

const SHB = 0x0a0d_0d0a;
const BYTE_ORDER_MAGIC = 0x1a2b_3c4d;
const IDB = 1;
const EPB = 6;
const OPT_IF_NAME = 2;
const OPT_EPB_FLAGS = 2;
const TWO32 = 0x1_0000_0000;

export type PcapDirection = 'in' | 'out';

export interface PcapInterface {
  readonly linktype: number;
  readonly name: string;
}

export interface PcapPacket {
  /** The number of its interface, from 0 in the order of their descriptions. */
  readonly iface: number;
  /** Microseconds since 1970. */
  readonly timeUs: number;
  /** What was captured of it. */
  readonly data: Uint8Array;
  /** Its length on the wire. */
  readonly len: number;
  readonly direction: PcapDirection | undefined;
}

export interface Pcapng {
  readonly interfaces: readonly PcapInterface[];
  readonly packets: readonly PcapPacket[];
}

/** The start of a capture. */
export function emitPcapSection(): Uint8Array {
  const body = new Uint8Array(16).fill(0xff);
  putU32le(body, 0, BYTE_ORDER_MAGIC);
  putU16le(body, 4, 1);
  putU16le(body, 6, 0);
  return block(SHB, body, NONE);
}

/** An interface; the name is ASCII. */
export function emitPcapInterface(of: PcapInterface): Uint8Array {
  const body = new Uint8Array(8);
  putU16le(body, 0, of.linktype);
  return block(IDB, body, option(OPT_IF_NAME, Uint8Array.from(of.name, (c) => c.charCodeAt(0))));
}

/** A packet. */
export function emitPcapPacket(p: PcapPacket): Uint8Array {
  const body = new Uint8Array(20 + pad(p.data.length));
  putU32le(body, 0, p.iface);
  putU32le(body, 4, Math.floor(p.timeUs / TWO32));
  putU32le(body, 8, p.timeUs % TWO32);
  putU32le(body, 12, p.data.length);
  putU32le(body, 16, p.len);
  body.set(p.data, 20);
  const flags = new Uint8Array(4);
  flags[0] = p.direction === 'in' ? 1 : 2;
  return block(EPB, body, p.direction === undefined ? NONE : option(OPT_EPB_FLAGS, flags));
}

const NONE = new Uint8Array(0);

function pad(len: number): number {
  return (len + 3) & ~3;
}

/** The option, and the end of options. */
function option(code: number, value: Uint8Array): Uint8Array {
  const b = new Uint8Array(4 + pad(value.length) + 4);
  putU16le(b, 0, code);
  putU16le(b, 2, value.length);
  b.set(value, 4);
  return b;
}

function block(type: number, body: Uint8Array, options: Uint8Array): Uint8Array {
  const len = 12 + body.length + options.length;
  const b = new Uint8Array(len);
  putU32le(b, 0, type);
  putU32le(b, 4, len);
  b.set(body, 8);
  b.set(options, 8 + body.length);
  putU32le(b, len - 4, len);
  return b;
}

/**
 * What a capture of one section has: blocks that are not known are passed over. undefined: it is not pcapng in little-endian order, or ends within
 * a block.
 */
export function parsePcapng(b: Uint8Array): Pcapng | undefined {
  if (b.length < 28 || getU32le(b, 0) !== SHB || getU32le(b, 8) !== BYTE_ORDER_MAGIC) return undefined;
  const interfaces: PcapInterface[] = [];
  const packets: PcapPacket[] = [];
  for (let at = 0; at < b.length; ) {
    const len = at + 12 <= b.length ? getU32le(b, at + 4) : 0;
    if (len < 12 || (len & 3) !== 0 || at + len > b.length || getU32le(b, at + len - 4) !== len) return undefined;
    const type = getU32le(b, at);
    const body = b.subarray(at + 8, at + len - 4);
    if (type === IDB) {
      if (body.length < 8) return undefined;
      const name = findOption(body, 8, OPT_IF_NAME);
      interfaces.push({ linktype: getU16le(body, 0), name: String.fromCharCode(...(name ?? NONE)) });
    } else if (type === EPB) {
      const packet = parsePacket(body, interfaces.length);
      if (packet === undefined) return undefined;
      packets.push(packet);
    }
    at += len;
  }
  return { interfaces, packets };
}

function parsePacket(body: Uint8Array, interfaces: number): PcapPacket | undefined {
  if (body.length < 20) return undefined;
  const caplen = getU32le(body, 12);
  const iface = getU32le(body, 0);
  if (caplen > body.length - 20 || iface >= interfaces) return undefined;
  const flags = findOption(body, 20 + pad(caplen), OPT_EPB_FLAGS);
  const direction = flags === undefined || flags.length < 1 ? 0 : flags[0]! & 3;
  return {
    iface,
    timeUs: getU32le(body, 4) * TWO32 + getU32le(body, 8),
    data: body.slice(20, 20 + caplen),
    len: getU32le(body, 16),
    direction: direction === 1 ? 'in' : direction === 2 ? 'out' : undefined,
  };
}

/** The value of the first option `code` from `at` on. */
function findOption(b: Uint8Array, at: number, code: number): Uint8Array | undefined {
  while (at + 4 <= b.length) {
    const found = getU16le(b, at);
    const len = getU16le(b, at + 2);
    if (found === 0 || at + 4 + len > b.length) return undefined;
    if (found === code) return b.slice(at + 4, at + 4 + len);
    at += 4 + pad(len);
  }
  return undefined;
}

/** A whole capture. */
export function emitPcapng(capture: Pcapng): Uint8Array {
  const blocks = [emitPcapSection(), ...capture.interfaces.map(emitPcapInterface), ...capture.packets.map(emitPcapPacket)];
  const all = new Uint8Array(blocks.reduce((len, b) => len + b.length, 0));
  let at = 0;
  for (const b of blocks) {
    all.set(b, at);
    at += b.length;
  }
  return all;
}
