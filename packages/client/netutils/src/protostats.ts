/**
 * What `netstat -s` says of a protocol's counters.
 *
 * A line of a table has counters in braces, and behind them what becomes plural: `{sndpack} data packet{s} ({sndbyte} byte{s})`. Its depth is that of its indent.
 */
import {
  AF_INET, AF_INET6, ARP_STATS, ICMP6_STATS, ICMP_STATS, IGMP_STATS, IP6_STATS, IP_STATS, type StatsLayout, TCP_STATS, UDP_STATS, parseStats,
} from '@anykernel/lib-sys';
import type { Proc } from '@anykernel/rumpkern';
import { value } from './sockets.js';

interface Protocol {
  readonly name: string;
  readonly family: number;
  readonly path: string;
  readonly layout: StatsLayout;
  /** Before the first line, one blank for each step of its indent. */
  readonly lines: readonly string[];
  readonly histograms?: readonly (readonly [counter: string, title: string, names: Readonly<Record<number, string>>])[];
}

const ICMP_NAMES: Readonly<Record<number, string>> = {
  0: 'echo reply', 3: 'destination unreachable', 4: 'source quench', 5: 'routing redirect', 8: 'echo', 9: 'router advertisement', 10: 'router solicitation',
  11: 'time exceeded', 12: 'parameter problem', 13: 'time stamp', 14: 'time stamp reply', 17: 'address mask request', 18: 'address mask reply',
};

const ICMP6_NAMES: Readonly<Record<number, string>> = {
  1: 'unreach', 2: 'packet too big', 3: 'time exceed', 4: 'parameter problem', 128: 'echo', 129: 'echo reply', 130: 'multicast listener query',
  131: 'multicast listener report', 132: 'multicast listener done', 133: 'router solicitation', 134: 'router advertisement', 135: 'neighbor solicitation',
  136: 'neighbor advertisement', 137: 'redirect', 143: 'multicast listener report, version 2',
};

const TCP_LINES: readonly string[] = [
  '{sndtotal} packet{s} sent',
  ' {sndpack} data packet{s} ({sndbyte} byte{s})',
  ' {sndrexmitpack} data packet{s} ({sndrexmitbyte} byte{s}) retransmitted',
  ' {sndacks} ack-only packet{s} ({delack} delayed)',
  ' {sndurg} URG only packet{s}',
  ' {sndprobe} window probe packet{s}',
  ' {sndwinup} window update packet{s}',
  ' {sndctrl} control packet{s}',
  '{rcvtotal} packet{s} received',
  ' {rcvackpack} ack{s} (for {rcvackbyte} byte{s})',
  ' {rcvdupack} duplicate ack{s}',
  ' {rcvacktoomuch} ack{s} for unsent data',
  ' {rcvpack} packet{s} ({rcvbyte} byte{s}) received in-sequence',
  ' {rcvduppack} completely duplicate packet{s} ({rcvdupbyte} byte{s})',
  ' {pawsdrop} old duplicate packet{s}',
  ' {rcvoopack} out-of-order packet{s} ({rcvoobyte} byte{s})',
  ' {rcvafterwin} packet{s} of data after window',
  ' {rcvwinprobe} window probe{s}',
  ' {rcvwinupd} window update packet{s}',
  ' {rcvafterclose} packet{s} received after close',
  ' {rcvbadsum} discarded for bad checksum{s}',
  ' {rcvbadoff} discarded for bad header offset field{s}',
  ' {rcvshort} discarded because packet too short',
  ' {rcvmemdrop} discarded for lack of memory',
  '{connattempt} connection request{s}',
  '{accepts} connection accept{s}',
  '{connects} connection{s} established (including accepts)',
  '{closed} connection{s} closed (including {drops} drop{s})',
  '{conndrops} embryonic connection{s} dropped',
  '{segstimed} segment{s} whose round trip was measured',
  '{rexmttimeo} retransmit timeout{s}',
  ' {timeoutdrop} connection{s} dropped by rexmit timeout',
  ' {spuriousrto} of them spurious',
  '{persisttimeo} persist timeout{s} (resulting in {persistdrops} dropped connection{s})',
  '{keeptimeo} keepalive timeout{s}',
  ' {keepprobe} keepalive probe{s} sent',
  ' {keepdrops} connection{s} dropped by keepalive',
  '{fastrexmit} fast retransmit{s}',
  ' {racklost} segment{s} found lost by the time they were sent',
  ' {tlp} tail loss probe{s}, {tlprecovered} of them the remedy',
  '{sackrcv} segment{s} with selective acknowledgments ({sackbad} bad, {dsackrcv} of duplicates)',
  '{ecnect} packet{s} sent as capable of congestion notification, {ecnce} received with congestion experienced',
  '{blackhole} path MTU black hole{s} found, {mtuchange} path MTU change{s}',
  ' {mtuprobe} probe{s} of the path MTU sent, {mtuprobelost} of them lost',
  '{challenge} challenge ack{s} sent',
  '{noport} missing port{s}',
  '{badsyn} bad connection attempt{s}',
  '{scAdded} SYN cache entr{y} added',
  ' {scCompleted} completed',
  ' {scAborted} aborted (no space to build a connection)',
  ' {scTimedout} timed out',
  ' {scOverflowed} dropped due to overflow',
  ' {scReset} dropped due to RST',
  ' {scUnreach} dropped due to ICMP unreachable',
  '{scDupesyn} duplicate SYN{s} received for entries already in the cache',
  '{scRetransmitted} SYN,ACK{s} retransmitted',
  '{scCookieSent} SYN cookie{s} sent, {scCookieGood} good and {scCookieBad} bad received',
  '{twreuse} connection{s} in TIME_WAIT used again',
];

