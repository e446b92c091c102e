import { getI32le, getU16le, getU32le, putU16le } from '@anykernel/lib-bytes';
import {
  AF_INET, ERR, IFF_UP, NET_RT_DUMP, NET_RT_IFLIST, PF_ROUTE, RTA_DST, RTA_GATEWAY, RTA_IFA, RTA_IFP, RTA_NETMASK, RTF_BLACKHOLE, RTF_GATEWAY, RTF_REJECT, RTF_STATIC,
  RTF_UP, RTM_ADD, RTM_CHANGE, RTM_DELETE, RTM_GET, RTM_IFANNOUNCE, RTM_IFINFO, RTM_NEWADDR, RTV_MTU, SOCK_RAW, SO_USELOOPBACK,
  SOL_SOCKET, inetParse, inetText, parseSockaddrIn, sockaddrDl, sockaddrIn,
} from '@anykernel/lib-sys';
import { Ifaddr, Nexthop, emitRtMessage, parseRtMessage } from '@anykernel/net';
import type { Kernel, Proc } from '@anykernel/rumpkern';
import { Wire, netKernel, netOf } from './wire.js';

let k: Kernel;
let p: Proc;
let fd: number;
beforeEach(() => {
  k = netKernel();
  const state = netOf(k);
  const e0 = new Wire().plug(k);
  k.run(() => {
    state.setFlags(e0, e0.flags | IFF_UP);
    state.addrAdd(new Ifaddr(e0, new Nexthop(AF_INET).set(AF_INET, inetParse('10.0.1.1') as number, 0, 0, 0), 24));
  });
  p = k.newproc();
  fd = p.sys.socket(PF_ROUTE, SOCK_RAW, 0);
});
afterEach(() => k.halt());

/** A routing message as bytes. */
function request(type: number, flags: number, addrs: Record<number, Uint8Array>, extra: { inits?: number; mtu?: number; seq?: number } = {}): Uint8Array {
  return emitRtMessage({ type, flags, addrs: new Map(Object.entries(addrs).map(([bit, sa]) => [Number(bit), sa])), ...extra });
}

function inet(text: string): Uint8Array {
  return sockaddrIn(inetParse(text) as number);
}

function receive(from = fd): Uint8Array {
  const b = new Uint8Array(2048);
  return b.slice(0, p.sys.read(from, b));
}

/** What `route show` would say. */
function table(): string[] {
  const all = k.sysctl.get([4, 17, 0, AF_INET, NET_RT_DUMP, 0]) as Uint8Array;
  const lines: string[] = [];
  for (let at = 0; at < all.length; at += getU16le(all, at)) {
    const msg = parseRtMessage(all.slice(at, at + getU16le(all, at)));
    if (msg === undefined) throw new Error('not a message');
    const text = (bit: number): string => {
      const sa = parseSockaddrIn(msg.addrs.get(bit) ?? new Uint8Array(0));
      return sa === undefined ? 'link' : inetText(sa.addr);
    };
    lines.push(`${text(RTA_DST)} ${msg.addrs.has(RTA_NETMASK) ? text(RTA_NETMASK) : 'host'} ${text(RTA_GATEWAY)}`);
  }
  return lines;
}

test('a route is added, found, changed and deleted, and each is answered', () => {
  p.sys.write(fd, request(RTM_ADD, RTF_UP | RTF_GATEWAY | RTF_STATIC, { [RTA_DST]: inet('192.168.0.0'), [RTA_NETMASK]: inet('255.255.0.0'), [RTA_GATEWAY]: inet('10.0.1.9') }, { inits: RTV_MTU, mtu: 1400, seq: 7 }));
  const answer = parseRtMessage(receive());
  expect(answer).toMatchObject({ type: RTM_ADD, pid: p.pid, seq: 7, mtu: 1400 });
  expect(table()).toEqual(['10.0.1.0 255.255.255.0 link', '10.0.1.1 host link', '192.168.0.0 255.255.0.0 10.0.1.9']);
  p.sys.write(fd, request(RTM_GET, 0, { [RTA_DST]: inet('192.168.7.7'), [RTA_IFP]: sockaddrDl(0, 0) }));
  const found = parseRtMessage(receive());
  expect(found?.addrs.get(RTA_IFA)).toEqual(inet('10.0.1.1'));
  expect(found?.flags).toBe(RTF_UP | RTF_GATEWAY | RTF_STATIC | 0x40);
  p.sys.write(fd, request(RTM_CHANGE, RTF_BLACKHOLE, { [RTA_DST]: inet('192.168.0.0'), [RTA_NETMASK]: inet('255.255.0.0') }));
  receive();
  expect(netOf(k).rtable(AF_INET).lookup(inetParse('192.168.0.1') as number)).toMatchObject({ flags: RTF_UP | RTF_GATEWAY | RTF_BLACKHOLE, mtu: 1400 });
  p.sys.write(fd, request(RTM_DELETE, 0, { [RTA_DST]: inet('192.168.0.0'), [RTA_NETMASK]: inet('255.255.0.0') }));
  expect(table()).toHaveLength(2);
});

test('a default route and a host route', () => {
  p.sys.write(fd, request(RTM_ADD, RTF_GATEWAY, { [RTA_DST]: inet('0.0.0.0'), [RTA_NETMASK]: inet('0.0.0.0'), [RTA_GATEWAY]: inet('10.0.1.254') }));
  p.sys.write(fd, request(RTM_ADD, RTF_GATEWAY | RTF_REJECT, { [RTA_DST]: inet('8.8.8.8'), [RTA_GATEWAY]: inet('10.0.1.254') }));
  expect(table()).toEqual(['0.0.0.0 0.0.0.0 10.0.1.254', '8.8.8.8 host 10.0.1.254', '10.0.1.0 255.255.255.0 link', '10.0.1.1 host link']);
});

