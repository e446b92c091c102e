/** A thousand hosts in one process: kernels on one bus, each of which pings the first, and has a TCP connection to it. */
import { Sim } from '@anykernel/host-sim';
import { putU16be } from '@anykernel/lib-bytes';
import { AF_INET, F_SETFL, IFF_UP, IPPROTO_ICMP, O_NONBLOCK, SOCK_RAW, SOCK_STREAM, sockaddrIn } from '@anykernel/lib-sys';
import { ICMP_ECHO, ICMP_ECHOREPLY, inCksum } from '@anykernel/lib-wire';
import { net } from '@anykernel/net';
import { addAddress, netinet } from '@anykernel/netinet';
import { type Kernel, type Proc, boot } from '@anykernel/rumpkern';
import { shmif } from '@anykernel/shmif';
import { tryCall, tryVoid } from './flow.js';
import { usedMemory } from './memory.js';

const NETWORK = 0x0a00_0000;
const PORT = 7;
/** Bytes of the Internet header, which a raw socket gives too. */
const IP_HDR_LEN = 20;

export interface Crowd {
  readonly hosts: number;
  /** Who got an answer to his ping; who got back over TCP what he had said. */
  readonly pinged: number;
  readonly echoed: number;
  /** Of the process, while everybody is there, for each host: kernel, interface, connection. */
  readonly bytesEach: number;
  /** Of the processor. */
  readonly seconds: number;
}

interface Host {
  readonly k: Kernel;
  readonly p: Proc;
}

/** Boots `count` hosts and makes them talk. All are gone in the end. */
export function crowd(count: number): Crowd {
  const start = process.cpuUsage().user;
  const before = usedMemory();
  const sim = new Sim();
  const hosts = Array.from({ length: count }, (_, index) => hostOf(sim, index));
  const [first, ...others] = hosts;
  const pinged = ping(sim, others);
  const echoed = echo(sim, first, others);
  const bytesEach = (usedMemory() - before) / count;
  for (const { k } of hosts) k.halt();
  return { hosts: count, pinged, echoed, bytesEach, seconds: (process.cpuUsage().user - start) / 1e6 };
}

function hostOf(sim: Sim, index: number): Host {
  const k = boot(sim.host(), [netinet, shmif]);
  // Nobody needs to ask a thousand others whether his address is theirs.
  k.sysctl.set('net.inet.ip.dad_count', 0);
  const ifp = k.modules.use(shmif).create('lan');
  k.run(() => {
    k.modules.use(net).setFlags(ifp, ifp.flags | IFF_UP);
    addAddress(k.modules.use(netinet).ip, ifp, NETWORK + index + 1, 8, undefined);
  });
  return { k, p: k.newproc() };
}

function ping(sim: Sim, hosts: readonly Host[]): number {
  const waiting = hosts.map(({ p }, index) => {
    const fd = p.bare.socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
    p.bare.fcntl(fd, F_SETFL, O_NONBLOCK);
    const request = new Uint8Array(64);
    request[0] = ICMP_ECHO;
    putU16be(request, 4, index);
    putU16be(request, 2, inCksum(request));
    p.bare.sendto(fd, request, 0, sockaddrIn(NETWORK + 1));
    return fd;
  });
  sim.advance(1e9);
  const answer = new Uint8Array(200);
  return hosts.filter(({ p }, index) => {
    const fd = waiting[index];
    const len = tryCall(() => p.bare.recvfrom(fd, answer, 0));
    p.bare.close(fd);
    return len === IP_HDR_LEN + 64 && answer[IP_HDR_LEN] === ICMP_ECHOREPLY && answer[IP_HDR_LEN + 4] * 256 + answer[IP_HDR_LEN + 5] === index;
  }).length;
}

function echo(sim: Sim, server: Host, hosts: readonly Host[]): number {
  const { p } = server;
  p.bare.setrlimit(8, { cur: hosts.length + 100, max: hosts.length + 100 });
  const listener = p.bare.socket(AF_INET, SOCK_STREAM, 0);
  p.bare.bind(listener, sockaddrIn(0, PORT));
  server.k.sysctl.set('kern.somaxconn', hosts.length);
  p.bare.listen(listener, hosts.length);
  p.bare.fcntl(listener, F_SETFL, O_NONBLOCK);
  const accepted: number[] = [];
  const fds = hosts.map((host) => {
    const fd = host.p.bare.socket(AF_INET, SOCK_STREAM, 0);
    host.p.bare.fcntl(fd, F_SETFL, O_NONBLOCK);
    tryVoid(() => host.p.bare.connect(fd, sockaddrIn(NETWORK + 1, PORT)));
    return fd;
  });
  for (let turn = 0; turn < 1000 && accepted.length < hosts.length; turn++) {
    sim.advance(10e6);
    for (let fd = tryCall(() => p.bare.accept(listener)); typeof fd === 'number'; fd = tryCall(() => p.bare.accept(listener))) accepted.push(fd);
  }
  const line = new Uint8Array(16);
  for (const [index, host] of hosts.entries()) host.p.bare.write(fds[index], Uint8Array.of(index >> 8, index));
  sim.advance(1e9);
  for (const fd of accepted) p.bare.write(fd, line.subarray(0, p.bare.read(fd, line)));
  sim.advance(1e9);
  return hosts.filter((host, index) => tryCall(() => host.p.bare.read(fds[index], line)) === 2 && line[0] === index >> 8 && line[1] === (index & 255)).length;
}
