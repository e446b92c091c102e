/** ifconfig(8): interfaces, shown and configured. */
import { putU16le, putU32le } from '@anykernel/lib-bytes';
import {
  AF_INET, AF_INET6, IFALIASREQ_LEN, IFDRV_LEN, IFF_ALLMULTI, IFF_BROADCAST, IFF_DEBUG, IFF_LINK0, IFF_LINK1, IFF_LINK2, IFF_LOOPBACK, IFF_MULTICAST, IFF_NOARP,
  IFF_OACTIVE, IFF_POINTOPOINT, IFF_PROMISC, IFF_RUNNING, IFF_SIMPLEX, IFF_UP, SIOCAIFADDR, SIOCDIFADDR, SIOCGIFFLAGS, SIOCGLINKSTR, SIOCIFCREATE, SIOCIFDESTROY,
  SIOCSIFFLAGS, SIOCSIFMTU, SIOCSLINKSTR, SOCK_DGRAM, ifreq, linkText, sockaddrIn,
} from '@anykernel/lib-sys';
import { IFA_DEPRECATED, IFA_DUPLICATED, IFA_TENTATIVE, IFLINKSTR_UNSET, SIOCIFGCLONERS } from '@anykernel/net';
import type { Proc } from '@anykernel/rumpkern';
import { setCapability } from './capabilities.js';
import { address6 } from './inet6.js';
import { type Interface, interfaces } from './tables.js';
import { type Tool, type ToolIo, ToolUsage, addressOf, withSocket } from './tool.js';

const USAGE = `usage: ifconfig [-a | -l | -C | -w seconds | interface]
       ifconfig interface create|destroy|up|down
       ifconfig interface [inet] address[/len] [netmask mask] [broadcast address] [alias|-alias]
       ifconfig interface inet6 address[/len] [prefixlen n] [anycast] [pltime n] [vltime n] [alias|-alias]
       ifconfig interface mtu n | linkstr name | -linkstr | [-]promisc | [-]arp
       ifconfig interface [-]tso4 | [-]tso6 | [-]lro | [-]{ip4|tcp4|udp4|tcp6|udp6}csum[-rx|-tx]`;

const FLAG_NAMES: readonly [number, string][] = [
  [IFF_UP, 'UP'], [IFF_BROADCAST, 'BROADCAST'], [IFF_DEBUG, 'DEBUG'], [IFF_LOOPBACK, 'LOOPBACK'], [IFF_POINTOPOINT, 'POINTOPOINT'], [IFF_RUNNING, 'RUNNING'],
  [IFF_NOARP, 'NOARP'], [IFF_PROMISC, 'PROMISC'], [IFF_ALLMULTI, 'ALLMULTI'], [IFF_OACTIVE, 'OACTIVE'], [IFF_SIMPLEX, 'SIMPLEX'], [IFF_LINK0, 'LINK0'],
  [IFF_LINK1, 'LINK1'], [IFF_LINK2, 'LINK2'], [IFF_MULTICAST, 'MULTICAST'],
];

const ADDRESS_FLAGS: readonly [number, string][] = [[IFA_TENTATIVE, 'tentative'], [IFA_DUPLICATED, 'duplicated'], [IFA_DEPRECATED, 'deprecated']];

export const ifconfig: Tool = {
  name: 'ifconfig',
  usage: USAGE,
  about: 'show and configure network interfaces',
  async run(io, args) {
    const [name, ...words] = args;
    if (name === undefined || name === '-a') {
      for (const ifp of interfaces(io.p)) show(io, ifp);
      return 0;
    }
    if (name === '-l') {
      io.out(interfaces(io.p).map((ifp) => ifp.name).join(' '));
      return 0;
    }
    if (name === '-w') return settle(io, words);
    await withSocket(io.p, SOCK_DGRAM, 0, (fd) => configure(io, fd, name, words));
    return 0;
  },
};

/** Milliseconds between two looks at the addresses. */
const LOOK_MS = 50;