const UDP_LINES: readonly string[] = [
  '{ipackets} datagram{s} received',
  ' {hdrops} with incomplete header',
  ' {badlen} with bad data length field',
  ' {badsum} with bad checksum',
  ' {noport} dropped due to no socket',
  ' {noportbcast} broadcast/multicast datagram{s} dropped due to no socket',
  ' {fullsock} dropped due to full socket buffers',
  '{opackets} datagram{s} output',
];

const PROTOCOLS: readonly Protocol[] = [
  {
    name: 'ip', family: AF_INET, path: 'net.inet.ip.stats', layout: IP_STATS,
    lines: [
      '{total} total packet{s} received', ' {badsum} bad header checksum{s}', ' {toosmall} with size smaller than minimum', ' {tooshort} with data size < data length',
      ' {badhlen} with header length < data size', ' {badlen} with data length < header length', ' {badoptions} with bad options', ' {badvers} with incorrect version number',
      ' {badaddr} with illegal addresses', ' {fragments} fragment{s} received', '  {fragdropped} fragment{s} dropped (dup or out of space)',
      '  {fragtimeout} fragment{s} dropped after timeout', '  {reassembled} packet{s} reassembled ok', ' {delivered} packet{s} for this host',
      ' {noproto} packet{s} for unknown/unsupported protocol', ' {forward} packet{s} forwarded', ' {cantforward} packet{s} not forwardable',
      ' {redirectsent} redirect{s} sent', '{localout} packet{s} sent from this host', ' {odropped} output packet{s} dropped due to no bufs, etc.',
      ' {noroute} output packet{s} discarded due to no route', ' {fragmented} output datagram{s} fragmented', ' {ofragments} fragment{s} created',
      ' {cantfrag} datagram{s} that cannot be fragmented',
    ],
  },
  {
    name: 'icmp', family: AF_INET, path: 'net.inet.icmp.stats', layout: ICMP_STATS,
    lines: [
      '{error} call{s} to icmp_error', '{limited} error{s} not generated because of rate limitation', '{tooshort} message{s} < minimum length',
      '{badsum} bad checksum{s}', '{reflect} message response{s} generated', '{redirects} redirect{s} followed',
    ],
    histograms: [['outhist', 'Output histogram:', ICMP_NAMES], ['inhist', 'Input histogram:', ICMP_NAMES]],
  },
  {
    name: 'igmp', family: AF_INET, path: 'net.inet.igmp.stats', layout: IGMP_STATS,
    lines: ['{bad} message{s} received with invalid field(s)', '{queries} membership quer{y} received', '{reports} membership report{s} received', '{sent} membership report{s} sent'],
  },
  { name: 'tcp', family: AF_INET, path: 'net.inet.tcp.stats', layout: TCP_STATS, lines: TCP_LINES },
  { name: 'udp', family: AF_INET, path: 'net.inet.udp.stats', layout: UDP_STATS, lines: UDP_LINES },
  {
    name: 'arp', family: AF_INET, path: 'net.inet.arp.stats', layout: ARP_STATS,
    lines: [
      '{sentReplies} repl{y} sent', '{sentRequests} request{s} sent', '{rcvReplies} repl{y} received', '{rcvRequests} valid request{s} received',
      '{bad} packet{s} with bad fields received', '{conflicts} duplicate{s} for a local IP address',
    ],
  },
  {
    name: 'ip6', family: AF_INET6, path: 'net.inet6.ip6.stats', layout: IP6_STATS,
    lines: [
      '{total} total packet{s} received', ' {toosmall} with size smaller than minimum', ' {tooshort} with data size < data length', ' {badoptions} with bad options',
      ' {badvers} with incorrect version number', ' {badaddr} with illegal addresses', ' {badscope} packet{s} that violated scope rules',
      ' {toomanyhdr} packet{s} discarded due to too many headers', ' {fragments} fragment{s} received', '  {atomicfrag} of them whole packet{s}',
      '  {fragdropped} fragment{s} dropped (dup or out of space)', '  {fragoverlap} fragment{s} that overlapped', '  {fragtimeout} fragment{s} dropped after timeout',
      '  {reassembled} packet{s} reassembled ok', ' {delivered} packet{s} for this host', ' {notmember} multicast packet{s} which we don\'t join',
      ' {noproto} packet{s} for unknown/unsupported protocol', ' {forward} packet{s} forwarded', ' {cantforward} packet{s} not forwardable',
      ' {redirectsent} redirect{s} sent', '{localout} packet{s} sent from this host', ' {odropped} output packet{s} dropped due to no bufs, etc.',
      ' {noroute} output packet{s} discarded due to no route', ' {fragmented} output datagram{s} fragmented', ' {ofragments} fragment{s} created',
      ' {cantfrag} datagram{s} that cannot be fragmented',
    ],
  },
  {
    name: 'icmp6', family: AF_INET6, path: 'net.inet6.icmp6.stats', layout: ICMP6_STATS,
    lines: [
      '{error} call{s} to icmp6_error', '{limited} error{s} not generated because of rate limitation', '{tooshort} message{s} < minimum length',
      '{badsum} bad checksum{s}', '{reflect} message response{s} generated', '{badnd} bad neighbor discovery message{s}',
      '{badmld} bad multicast listener message{s}', '{redirects} redirect{s} followed', '{dadConflicts} duplicate{s} of a local address',
    ],
    histograms: [['outhist', 'Output packet histogram:', ICMP6_NAMES], ['inhist', 'Input packet histogram:', ICMP6_NAMES]],
  },
];

