/**
 * Makes the corpus of packets anew: two network namespaces of Linux with a cable between them, everyday programs on both sides, tcpdump on one, and of what it
 * saw one packet of each kind. As root:
 *
 *     node --import ./tools/run/typescript.mjs packages/net/netinet6/test/corpus/capture.ts
 *
 * Programs that are not installed leave their packets out: tcpdump, ip, ping, traceroute, curl, iperf3, hping3, nmap, radvd, rdisc6, ndisc6, dnsmasq, avahi-daemon,
 * busybox (httpd, udhcpc, arping, nc). Side A is 10.9.0.1, fd00:9::1 and 02:00:00:00:09:01, side B the same with 2.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type PcapPacket, emitPcapng } from '@anykernel/lib-wire';
import { repairFrame } from '../hostile/repair.js';
import { kindOf } from './kind.js';

const A = `corpus-a-${process.pid}`;
const B = `corpus-b-${process.pid}`;
/** The corpus, beside this file. */
export type CorpusName = 'packets.pcapng';
const NAME: CorpusName = 'packets.pcapng';
/** Bytes of the corpus, and of a packet: what follows is nothing new. */
const BYTES_MAX = 56 * 1024;
const FRAME_MAX = 1514;

const daemons: ChildProcess[] = [];

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: 'ignore' });
}

/** Runs a program in a namespace for some seconds at most; what comes of it does not matter, only what it sent. */
function run(ns: string, seconds: number, ...command: string[]): void {
  spawnSync('ip', ['netns', 'exec', ns, 'timeout', String(seconds), ...command], { stdio: 'ignore' });
}

function daemon(ns: string, ...command: string[]): void {
  daemons.push(spawn('ip', ['netns', 'exec', ns, 'timeout', '120', ...command], { stdio: 'ignore' }));
}

function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