/** Waits until no address is tentative any more. Status 1: the time is up before. */
async function settle(io: ToolIo, words: readonly string[]): Promise<number> {
  const [seconds, ...more] = words;
  if (seconds === undefined || !/^\d+$/.test(seconds) || more.length > 0) throw new ToolUsage(USAGE);
  const tentative = (): boolean => interfaces(io.p).some((ifp) => ifp.addrs.some((ia) => (ia.flags & IFA_TENTATIVE) !== 0));
  for (let leftMs = Number(seconds) * 1000; tentative(); leftMs -= LOOK_MS) {
    if (leftMs <= 0) return 1;
    await io.p.call.poll([], LOOK_MS);
  }
  return 0;
}

async function configure(io: ToolIo, fd: number, name: string, words: readonly string[]): Promise<void> {
  if (name === '-C') {
    io.out(cloners(io.p, fd).join(' '));
    return;
  }
  if (name.startsWith('-')) throw new ToolUsage(USAGE);
  if (words.length === 0) {
    const ifp = interfaces(io.p).find((x) => x.name === name);
    // The kernel says it in its own words.
    if (ifp === undefined) io.p.sys.ioctl(fd, SIOCGIFFLAGS, ifreq(name));
    else show(io, ifp);
    return;
  }
  const rest = [...words];
  while (rest.length > 0) {
    if (rest[0] === 'inet6') await address6(io.p, name, rest.splice(0, 2)[1] ?? '', rest, USAGE);
    else step(io.p, fd, name, rest);
  }
}

/** Takes one command off the words. ToolUsage. */
function step(p: Proc, fd: number, name: string, rest: string[]): void {
  const word = rest.shift() ?? '';
  const argument = (): string => {
    const value = rest.shift();
    if (value === undefined) throw new ToolUsage(USAGE);
    return value;
  };
  switch (word) {
    case 'create':
      p.sys.ioctl(fd, SIOCIFCREATE, ifreq(name));
      return;
    case 'destroy':
      p.sys.ioctl(fd, SIOCIFDESTROY, ifreq(name));
      return;
    case 'up':
    case 'promisc':
    case '-arp':
      setFlag(p, fd, name, FLAG_OF[word], true);
      return;
    case 'down':
    case '-promisc':
    case 'arp':
      setFlag(p, fd, name, FLAG_OF[word], false);
      return;
    case 'mtu':
      setMtu(p, fd, name, argument());
      return;
    case 'linkstr':
      p.sys.ioctl(fd, SIOCSLINKSTR, linkstr(name, 0, argument()));
      return;
    case '-linkstr':
      p.sys.ioctl(fd, SIOCSLINKSTR, linkstr(name, IFLINKSTR_UNSET, ''));
      return;
    case 'inet':
      address(p, fd, name, argument(), rest);
      return;
    default:
      if (!setCapability(p, fd, name, word)) address(p, fd, name, word, rest);
  }
}

const FLAG_OF = { up: IFF_UP, down: IFF_UP, promisc: IFF_PROMISC, '-promisc': IFF_PROMISC, arp: IFF_NOARP, '-arp': IFF_NOARP } as const;

function setFlag(p: Proc, fd: number, name: string, flag: number, on: boolean): void {
  const request = ifreq(name);
  p.sys.ioctl(fd, SIOCGIFFLAGS, request);
  const flags = request[16] | (request[17] << 8);
  putU16le(request, 16, on ? flags | flag : flags & ~flag);
  p.sys.ioctl(fd, SIOCSIFFLAGS, request);
}

function setMtu(p: Proc, fd: number, name: string, text: string): void {
  const mtu = Number(text);
  if (!Number.isInteger(mtu) || mtu < 0) throw new ToolUsage(USAGE);
  const request = ifreq(name);
  putU32le(request, 16, mtu);
  p.sys.ioctl(fd, SIOCSIFMTU, request);
}

function linkstr(name: string, command: number, text: string): Uint8Array {
  const data = new Uint8Array(IFDRV_LEN + text.length + 1);
  data.set(ifreq(name, IFDRV_LEN));
  data[16] = command;
  for (let i = 0; i < text.length; i++) data[IFDRV_LEN + i] = text.charCodeAt(i);
  return data;
}

