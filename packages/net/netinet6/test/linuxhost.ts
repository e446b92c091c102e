/**
 * The kernel of linux.test.ts, run within a network namespace: IPv6 on a TAP device, an echo of TCP at port 7 and of UDP at port 7.
 *
 * It says `ready` and its address of link-local scope, and then one line for each that it reads.
 */
import { execFileSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { hostNode } from '@anykernel/host-node';
import { AF_INET6, IFF_UP, SOCK_DGRAM, SOCK_RAW, SOCK_STREAM, type SocketName, inet6Parse, sockaddrIn6 } from '@anykernel/lib-sys';
import { type Ifnet, net, nexthopOf } from '@anykernel/net';
import { type Kernel, boot } from '@anykernel/rumpkern';
import { virtif } from '@anykernel/virtif';
import { type Ip6, addAddress6, addressText, netinet6 } from '../src/index.js';

/** What it can be asked. */
export type Command = 'addresses' | 'router' | 'state' | `address ${string}` | `ping ${string}` | `send ${string} ${number} ${number}`;

const ANY = new Uint8Array(16);

export async function main(device: string): Promise<void> {
  const k = boot(hostNode({ input: false }), [netinet6, virtif]);
  const { ip6 } = k.modules.use(netinet6);
  const ifp = k.run(() => {
    const one = k.modules.use(virtif).create(device);
    k.modules.use(net).setFlags(one, one.flags | IFF_UP);
    return one;
  });
  execFileSync('ip', ['addr', 'add', '2001:db8:6::1/64', 'dev', device, 'nodad']);
  execFileSync('ip', ['link', 'set', device, 'up']);
  void echoTcp(k);
  void echoUdp(k);
  while (ip6.linkLocal(ifp) === undefined) await new Promise((resolve) => setTimeout(resolve, 50));
  console.log(`ready ${addressText(ip6.linkLocal(ifp)!.addr).split('%')[0]}`);
  for await (const text of createInterface({ input: process.stdin })) console.log(await command(k, ip6, ifp, text));
  k.halt();
  process.exit(0);
}

async function command(k: Kernel, ip6: Ip6, ifp: Ifnet, text: string): Promise<string> {
  const [what, ...args] = text.split(' ') as [string, ...string[]];
  switch (what) {
    case 'addresses':
      return ifp.addrs.filter((ia) => ia.family === AF_INET6).map((ia) => `${addressText(ia.addr)},${ia.flags}`).join(' ');
    case 'address':
      k.run(() => addAddress6(ip6, ifp, nexthopOf(AF_INET6, inet6Parse(args[0]!)!), 64));
      return 'done';
    case 'router':
      k.sysctl.set('net.inet6.ip6.forwarding', 1);
      k.sysctl.set('net.inet6.ip6.rtadv', ifp.name);
      return 'done';
    case 'ping':
      return ping(k, args[0]!);
    case 'send':
      return send(k, args[0]!, Number(args[1]), Number(args[2]));
    default:
      return `${k.stopped ?? 'well'} ${ip6.mbufs.used}`;
  }
}

/** Sends an echo, and waits for its answer. */
async function ping(k: Kernel, to: string): Promise<string> {
  const p = k.newproc();
  const fd = p.sys.socket(AF_INET6, SOCK_RAW, 58);
  const filter = new Uint8Array(32);
  filter[129 >> 3]! |= 1 << (129 & 7);
  p.sys.setsockopt(fd, 58, 18, filter);
  const request = Uint8Array.from({ length: 3000 }, (_, i) => (i === 0 ? 128 : i < 4 ? 0 : i));
  p.sys.sendto(fd, request, 0, sockaddrIn6(inet6Parse(to)!, 0));
  const into = new Uint8Array(4000);
  const len = await p.call.recvfrom(fd, into, 0);
  p.exit();
  return `${len} bytes, ${into.subarray(4, len).every((byte, i) => byte === request[i + 4]) ? 'the same' : 'others'}`;
}

/** Connects to a port, sends so many bytes, and ends. */
async function send(k: Kernel, to: string, port: number, len: number): Promise<string> {
  const p = k.newproc();
  const fd = p.sys.socket(AF_INET6, SOCK_STREAM, 0);
  await p.call.connect(fd, sockaddrIn6(inet6Parse(to)!, port));
  const data = Uint8Array.from({ length: len }, (_, i) => i * 7 + (i >> 8));
  for (let at = 0; at < len; ) at += await p.call.write(fd, data.subarray(at));
  p.exit();
  return `${len} sent`;
}

async function echoTcp(k: Kernel): Promise<void> {
  const p = k.newproc();
  const server = p.sys.socket(AF_INET6, SOCK_STREAM, 0);
  p.sys.bind(server, sockaddrIn6(ANY, 7));
  p.sys.listen(server, 8);
  for (;;) {
    const fd = await p.call.accept(server);
    const buf = new Uint8Array(65_536);
    for (let len = await p.call.read(fd, buf); len > 0; len = await p.call.read(fd, buf)) {
      for (let at = 0; at < len; ) at += await p.call.write(fd, buf.subarray(at, len));
    }
    p.sys.close(fd);
  }
}

async function echoUdp(k: Kernel): Promise<void> {
  const p = k.newproc();
  const fd = p.sys.socket(AF_INET6, SOCK_DGRAM, 0);
  p.sys.bind(fd, sockaddrIn6(ANY, 7));
  const buf = new Uint8Array(65_536);
  for (;;) {
    const from: SocketName = { addr: undefined };
    const len = await p.call.recvfrom(fd, buf, 0, from);
    await p.call.sendto(fd, buf.slice(0, len), 0, from.addr);
  }
}