function cable(): void {
  for (const ns of [A, B]) ip('netns', 'add', ns);
  ip('link', 'add', 'eth0', 'netns', A, 'address', '02:00:00:00:09:01', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', B);
  // Side B is a bridge, since a bridge asks for groups.
  ip('-n', B, 'link', 'add', 'br0', 'address', '02:00:00:00:09:02', 'type', 'bridge', 'mcast_querier', '1', 'mcast_query_use_ifaddr', '1', 'stp_state', '1');
  ip('-n', B, 'link', 'set', 'eth0', 'master', 'br0');
  for (const [ns, dev, n] of [[A, 'eth0', 1], [B, 'br0', 2]] as const) {
    ip('-n', ns, 'addr', 'add', `10.9.0.${n}/24`, 'dev', dev);
    ip('-n', ns, 'addr', 'add', `fd00:9::${n}/64`, 'dev', dev);
    for (const link of ['lo', 'eth0', dev]) ip('-n', ns, 'link', 'set', link, 'up', ...(link === 'eth0' ? ['gso_max_segs', '1'] : []));
  }
  // Beyond B lies a link that takes less, and one whose router is another.
  ip('-n', B, 'link', 'add', 'narrow', 'type', 'veth', 'peer', 'name', 'end');
  for (const link of ['narrow', 'end']) ip('-n', B, 'link', 'set', link, 'up', 'mtu', '1280');
  ip('-n', B, 'addr', 'add', '10.9.7.1/24', 'dev', 'narrow');
  ip('-n', B, 'addr', 'add', 'fd00:9:7::1/64', 'dev', 'narrow');
  ip('-n', B, 'route', 'add', '10.9.8.0/24', 'via', '10.9.0.77');
  for (const net of ['10.9.7.0/24', '10.9.8.0/24']) ip('-n', A, 'route', 'add', net, 'via', '10.9.0.2');
  ip('-n', A, 'route', 'add', 'fd00:9:7::/64', 'via', 'fd00:9::2');
  for (const setting of ['net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1', 'net.ipv4.tcp_fastopen=3', 'net.ipv4.tcp_ecn=1']) {
    for (const ns of setting.includes('forward') ? [B] : [A, B]) run(ns, 5, 'sysctl', '-q', '-w', setting);
  }
}

function talk(dir: string): void {
  writeFileSync(join(dir, 'page'), new Uint8Array(9000).fill(65));
  writeFileSync(join(dir, 'radvd.conf'), 'interface br0 { AdvSendAdvert on; MinRtrAdvInterval 3; MaxRtrAdvInterval 4; AdvLinkMTU 1480; prefix fd00:9:5::/64 {}; route fd00:9:6::/48 {}; RDNSS fd00:9::2 {}; DNSSL a.test {}; };\n');
  writeFileSync(join(dir, 'avahi.conf'), '[server]\nhost-name=corpus\nenable-dbus=no\nallow-interfaces=eth0,br0\n');
  daemon(B, 'busybox', 'httpd', '-f', '-p', '80', '-h', dir);
  daemon(B, 'iperf3', '-s');
  daemon(B, 'radvd', '-n', '-m', 'stderr', '-C', join(dir, 'radvd.conf'), '-p', join(dir, 'radvd.pid'));
  daemon(B, 'dnsmasq', '-k', '-i', 'br0', '--dhcp-range=10.9.0.100,10.9.0.110', '--dhcp-range=fd00:9::100,fd00:9::110', `--dhcp-leasefile=${join(dir, 'leases')}`, '--pid-file=');
  daemon(A, 'avahi-daemon', '--no-drop-root', '--no-chroot', '--no-proc-title', '-f', join(dir, 'avahi.conf'));
  pause(3000);
  for (const to of ['10.9.0.2', 'fd00:9::2']) {
    const url = to.includes(':') ? `http://[${to}]/page` : `http://${to}/page`;
    for (const size of ['8', '3000']) run(A, 5, 'ping', '-c', '2', '-i', '0.2', '-s', size, to);
    for (const how of ['-U', '-I', '-T']) run(A, 8, 'traceroute', '-n', '-q', '1', '-w', '1', '-m', '3', how, to.includes(':') ? 'fd00:9:7::9' : '10.9.7.9');
    for (let i = 0; i < 2; i++) run(A, 5, 'curl', '-s', '--tcp-fastopen', '-o', '/dev/null', url);
    for (const how of [[], ['-R'], ['-u', '-b', '1M'], ['-M', '600']]) run(A, 8, 'iperf3', '-c', to, '-n', '60K', ...how);
    run(A, 20, 'nmap', '-n', '-Pn', '-O', '-p', '22,80', ...(to.includes(':') ? ['-6'] : []), to);
    run(A, 3, 'ping', '-c', '2', '-M', 'do', '-s', '1400', to.includes(':') ? 'fd00:9:7::9' : '10.9.7.9');
    run(A, 3, 'ping', '-c', '1', to.includes(':') ? 'fd00:9::3333' : '10.9.0.33');
    run(B, 5, 'ping', '-c', '2', '-i', '0.2', '-s', '2500', to.replace(/2$/, '1'));
  }
  for (const option of [['-R'], ['-T', 'tsandaddr'], ['-T', 'tsonly'], ['-b', '10.9.0.255']]) run(A, 3, 'ping', '-c', '2', '-i', '0.2', ...option, '10.9.0.2');
  run(B, 3, 'ping', '-c', '1', '-R', '10.9.0.1');
  run(A, 3, 'ping', '-c', '1', '10.9.8.8');
  run(A, 3, 'ping', '-c', '1', 'ff02::1%eth0');
  for (const flags of [['-S'], ['-F'], ['-U', '-A'], ['-R'], ['-X'], ['-2']]) run(A, 3, 'hping3', '-c', '1', '-p', '80', '-d', '20', ...flags, '10.9.0.2');
  run(B, 3, 'hping3', '-c', '1', '-p', '80', '-f', '-d', '64', '10.9.0.1');
  lossy();
  run(A, 6, 'rdisc6', '-1', 'eth0');
  run(A, 6, 'ndisc6', '-1', 'fd00:9::2', 'eth0');
  for (const probe of [['-D', '10.9.0.1'], ['-U', '10.9.0.1'], ['10.9.0.2']]) run(A, 4, 'busybox', 'arping', '-c', '1', '-I', 'eth0', ...probe);
  run(A, 8, 'busybox', 'udhcpc', '-i', 'eth0', '-n', '-q', '-t', '2', '-s', '/bin/true');
  run(B, 3, 'busybox', 'nc', '-w', '1', '10.9.0.1', '9');
  vlan();
  // The bridge asks for groups a second after the other, half a minute later; a group is left meanwhile.
  pause(4000);
}

/** Losses make acknowledgments selective. */
function lossy(): void {
  run(A, 2, 'tc', 'qdisc', 'add', 'dev', 'eth0', 'root', 'netem', 'loss', '8%', 'delay', '3ms', '2ms', 'duplicate', '3%');
  for (const to of ['10.9.0.2', 'fd00:9::2']) run(A, 12, 'iperf3', '-c', to, '-n', '300K');
  run(A, 2, 'tc', 'qdisc', 'del', 'dev', 'eth0', 'root');
}

/** Where the kernel has them. */
function vlan(): void {
  if (spawnSync('ip', ['-n', A, 'link', 'add', 'link', 'eth0', 'name', 'tag5', 'type', 'vlan', 'id', '5']).status !== 0) return;
  ip('-n', A, 'link', 'del', 'tag5');
  for (const [ns, dev, n] of [[A, 'eth0', 1], [B, 'br0', 2]] as const) {
    ip('-n', ns, 'link', 'add', 'link', dev, 'name', 'tag5', 'type', 'vlan', 'id', '5');
    ip('-n', ns, 'addr', 'add', `10.95.0.${n}/24`, 'dev', 'tag5');
    ip('-n', ns, 'link', 'set', 'tag5', 'up');
  }
  run(A, 3, 'ping', '-c', '1', '10.95.0.2');
}

/** The frames of a file of tcpdump (pcap, microseconds, this machine's byte order): when, and whether they left A. */
function framesOf(file: Uint8Array): PcapPacket[] {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const packets: PcapPacket[] = [];
  for (let at = 24; at + 16 <= file.length; ) {
    const len = view.getUint32(at + 8, true);
    const data = file.slice(at + 16, at + 16 + len);
    const timeUs = view.getUint32(at, true) * 1e6 + view.getUint32(at + 4, true);
    packets.push({ iface: 0, timeUs, data, len: view.getUint32(at + 12, true), direction: data[11] === 1 ? 'out' : 'in' });
    at += 16 + len;
  }
  return packets;
}

/** One of each kind, in the order in which they came. */
function select(packets: readonly PcapPacket[]): PcapPacket[] {
  const seen = new Set<string>();
  const kept: PcapPacket[] = [];
  let bytes = 0;
  for (const packet of packets) {
    if (packet.data.length > FRAME_MAX || packet.data.length < packet.len || bytes + packet.data.length > BYTES_MAX) continue;
    const kind = `${packet.direction} ${kindOf(packet.data)}`;
    if (seen.has(kind)) continue;
    seen.add(kind);
    // The sender's interface was to finish the checksums.
    repairFrame(packet.data);
    kept.push(packet);
    bytes += packet.data.length;
  }
  return kept;
}

function main(): void {
  const dir = mkdtempSync(join(tmpdir(), 'corpus-'));
  try {
    cable();
    const tcpdump = spawn('ip', ['netns', 'exec', A, 'tcpdump', '-n', '-U', '-s', '0', '-i', 'eth0', '-w', join(dir, 'all.pcap')], { stdio: 'ignore' });
    pause(1000);
    talk(dir);
    tcpdump.kill('SIGINT');
    pause(500);
    const packets = select(framesOf(readFileSync(join(dir, 'all.pcap'))));
    writeFileSync(new URL(NAME, import.meta.url), emitPcapng({ interfaces: [{ linktype: 1, name: 'eth0' }], packets }));
    console.log(`${packets.length} packets, ${packets.reduce((sum, { data }) => sum + data.length, 0)} bytes`);
  } finally {
    for (const one of daemons) one.kill('SIGTERM');
    for (const ns of [A, B]) {
      const pids = spawnSync('ip', ['netns', 'pids', ns]).stdout.toString().split('\n').filter((pid) => pid !== '');
      for (const pid of pids) process.kill(Number(pid), 'SIGKILL');
      spawnSync('ip', ['netns', 'del', ns]);
    }
    rmSync(dir, { recursive: true, force: true });
  }
}

main();
