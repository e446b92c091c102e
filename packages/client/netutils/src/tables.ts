/** The kernel's tables as records: routes, neighbours, interfaces and their addresses, from the messages of sysctl net.route (route(4)). */
import { getI32le, getU16le, getU32le, getU64le } from '@anykernel/lib-bytes';
import {
  AF_INET, AF_INET6, AF_LINK, IFA_MSGHDR_LEN, NET_RT_DUMP, NET_RT_FLAGS, NET_RT_IFLIST, RTA_BRD, RTA_DST, RTA_GATEWAY, RTA_IFA, RTA_IFP, RTA_NETMASK, RTF_LLDATA,
  RTM_IFINFO, RTM_NEWADDR, inetText, linkText, parseSockaddrDl, parseSockaddrIn, parseSockaddrIn6,
} from '@anykernel/lib-sys';
import { type RtMessage, addressIn, maskLength, parseRtMessage } from '@anykernel/net';
import type { Proc } from '@anykernel/rumpkern';
import { embeddedText } from './zone.js';

export interface Interface {
  readonly index: number;
  readonly name: string;
  readonly flags: number;
  readonly link: Uint8Array;
  readonly linkState: number;
  readonly mtu: number;
  readonly counters: { readonly [name in Counter]: number };
  readonly addrs: InterfaceAddress[];
}

export type Counter = 'ipackets' | 'ierrors' | 'opackets' | 'oerrors' | 'ibytes' | 'obytes' | 'imcasts' | 'omcasts' | 'iqdrops' | 'noproto';

export interface InterfaceAddress {
  readonly family: number;
  readonly text: string;
  readonly prefixLen: number;
  /** Broadcast address, or the other end. */
  readonly other: string | undefined;
  /** IFA_* of the kernel: tentative, duplicated ... */
  readonly flags: number;
}

export interface Route {
  readonly family: number;
  readonly destination: string;
  readonly gateway: string;
  readonly flags: number;
  readonly use: number;
  readonly mtu: number;
  readonly index: number;
  readonly expire: number;
}

/** A sysctl of net.route, as its messages. */
function messages(p: Proc, family: number, what: number, argument: number): Uint8Array[] {
  const all = p.sys.sysctl([4, 17, 0, family, what, argument]) as Uint8Array;
  const list: Uint8Array[] = [];
  for (let at = 0; at + 4 <= all.length; ) {
    const len = getU16le(all, at);
    if (len < 4) break;
    list.push(all.slice(at, at + len));
    at += len;
  }
  return list;
}

/** A sockaddr as text: an address, a link address, or `link#2`. */
export function saText(sa: Uint8Array | undefined): string {
  if (sa === undefined || sa.length < 2) return '';
  if (sa[1] === AF_INET) return inetText(parseSockaddrIn(sa)?.addr ?? 0);
  if (sa[1] === AF_INET6) return embeddedText(parseSockaddrIn6(sa)?.addr ?? new Uint8Array(16));
  const link = sa[1] === AF_LINK ? parseSockaddrDl(sa) : undefined;
  if (link === undefined) return '?';
  return link.addr.length > 0 ? linkText(link.addr) : `link#${link.index}`;
}

function prefixText(msg: RtMessage): string {
  const dst = addressIn(msg.addrs.get(RTA_DST));
  const mask = msg.addrs.get(RTA_NETMASK);
  const text = saText(msg.addrs.get(RTA_DST));
  if (dst === undefined || mask === undefined) return text;
  const len = maskLength(dst.family, mask) ?? 0;
  return len === 0 ? 'default' : `${text}/${len}`;
}

function routeOf(msg: RtMessage): Route {
  const gateway = msg.addrs.get(RTA_GATEWAY);
  const link = gateway === undefined ? undefined : parseSockaddrDl(gateway);
  const isNeighbour = (msg.flags & RTF_LLDATA) !== 0;
  return {
    family: msg.addrs.get(RTA_DST)?.[1] ?? 0,
    destination: prefixText(msg),
    gateway: link !== undefined && !isNeighbour ? `link#${link.index}` : link?.addr.length === 0 ? '(incomplete)' : saText(gateway),
    flags: msg.flags,
    use: 0,
    mtu: msg.mtu,
    index: msg.index,
    expire: msg.expire,
  };
}

export function routes(p: Proc, family = 0): Route[] {
  return messages(p, family, NET_RT_DUMP, 0).flatMap(recordOf);
}

export function neighbours(p: Proc, family = AF_INET): Route[] {
  return messages(p, family, NET_RT_FLAGS, RTF_LLDATA).flatMap(recordOf);
}

function recordOf(bytes: Uint8Array): Route[] {
  const msg = parseRtMessage(bytes);
  return msg === undefined ? [] : [{ ...routeOf(msg), use: getU32le(bytes, 28) }];
}

/** The interfaces, in order, with their addresses. */
export function interfaces(p: Proc): Interface[] {
  const all: Interface[] = [];
  for (const bytes of messages(p, 0, NET_RT_IFLIST, 0)) {
    if (bytes[3] === RTM_IFINFO) all.push(interfaceOf(bytes));
    else if (bytes[3] === RTM_NEWADDR) addAddress(all, bytes);
  }
  return all;
}

/** struct if_msghdr; see ifdata.ts of the interface layer for the counters. */
function interfaceOf(b: Uint8Array): Interface {
  const link = parseSockaddrDl(b.slice(152, 152 + b[152]));
  const data = 16;
  const counter = (index: number): number => getU64le(b, data + 8 + 8 * index);
  return {
    index: getU16le(b, 12),
    name: link?.name ?? '?',
    flags: getU32le(b, 8),
    link: link?.addr ?? new Uint8Array(0),
    linkState: getI32le(b, data + 4),
    mtu: counter(0),
    counters: {
      ipackets: counter(3), ierrors: counter(4), opackets: counter(5), oerrors: counter(6), ibytes: counter(8), obytes: counter(9), imcasts: counter(10),
      omcasts: counter(11), iqdrops: counter(12), noproto: counter(13),
    },
    addrs: [],
  };
}

/** struct ifa_msghdr, and its sockaddrs. */
function addAddress(all: readonly Interface[], b: Uint8Array): void {
  const ifp = all.find((x) => x.index === getU16le(b, 4));
  const bits = getU32le(b, 12);
  const addrs = new Map<number, Uint8Array>();
  let at = IFA_MSGHDR_LEN;
  for (let bit = 1; bit <= 0x100; bit <<= 1) {
    if ((bits & bit) === 0 || at >= b.length) continue;
    addrs.set(bit, b.slice(at, at + b[at]));
    at += b[at] === 0 ? 8 : (b[at] + 7) & ~7;
  }
  const addr = addrs.get(RTA_IFA);
  const mask = addrs.get(RTA_NETMASK);
  if (ifp === undefined || addr === undefined || addrs.get(RTA_IFP) === undefined) return;
  const other = addrs.get(RTA_BRD);
  ifp.addrs.push({
    family: addr[1],
    text: saText(addr),
    prefixLen: mask === undefined ? 0 : (maskLength(addr[1], mask) ?? 0),
    other: other === undefined ? undefined : saText(other),
    flags: getU32le(b, 20),
  });
}
