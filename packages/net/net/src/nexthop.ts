/**
 * A network address in words: 32-bit integers, the most significant first. IPv4 uses the first word, IPv6 all four.
 *
 * It is what routes are looked up by and what an interface sends to: numbers, so that a packet on its way makes no garbage.
 */
import { getU32be, putU32be } from '@anykernel/lib-bytes';
import { AF_INET } from '@anykernel/lib-sys';

export class Nexthop {
  constructor(
    public family = 0,
    public w0 = 0,
    public w1 = 0,
    public w2 = 0,
    public w3 = 0,
  ) {}

  set(family: number, w0: number, w1: number, w2: number, w3: number): this {
    this.family = family;
    this.w0 = w0 | 0;
    this.w1 = w1 | 0;
    this.w2 = w2 | 0;
    this.w3 = w3 | 0;
    return this;
  }

  equals(w0: number, w1: number, w2: number, w3: number): boolean {
    return this.w0 === (w0 | 0) && this.w1 === (w1 | 0) && this.w2 === (w2 | 0) && this.w3 === (w3 | 0);
  }
}

/** Bits of an address of a family. */
export function addrBits(family: number): number {
  return family === AF_INET ? 32 : 128;
}

/** The address in `bytes`: 4 of them, or 16. */
export function nexthopOf(family: number, bytes: Uint8Array): Nexthop {
  const nh = new Nexthop();
  return family === AF_INET
    ? nh.set(family, getU32be(bytes, 0), 0, 0, 0)
    : nh.set(family, getU32be(bytes, 0), getU32be(bytes, 4), getU32be(bytes, 8), getU32be(bytes, 12));
}

/** Its bytes again. */
export function bytesOf(nh: Nexthop): Uint8Array {
  const bytes = new Uint8Array(addrBits(nh.family) / 8);
  putU32be(bytes, 0, nh.w0);
  if (bytes.length === 4) return bytes;
  putU32be(bytes, 4, nh.w1);
  putU32be(bytes, 8, nh.w2);
  putU32be(bytes, 12, nh.w3);
  return bytes;
}

/** The address whose first `len` bits are those of `nh`, and the others zero. */
export function prefixOf(nh: Nexthop, len: number): Nexthop {
  return new Nexthop().set(
    nh.family,
    nh.w0 & wordMask(len),
    nh.w1 & wordMask(len - 32),
    nh.w2 & wordMask(len - 64),
    nh.w3 & wordMask(len - 96),
  );
}

/** The first `len` bits of a word; 0 and less: none, 32 and more: all. */
export function wordMask(len: number): number {
  return len <= 0 ? 0 : len >= 32 ? -1 : -1 << (32 - len);
}
