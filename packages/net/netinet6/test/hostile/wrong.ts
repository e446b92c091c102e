/** Calls of a program that means harm, or does not know better: what each draw of a number does. Errnos are answers. */
import { Random, damage, patched } from '@anykernel/conformance-fuzz';
import * as sys from '@anykernel/lib-sys';
import { type RtMessage, emitRtMessage } from '@anykernel/net';
import type { Kernel, Proc } from '@anykernel/rumpkern';
import { tried } from './calls.js';

const { AF_INET, AF_INET6, AF_LOCAL, PF_ROUTE, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET, SOCK_STREAM } = sys;

/** Everything that is exported under a name of a kind, and is a number. */
function numbers(name: RegExp): number[] {
  return Object.entries(sys).flatMap(([key, value]) => (name.test(key) && typeof value === 'number' ? [value] : []));
}

const IOCTLS: readonly number[] = numbers(/^(SIOC|FIO)/);
const LEVELS: readonly number[] = [sys.SOL_SOCKET, sys.IPPROTO_IP, sys.IPPROTO_TCP, sys.IPPROTO_UDP, sys.IPPROTO_IPV6, sys.IPPROTO_ICMPV6, 0, 1, -1];
const OPTIONS: readonly number[] = numbers(/^(SO_|IP_|IPV6_|TCP_|LOCAL_|ICMP6_)/);
const FLAGS: readonly number[] = numbers(/^MSG_/);
const INTERFACES: readonly string[] = ['lo0', 'eth0', 'lo1', 'shmif0', 'none', '', '...............x'];

/** What the calls are made on. */
export interface Culprit {
  readonly k: Kernel;
  readonly p: Proc;
  readonly fds: number[];
  /** All names of the tree under net and kern.mbuf. */
  readonly names: readonly string[];
}

/** Names of leaves below `name`. */
export function leaves(p: Proc, name: string): string[] {
  const value = tried(() => p.sys.sysctl(name));
  return Array.isArray(value) ? value.flatMap((word) => leaves(p, `${name}.${word}`)) : [name];
}

function bytes(random: Random, max: number): Uint8Array {
  const b = new Uint8Array(random.below(max + 1));
  if (random.below(3) > 0) for (let i = 0; i < b.length; i++) b[i] = random.below(4) === 0 ? random.below(256) : 0;
  return b;
}

function spoilt(random: Random, b: Uint8Array): Uint8Array {
  if (b.length === 0 || random.below(3) === 0) return b;
  const worse = patched(b, [damage(random, b, [])]);
  return random.below(5) === 0 ? worse.slice(0, random.below(worse.length + 1)) : worse;
}

function name(random: Random): Uint8Array {
  const port = random.pick([0, 1, 80, 1023, 4000, 50_000, 65_535]);
  const six = random.pick([new Uint8Array(16), Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1), Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1), Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)]);
  switch (random.below(6)) {
    case 0:
    case 1:
      return spoilt(random, sys.sockaddrIn(random.pick([0, 0x7f00_0001, 0x0a09_0001, 0x0a09_0002, 0xe000_0001, 0xffff_ffff]), port));
    case 2:
    case 3:
      return spoilt(random, sys.sockaddrIn6(six, port, random.below(4)));
    case 4:
      return spoilt(random, sys.sockaddrUn(random.pick(['/a', '/b', '/none/c', `/${'n'.repeat(90)}`])));
    default:
      return bytes(random, 300);
  }
}

function control(random: Random, fds: readonly number[]): Uint8Array {
  const messages = Array.from({ length: 1 + random.below(3) }, () => ({ level: random.pick(LEVELS), type: random.pick(OPTIONS), data: bytes(random, 64) }));
  return spoilt(random, random.below(3) === 0 ? sys.rightsCmsg(...Array.from({ length: random.below(4) }, () => random.pick(fds))) : sys.cmsgBytes(...messages));
}

function routeMessage(random: Random): Uint8Array {
  const addrs: RtMessage['addrs'] = new Map(Array.from({ length: 1 + random.below(5) }, () => [1 << random.below(9), name(random)] as const));
  return spoilt(random, emitRtMessage({ type: random.below(24), flags: random.next(), seq: 1, inits: random.next(), mtu: random.below(3) * 700, expire: random.below(100), addrs }));
}

