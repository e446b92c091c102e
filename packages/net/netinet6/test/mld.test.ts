/** Multicast listener discovery (RFC 3810, RFC 2710): what a host says of its groups, and when. */
import { IPPROTO_IPV6, IPV6_JOIN_GROUP, IPV6_LEAVE_GROUP, SOCK_DGRAM, inet6Text } from '@anykernel/lib-sys';
import { MLD2_IS_EXCLUDE, MLD2_TO_EXCLUDE, MLD2_TO_INCLUDE, mldQuery, parseMld2Report, routerAlert } from '@anykernel/lib-wire';
import { Link, STRANGER, addr, icmp6, packet6 } from './link.js';

const REPORT2 = 143;
const GROUP = 'ff05::77';

function mreq(l: Link, group = GROUP): Uint8Array {
  return Uint8Array.of(...addr(group), l.ifp.index, 0, 0, 0);
}

/** `4 ff05::77` for each record of the reports that were heard, but for those of solicited-node groups. */
function records(l: Link): string[] {
  return l
    .takeIcmp(REPORT2)
    .flatMap(({ body }) => parseMld2Report(body, 0, body.length)!)
    .map(({ type, group }) => `${type} ${inet6Text(group)}`)
    .filter((one) => !one.includes('ff02::1:ff'));
}

function ask(l: Link, version: 1 | 2, group: string, maxDelayMs = 1000, hops = 1, src = STRANGER, alert = true): void {
  const query = mldQuery({ version, maxDelayMs, group: addr(group), robustness: 2, intervalSec: 125, sources: [] });
  const dst = group === '::' ? 'ff02::1' : group;
  const message = icmp6(src, dst, 130, 0, maxDelayMs << 16, query.slice(8));
  l.say(packet6(src, dst, 58, message, hops, alert ? [[0, routerAlert(58)]] : []));
}

/** A link whose host belongs to the group, and has said so. */
function member(): Link {
  const l = new Link();
  l.p.sys.setsockopt(l.socket(SOCK_DGRAM), IPPROTO_IPV6, IPV6_JOIN_GROUP, mreq(l));
  l.run(3);
  l.take();
  return l;
}

test('the groups of its addresses are reported from nobody, and again when there is an address (RFC 3590)', () => {
  const l = new Link(undefined, 1, 0);
  l.run(5);
  const reports = l.takeIcmp(REPORT2);
  expect(new Set(reports.map(({ src }) => src))).toEqual(new Set(['::', l.local]));
  expect(reports.every(({ dst, hops, bytes }) => dst === 'ff02::16' && hops === 1 && bytes[6] === 0 && bytes[42] === 5)).toBe(true);
});
test('joining and leaving are said twice (6.1, 9.1)', () => {
  const l = new Link();
  const fd = l.socket(SOCK_DGRAM);
  l.p.sys.setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, mreq(l));
  l.run(3);
  const joined = records(l);
  l.p.sys.setsockopt(fd, IPPROTO_IPV6, IPV6_LEAVE_GROUP, mreq(l));
  l.run(3);
  expect([joined, records(l)]).toEqual([
    [`${MLD2_TO_EXCLUDE} ${GROUP}`, `${MLD2_TO_EXCLUDE} ${GROUP}`],
    [`${MLD2_TO_INCLUDE} ${GROUP}`, `${MLD2_TO_INCLUDE} ${GROUP}`],
  ]);
});
test.each([['::'], [GROUP]])('a query for %s is answered once, within its time (6.2)', (group) => {
  const l = member();
  ask(l, 2, group);
  ask(l, 2, group);
  l.run(1);
  expect(records(l)).toEqual([`${MLD2_IS_EXCLUDE} ${GROUP}`]);
});
test('one for a group of which it is no member is not', () => {
  const l = member();
  ask(l, 2, 'ff05::78');
  l.run(2);
  expect(records(l)).toEqual([]);
});
test.each<[string, (l: Link) => void]>([
  ['with more than one hop', (l) => ask(l, 2, '::', 1000, 2)],
  ['from an address that is not of link-local scope', (l) => ask(l, 2, '::', 1000, 1, '2001:db8::99')],
  ['without a router alert', (l) => ask(l, 2, '::', 1000, 1, STRANGER, false)],
])('a query %s is dropped (5.1.14, 6.2)', (_what, act) => {
  const l = member();
  act(l);
  l.run(2);
  expect([records(l), l.ip6.icmp.stats.badmld]).toEqual([[], 1]);
});
test('while a querier of version 1 is heard, version 1 is spoken (8.2.1)', () => {
  const l = member();
  ask(l, 1, '::');
  l.run(1);
  const reports = l.take().filter(({ body, dst }) => body[0] === 131 && dst === GROUP);
  expect(reports.length).toBe(1);
  l.run(300);
  l.take();
  ask(l, 2, '::');
  l.run(1);
  expect(records(l)).toEqual([`${MLD2_IS_EXCLUDE} ${GROUP}`]);
});