test.each<[string, number, Record<number, string>]>([
  ['EEXIST', RTM_ADD, { [RTA_DST]: '10.0.1.0', [RTA_NETMASK]: '255.255.255.0', [RTA_GATEWAY]: '10.0.1.9' }],
  ['ESRCH', RTM_DELETE, { [RTA_DST]: '172.16.0.0', [RTA_NETMASK]: '255.255.0.0' }],
  ['ESRCH', RTM_GET, { [RTA_DST]: '172.16.0.1' }],
  ['ENETUNREACH', RTM_ADD, { [RTA_DST]: '172.16.0.0', [RTA_NETMASK]: '255.255.0.0', [RTA_GATEWAY]: '99.0.0.1' }],
  ['EINVAL', RTM_ADD, { [RTA_DST]: '172.16.0.0', [RTA_NETMASK]: '255.0.255.0', [RTA_GATEWAY]: '10.0.1.9' }],
  ['EINVAL', RTM_ADD, { [RTA_DST]: '172.16.0.0', [RTA_NETMASK]: '255.255.0.0' }],
  ['EINVAL', RTM_ADD, { [RTA_GATEWAY]: '10.0.1.9' }],
])('what is wrong is %s, thrown and answered', (code, type, addrs) => {
  const bytes = request(type, RTF_GATEWAY, Object.fromEntries(Object.entries(addrs).map(([bit, text]) => [bit, inet(text)])));
  expect(() => p.sys.write(fd, bytes)).toThrow(expect.objectContaining({ code }));
  expect(getI32le(receive(), 24)).toBe(ERR[code as 'EINVAL'].errno);
});

test('only the superuser changes routes; anybody may ask', () => {
  const q = k.newproc({ uid: 1000, gid: 1000 });
  const other = q.sys.socket(PF_ROUTE, SOCK_RAW, 0);
  const add = request(RTM_ADD, RTF_GATEWAY, { [RTA_DST]: inet('1.0.0.0'), [RTA_NETMASK]: inet('255.0.0.0'), [RTA_GATEWAY]: inet('10.0.1.9') });
  expect(() => q.sys.write(other, add)).toThrow(expect.objectContaining({ code: 'EACCES' }));
  q.sys.write(other, request(RTM_GET, 0, { [RTA_DST]: inet('10.0.1.5') }));
});

test('others hear of it too, and the sender only if it wants to', () => {
  const other = p.sys.socket(PF_ROUTE, SOCK_RAW, AF_INET);
  const six = p.sys.socket(PF_ROUTE, SOCK_RAW, 24);
  p.sys.setsockopt(fd, SOL_SOCKET, SO_USELOOPBACK, Uint8Array.of(0, 0, 0, 0));
  p.sys.write(fd, request(RTM_GET, 0, { [RTA_DST]: inet('10.0.1.5') }));
  expect(receive(other)[3]).toBe(RTM_GET);
  for (const silent of [fd, six]) expect(() => receive(silent)).toThrow(expect.objectContaining({ code: 'EAGAIN' }));
});

test('interfaces and addresses that come and go are told', () => {
  const state = netOf(k);
  k.run(() => {
    const lo1 = state.create('lo1');
    state.addrAdd(new Ifaddr(lo1, new Nexthop().set(AF_INET, inetParse('127.1.0.1') as number, 0, 0, 0), 32));
    state.setFlags(lo1, lo1.flags | IFF_UP);
    state.destroy('lo1');
  });
  const types: number[] = [];
  for (let i = 0; i < 4; i++) types.push(receive()[3]);
  expect(types).toEqual([RTM_IFANNOUNCE, RTM_NEWADDR, RTM_IFINFO, RTM_IFINFO]);
});

test('the list of interfaces has each with its addresses', () => {
  const all = k.sysctl.get([4, 17, 0, 0, NET_RT_IFLIST, 0]) as Uint8Array;
  const types: number[] = [];
  for (let at = 0; at < all.length; at += getU16le(all, at)) types.push(all[at + 3]);
  expect(types).toEqual([RTM_IFINFO, RTM_IFINFO, RTM_NEWADDR]);
});

test('messages that are cut, or none, are EINVAL, whatever is in them', () => {
  const whole = request(RTM_ADD, RTF_GATEWAY, { [RTA_DST]: inet('1.0.0.0'), [RTA_NETMASK]: inet('255.0.0.0'), [RTA_GATEWAY]: inet('10.0.1.9') });
  for (let len = 1; len < whole.length; len += 3) {
    const cut = whole.slice(0, len);
    expect(() => p.sys.write(fd, cut)).toThrow(expect.objectContaining({ code: 'EINVAL' }));
    if (len >= 2) putU16le(cut, 0, len);
    expect(() => p.sys.write(fd, cut)).toThrow(expect.objectContaining({ code: 'EINVAL' }));
  }
  let state = 5;
  for (let round = 0; round < 500; round++) {
    const b = whole.slice();
    for (let i = 0; i < 4; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      b[4 + ((state >>> 8) % (b.length - 4))] = state >>> 16;
    }
    try {
      p.sys.write(fd, b);
    } catch (e) {
      expect(e).toMatchObject({ name: 'SystemError' });
    }
  }
  expect(k.stopped).toBeUndefined();
  expect(getU32le(whole, 12)).toBe(7);
});