function ioctl(random: Random, c: Culprit): void {
  const cmd = random.below(5) === 0 ? random.next() : random.pick(IOCTLS);
  const data = new Uint8Array(((cmd >>> 16) & 0x1fff) + random.below(40));
  const text = random.pick(INTERFACES);
  for (let i = 0; i < Math.min(16, text.length, data.length); i++) data[i] = text.charCodeAt(i);
  for (const at of [16, 32, 44, 48, 72]) if (random.below(2) === 0 && at < data.length) data.set(name(random).subarray(0, data.length - at), at);
  const fd = random.pick(c.fds);
  tried(() => c.p.sys.ioctl(fd, cmd, random.below(20) === 0 ? undefined : random.below(6) === 0 ? data.slice(0, random.below(data.length + 1)) : data));
  // FIONBIO may have made it one that blocks.
  c.p.sys.fcntl(fd, sys.F_SETFL, sys.O_NONBLOCK);
}

function setting(random: Random, c: Culprit): void {
  const value = random.pick<sys.SysctlValue>([0, 1, -1, 2, 100, 65_535, 65_536, 0x7fff_ffff, -0x8000_0000, '', 'eth0', 'x'.repeat(300), new Uint8Array(9)]);
  tried(() => c.p.sys.sysctl(random.pick(c.names), random.below(3) === 0 ? undefined : value));
}

function made(c: Culprit, fd: number | undefined): void {
  if (fd === undefined) return;
  c.p.sys.fcntl(fd, sys.F_SETFL, sys.O_NONBLOCK);
  c.fds.push(fd);
}

/** One call. */
export function wrong(c: Culprit, draw: number): void {
  const random = new Random(draw);
  const calls = c.p.sys;
  const fd = random.pick(c.fds);
  const flags = random.below(2) === 0 ? 0 : random.pick(FLAGS) | (random.below(3) === 0 ? random.pick(FLAGS) : 0);
  switch (random.below(16)) {
    case 0:
      made(c, tried(() => calls.socket(random.pick([AF_INET, AF_INET6, AF_LOCAL, PF_ROUTE, 0, 99, -1]), random.pick([SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET, 0, 77, -1]), random.pick([0, 0, 0, 1, 6, 17, 58, 255, 256, -1]))));
      break;
    case 1:
      tried(() => calls.bind(fd, name(random)));
      break;
    case 2:
      tried(() => calls.connect(fd, name(random)));
      break;
    case 3:
      tried(() => calls.sendto(fd, bytes(random, random.pick([0, 10, 9000, 65_536])), flags, random.below(2) === 0 ? undefined : name(random)));
      break;
    case 4:
      tried(() => calls.sendmsg(fd, { iov: [bytes(random, 100), bytes(random, 10)], control: control(random, c.fds), name: random.below(2) === 0 ? undefined : name(random) }, flags));
      break;
    case 5:
      tried(() => calls.recvmsg(fd, { iov: [new Uint8Array(random.below(3000))], controlMax: random.pick([0, 1, 11, 100, 70_000, -1]) }, flags));
      break;
    case 6:
    case 7:
      tried(() => calls.setsockopt(fd, random.pick(LEVELS), random.below(3) === 0 ? random.below(200) : random.pick(OPTIONS), bytes(random, random.pick([4, 4, 8, 24, 300]))));
      break;
    case 8:
      tried(() => calls.getsockopt(fd, random.pick(LEVELS), random.below(3) === 0 ? random.below(200) : random.pick(OPTIONS), new Uint8Array(random.pick([0, 1, 4, 300]))));
      break;
    case 9:
    case 10:
      ioctl(random, c);
      break;
    case 11:
      setting(random, c);
      break;
    case 12: {
      const route = c.fds[0]!;
      tried(() => calls.write(route, routeMessage(random)));
      tried(() => calls.read(route, new Uint8Array(random.below(400))));
      break;
    }
    case 13: {
      const pair = tried(() => calls.socketpair(random.pick([AF_LOCAL, AF_LOCAL, AF_INET]), random.pick([SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET]), 0));
      for (const one of pair ?? []) made(c, one);
      break;
    }
    case 14:
      tried(() => calls.listen(fd, random.pick([-1, 0, 1, 5, 1000])));
      made(c, tried(() => calls.accept(fd, { addr: undefined })));
      break;
    default:
      tried(() => calls.shutdown(fd, random.pick([0, 1, 2, 3, -1])));
      if (c.fds.length < 12 || fd === c.fds[0]) break;
      c.fds.splice(c.fds.indexOf(fd), 1);
      calls.close(fd);
  }
}