/** Names of protocols that have counters. */
export const STATS_NAMES: readonly string[] = PROTOCOLS.map((one) => one.name);

/** The lines of each protocol that the kernel has, of a family or all, of one name or all. */
export function statsLines(p: Proc, family: number | undefined, name: string | undefined): string[] {
  return PROTOCOLS.filter((one) => (family === undefined || one.family === family) && (name === undefined || one.name === name)).flatMap((one) => {
    const bytes = value(p, one.path);
    return bytes === undefined ? [] : [`${one.name}:`, ...counted(one, parseStats(one.layout, bytes))];
  });
}

function counted(one: Protocol, counters: Readonly<Record<string, number | readonly number[]>>): string[] {
  const lines = one.lines.map((line) => `\t${line.replace(/^ +/, (blanks) => '\t'.repeat(blanks.length))}`.replace(/^(\t+)(.*)$/, (_, tabs: string, rest: string) => tabs + filled(rest, counters)));
  for (const [counter, title, names] of one.histograms ?? []) {
    const rows = (counters[counter] as readonly number[]).flatMap((n, type) => (n === 0 ? [] : [`\t\t${names[type] ?? `type ${type}`}: ${n}`]));
    if (rows.length > 0) lines.push(`\t${title}`, ...rows);
  }
  return lines;
}

/** A line with its numbers, and plural where the number before it is not 1. */
function filled(line: string, counters: Readonly<Record<string, number | readonly number[]>>): string {
  let last = 0;
  return line.replace(/\{(\w+)\}/g, (_, word: string) => {
    if (word === 's') return last === 1 ? '' : 's';
    if (word === 'y') return last === 1 ? 'y' : 'ies';
    last = counters[word] as number;
    return String(last);
  });
}
