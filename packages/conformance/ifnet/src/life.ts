/** Made and taken away; up and down; what the routing socket says of it; who may. */
import { expect } from '@jest/globals';
import { getU32le, putU16le, putU32le } from '@anykernel/lib-bytes';
import {
  AF_INET, IFF_BROADCAST, IFF_CANTCHANGE, IFF_LOOPBACK, IFF_MULTICAST, IFF_POINTOPOINT, IFF_RUNNING, IFF_UP, IFNAMSIZ, RTF_GATEWAY, RTF_UP, RTM_DELADDR,
  RTM_IFANNOUNCE, RTM_IFINFO, RTM_NEWADDR, SIOCADDMULTI, SIOCGIFDATA, SIOCGIFFLAGS, SIOCGIFINDEX, SIOCGIFMETRIC, SIOCGIFMTU, SIOCIFCREATE, SIOCIFDESTROY,
  SIOCSIFCAP, SIOCSIFFLAGS, SIOCSIFMETRIC, SIOCSIFMTU, SIOCZIFDATA, _IOW, ifreq,
} from '@anykernel/lib-sys';
import { Ifaddr, Rtentry, SIOCGIFCONF, SIOCIFGCLONERS, prefixOf } from '@anykernel/net';
import { type Cases, type Context, codeOf, pattern } from './subject.js';

function names(c: Context): string[] {
  return c.net.ifs.map((ifp) => ifp.name);
}

/** An address 10.0.0.`last`/24. */
function address(c: Context, last: number): Ifaddr {
  const ia = new Ifaddr(c.ifp, c.nexthop(last), 24);
  c.k.run(() => c.net.addrAdd(ia));
  return ia;
}

export const life: Cases = {
  'its kind is among those that can be created'(c) {
    const data = new Uint8Array(16 + IFNAMSIZ * 32);
    putU32le(data, 4, 32);
    c.ioctl(SIOCIFGCLONERS, data);
    const kinds = Array.from({ length: getU32le(data, 0) }, (_, i) => String.fromCharCode(...data.subarray(16 + i * IFNAMSIZ, 32 + i * IFNAMSIZ)).replace(/\0.*$/s, ''));
    expect(kinds).toContain(c.subject.kind);
  },
  'it comes and goes, each is announced, and there is one of a name'(c) {
    c.messages();
    const other = c.create();
    expect(names(c)).toContain(other.name);
    expect(c.refusal(SIOCIFCREATE, ifreq(other.name))).toBe('EEXIST');
    const { index } = other;
    c.destroy(other.name);
    expect(names(c)).not.toContain(other.name);
    expect(c.refusal(SIOCIFDESTROY, ifreq(other.name))).toBe('ENXIO');
    const announced = c.messages().filter((m) => m.type === RTM_IFANNOUNCE);
    expect(announced.map((m) => [m.name, m.index, m.what])).toEqual([[other.name, index, 0], [other.name, index, 1]]);
  },
  'names that are none are refused'(c) {
    const { kind } = c.subject;
    for (const name of [kind, `${kind}01`, `${kind}-1`, `${kind}123456`, '', '0', `nonesuch${kind}0`]) expect([name, c.refusal(SIOCIFCREATE, ifreq(name))]).toEqual([name, 'EINVAL']);
  },
  'units need not be the next ones, and indices are used again'(c) {
    const name = `${c.subject.kind}77`;
    c.ioctl(SIOCIFCREATE, ifreq(name));
    const { index } = c.net.ifByName(name)!;
    c.destroy(name);
    const other = c.create();
    expect(other.index).toBe(index);
  },
  'many are made and taken away, and all memory is back'(c) {
    const round = (): number => {
      const made = Array.from({ length: 20 }, () => c.create().name);
      for (const name of made) c.ioctl(SIOCSIFFLAGS, upRequest(name));
      for (const name of made) c.destroy(name);
      c.messages();
      c.net.mbufs.reclaim();
      return c.k.mem.used;
    };
    const used = round();
    expect([round(), round()]).toEqual([used, used]);
  },
  'up is running and down is not; each is told, once'(c) {
    const base = c.flags() & IFF_CANTCHANGE & ~IFF_RUNNING;
    c.messages();
    c.up();
    expect(c.flags() & (IFF_UP | IFF_RUNNING)).toBe(IFF_UP | IFF_RUNNING);
    c.up();
    c.down();
    expect(c.flags() & (IFF_UP | IFF_RUNNING)).toBe(0);
    c.down();
    expect(c.flags() & IFF_CANTCHANGE).toBe(base);
    const told = c.messages().filter((m) => m.type === RTM_IFINFO && m.index === c.ifp.index);
    expect(told.map((m) => m.flags & IFF_UP)).toEqual([IFF_UP, 0]);
  },
  'flags that are the interface\'s nature cannot be changed'(c) {
    const before = c.flags();
    c.setFlags(before ^ (IFF_BROADCAST | IFF_POINTOPOINT | IFF_MULTICAST | IFF_LOOPBACK | IFF_RUNNING));
    expect(c.flags()).toBe(before);
  },
  'it goes up and down a hundred times and still works'(c) {
    for (let i = 0; i < 100; i++) {
      c.up();
      c.send(pattern(20, i));
      c.down();
    }
    c.up();
    c.subject.advance();
    c.subject.wire?.sent();
    c.got.length = 0;
    c.sendNow(pattern(20));
    expect([c.got.length, c.subject.wire?.sent().length]).toEqual(c.subject.wire === undefined ? [1, undefined] : [0, 1]);
  },
  'it goes while it is up, with addresses, routes and sockets, and they go too'(c) {
    c.up();
    const { ifp } = c;
    const ia = address(c, 1);
    address(c, 3);
    const far = c.nexthop(0).set(AF_INET, 0x0b00_0000, 0, 0, 0);
    c.k.run(() => c.net.rtAdd(new Rtentry(prefixOf(far, 8), 8, c.nexthop(9), ifp, ia, RTF_UP | RTF_GATEWAY)));
    const listener = c.route();
    c.messages(listener);
    c.destroy(ifp.name);
    expect([...c.net.rtable(AF_INET)].length).toBe(0);
    expect(ifp.addrs).toEqual([]);
    const told = c.messages(listener).map((m) => m.type);
    expect(told.filter((type) => type === RTM_DELADDR)).toHaveLength(2);
    expect(told.at(-1)).toBe(RTM_IFANNOUNCE);
    expect(c.refusal(SIOCGIFFLAGS, ifreq(ifp.name))).toBe('ENXIO');
  },
  'addresses are announced, listed, and go one by one'(c) {
    c.up();
    c.messages();
    const first = address(c, 1);
    address(c, 3);
    expect(codeOf(() => address(c, 3))).toBe('EEXIST');
    const list = new Uint8Array(16 + 144 * 20);
    putU32le(list, 0, list.length - 16);
    c.ioctl(SIOCGIFCONF, list);
    const mine = Array.from({ length: getU32le(list, 0) / 144 }, (_, i) => list.subarray(16 + 144 * i, 160 + 144 * i)).filter((record) => String.fromCharCode(...record.subarray(0, c.ifp.name.length + 1)) === `${c.ifp.name}\0`);
    expect(mine.map((record) => (record[17] === AF_INET ? record[23] : 'link'))).toEqual(['link', 1, 3]);
    c.k.run(() => c.net.addrDel(first));
    expect(codeOf(() => c.k.run(() => c.net.addrDel(first)))).toBe('EADDRNOTAVAIL');
    expect(c.messages().map((m) => m.type)).toEqual(expect.arrayContaining([RTM_NEWADDR, RTM_NEWADDR, RTM_DELADDR]));
    expect(c.ifp.addrs).toHaveLength(1);
  },
};

