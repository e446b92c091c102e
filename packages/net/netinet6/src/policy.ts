/** The policy table of address selection (RFC 6724 2.1): which destinations are preferred, and which sources go with them. It can be set. */
import { getI32be } from '@anykernel/lib-bytes';
import { ERR, inet6Parse, inet6Text } from '@anykernel/lib-sys';
import { type Nexthop, bytesOf, wordMask } from '@anykernel/net';
import { V4MAPPED } from '@anykernel/netinet';
import { address } from './addr.js';

/** A line of the table. */
export interface Policy {
  readonly prefix: Nexthop;
  readonly len: number;
  readonly precedence: number;
  readonly label: number;
}

const LINES_MAX = 64;
const NUMBER_MAX = 0xffff;

function line(w0: number, w2: number, w3: number, len: number, precedence: number, label: number): Policy {
  return { prefix: address(w0 | 0, 0, w2, w3), len, precedence, label };
}

/** RFC 6724 2.1. */
function defaults(): readonly Policy[] {
  return [
    line(0, 0, 1, 128, 50, 0),
    line(0, V4MAPPED, 0, 96, 35, 4),
    line(0, 0, 0, 96, 1, 3),
    line(0x2001_0000, 0, 0, 32, 5, 5),
    line(0x2002_0000, 0, 0, 16, 30, 2),
    line(0x3ffe_0000, 0, 0, 16, 1, 12),
    line(0xfec0_0000, 0, 0, 10, 1, 11),
    line(0xfc00_0000, 0, 0, 7, 3, 13),
    line(0, 0, 0, 0, 40, 1),
  ];
}

export class Policies {
  /** Longest prefixes first; the last one holds for all. */
  #lines: readonly Policy[] = defaults();

  of(a: Nexthop): Policy {
    for (const one of this.#lines) if (matches(one, a)) return one;
    return this.#lines[this.#lines.length - 1];
  }

  /** `prefix/length precedence label` for each line, with semicolons between. */
  get text(): string {
    return this.#lines.map(({ prefix, len, precedence, label }) => `${inet6Text(bytesOf(prefix))}/${len} ${precedence} ${label}`).join('; ');
  }

  /** Empty: the table of RFC 6724. EINVAL: not such lines, too many, one twice, or none for ::/0. */
  set text(text: string) {
    const lines = text.trim() === '' ? defaults() : text.split(';').map(parseLine);
    const names = new Set(lines.map(({ prefix, len }) => `${inet6Text(bytesOf(prefix))}/${len}`));
    if (lines.length > LINES_MAX || names.size < lines.length || !names.has('::/0')) throw ERR.EINVAL;
    this.#lines = [...lines].sort((a, b) => b.len - a.len);
  }
}

function matches({ prefix: p, len }: Policy, a: Nexthop): boolean {
  return (
    ((p.w0 ^ a.w0) & wordMask(len)) === 0 &&
    ((p.w1 ^ a.w1) & wordMask(len - 32)) === 0 &&
    ((p.w2 ^ a.w2) & wordMask(len - 64)) === 0 &&
    ((p.w3 ^ a.w3) & wordMask(len - 96)) === 0
  );
}

function parseLine(text: string): Policy {
  const match = /^\s*([0-9a-fA-F:.]+)\/(\d{1,3})\s+(\d{1,5})\s+(\d{1,5})\s*$/.exec(text);
  const bytes = match === null ? undefined : inet6Parse(match[1]);
  if (match === null || bytes === undefined) throw ERR.EINVAL;
  const [len, precedence, label] = match.slice(2).map(Number);
  if (len > 128 || precedence > NUMBER_MAX || label > NUMBER_MAX) throw ERR.EINVAL;
  const [w0, w1, w2, w3] = [0, 4, 8, 12].map((off) => getI32be(bytes, off));
  const prefix = address(w0 & wordMask(len), w1 & wordMask(len - 32), w2 & wordMask(len - 64), w3 & wordMask(len - 96));
  return { prefix, len, precedence, label };
}