/** An address and the words that belong to it. */
function address(p: Proc, fd: number, name: string, text: string, rest: string[]): void {
  const [host, len] = text.split('/');
  const addr = addressOf(host, USAGE);
  let mask = len === undefined ? undefined : maskOfLength(len);
  let other: number | undefined;
  let remove = false;
  for (;;) {
    const word = rest[0];
    if (word === 'netmask') mask = maskOf(take(rest));
    else if (word === 'broadcast') other = addressOf(take(rest), USAGE);
    else if (word === 'alias') rest.shift();
    else if (word === '-alias' || word === 'delete') {
      rest.shift();
      remove = true;
    } else break;
  }
  if (remove) {
    const request = ifreq(name);
    request.set(sockaddrIn(addr), 16);
    p.sys.ioctl(fd, SIOCDIFADDR, request);
    return;
  }
  const request = ifreq(name, IFALIASREQ_LEN);
  request.set(sockaddrIn(addr), 16);
  if (other !== undefined) request.set(sockaddrIn(other), 32);
  if (mask !== undefined) request.set(sockaddrIn(mask), 48);
  p.sys.ioctl(fd, SIOCAIFADDR, request);
}

/** The word after the first one, and both are taken. */
function take(rest: string[]): string {
  rest.shift();
  const value = rest.shift();
  if (value === undefined) throw new ToolUsage(USAGE);
  return value;
}

function maskOfLength(text: string): number {
  const len = Number(text);
  if (!/^\d+$/.test(text) || len > 32) throw new ToolUsage(USAGE);
  return len === 0 ? 0 : (-1 << (32 - len)) >>> 0;
}

/** 255.255.255.0 or 0xffffff00. */
function maskOf(text: string): number {
  return /^0x[0-9a-fA-F]{1,8}$/.test(text) ? Number(text) : addressOf(text, USAGE);
}

function cloners(p: Proc, fd: number): string[] {
  const data = new Uint8Array(16 + 64 * 16);
  p.sys.ioctl(fd, SIOCIFGCLONERS, data);
  const names: string[] = [];
  for (let at = 16; at < data.length && data[at] !== 0; at += 16) names.push(String.fromCharCode(...data.subarray(at, at + 16)).replace(/\0.*$/s, ''));
  return names;
}

function show(io: ToolIo, ifp: Interface): void {
  const names = FLAG_NAMES.filter(([bit]) => (ifp.flags & bit) !== 0).map(([, text]) => text);
  io.out(`${ifp.name}: flags=0x${ifp.flags.toString(16)}<${names.join(',')}> mtu ${ifp.mtu}`);
  const tied = linkName(io.p, ifp.name);
  if (tied !== undefined) io.out(`\tlinkstr: ${tied}`);
  if (ifp.link.length > 0) io.out(`\taddress: ${linkText(ifp.link)}`);
  if (ifp.linkState !== 0) io.out(`\tstatus: ${ifp.linkState === 2 ? 'active' : 'no carrier'}`);
  for (const ia of ifp.addrs) {
    const family = ia.family === AF_INET ? 'inet' : ia.family === AF_INET6 ? 'inet6' : 'address';
    const other = ia.other === undefined ? '' : (ifp.flags & IFF_POINTOPOINT) !== 0 ? ` -> ${ia.other}` : ` broadcast ${ia.other}`;
    const words = ADDRESS_FLAGS.filter(([bit]) => (ia.flags & bit) !== 0).map(([, text]) => ` ${text}`);
    io.out(`\t${family} ${ia.text}/${ia.prefixLen}${other}${words.join('')}`);
  }
}

/** What the interface is tied to, if it can be and is. */
function linkName(p: Proc, name: string): string | undefined {
  const fd = p.sys.socket(AF_INET, SOCK_DGRAM, 0);
  try {
    const data = new Uint8Array(IFDRV_LEN + 4096);
    data.set(ifreq(name, IFDRV_LEN));
    p.sys.ioctl(fd, SIOCGLINKSTR, data);
    return String.fromCharCode(...data.subarray(IFDRV_LEN)).replace(/\0.*$/s, '');
  } catch {
    return undefined;
  } finally {
    p.sys.close(fd);
  }
}