function upRequest(name: string): Uint8Array {
  const data = ifreq(name);
  putU16le(data, 16, IFF_UP);
  return data;
}

export const commands: Cases = {
  'its index and its metric'(c) {
    expect(getU32le(c.ioctl(SIOCGIFINDEX, ifreq(c.ifp.name)), 16)).toBe(c.ifp.index);
    const data = ifreq(c.ifp.name);
    putU32le(data, 16, 5);
    c.ioctl(SIOCSIFMETRIC, data);
    expect(getU32le(c.ioctl(SIOCGIFMETRIC, ifreq(c.ifp.name)), 16)).toBe(5);
  },
  'an interface that is not there is ENXIO'(c) {
    for (const cmd of [SIOCGIFFLAGS, SIOCGIFMTU, SIOCGIFDATA, SIOCIFDESTROY]) expect(c.refusal(cmd, ifreq(`${c.subject.kind}999`, 200))).toBe('ENXIO');
  },
  'less than the whole record is EFAULT'(c) {
    for (const cmd of [SIOCGIFFLAGS, SIOCGIFMTU, SIOCGIFDATA, SIOCSIFFLAGS]) expect(c.refusal(cmd, new Uint8Array(15))).toBe('EFAULT');
  },
  'changes are the superuser\'s'(c) {
    const user = c.k.newproc({ uid: 1000 });
    for (const cmd of [SIOCSIFFLAGS, SIOCSIFMTU, SIOCSIFMETRIC, SIOCSIFCAP, SIOCIFCREATE, SIOCIFDESTROY, SIOCADDMULTI, SIOCZIFDATA]) {
      expect(c.refusal(cmd, ifreq(c.ifp.name, 200), user)).toBe('EPERM');
    }
    expect(c.refusal(SIOCGIFFLAGS, ifreq(c.ifp.name), user)).toBe('ok');
    expect(c.net.ifByName(c.ifp.name)).toBe(c.ifp);
  },
  'a command that is nobody\'s is refused, and harms nothing'(c) {
    for (const n of [1, 200, 255]) expect(['ENOTTY', 'EOPNOTSUPP', 'EINVAL']).toContain(c.refusal(_IOW('i', n, 144), ifreq(c.ifp.name)));
    c.up();
    expect(c.send(pattern(20))).toBe(0);
  },
  'an MTU within its limits is taken, and others are EINVAL and change nothing'(c) {
    const { mtuMax } = c.ifp;
    for (const mtu of [72, 576, mtuMax]) {
      c.setMtu(mtu);
      expect(c.mtu()).toBe(mtu);
    }
    for (const mtu of [0, 71, mtuMax + 1, 0xffff_ffff]) expect(c.refusal(SIOCSIFMTU, c.mtuRequest(mtu))).toBe('EINVAL');
    expect(c.mtu()).toBe(mtuMax);
  },
};
