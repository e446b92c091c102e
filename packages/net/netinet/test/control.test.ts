/** The ioctls of interface addresses, inet(4) and netintro(4): on Ethernet, and on a point-to-point link. */
import { getI32be, getU16le } from '@anykernel/lib-bytes';
import {
  AF_INET, AF_INET6, IFALIASREQ_LEN, IFF_UP, PF_ROUTE, RTM_DELADDR, RTM_NEWADDR, SIOCAIFADDR, SIOCDIFADDR, SIOCGIFADDR, SIOCGIFALIAS, SIOCGIFBRDADDR,
  SIOCGIFDSTADDR, SIOCGIFFLAGS, SIOCGIFNETMASK, SIOCSIFADDR, SIOCSIFBRDADDR, SIOCSIFDSTADDR, SIOCSIFNETMASK, SOCK_DGRAM, SOCK_RAW, SOCK_NONBLOCK, ifreq, inetParse, inetText, sockaddrIn,
} from '@anykernel/lib-sys';
import { hostSim } from '@anykernel/host-sim';
import { type Kernel, type Proc, boot } from '@anykernel/rumpkern';
import { shmif } from '@anykernel/shmif';
import { netinet } from '../src/index.js';
import { code } from './drill.js';
import { A_ADDR, B_ADDR, pairOf } from './world.js';

let k: Kernel;
let p: Proc;
let fd: number;
const NAME = 'shmif0';
beforeEach(() => {
  k = boot(hostSim(), [netinet, shmif]);
  k.modules.use(shmif).create('lan');
  p = k.newproc();
  fd = p.sys.socket(AF_INET, SOCK_DGRAM, 0);
});
afterEach(() => k.halt());

function ip(text: string): Uint8Array {
  return sockaddrIn(inetParse(text) as number);
}

/** struct ifreq with an address. */
function request(text = '', name = NAME): Uint8Array {
  const data = ifreq(name);
  if (text !== '') data.set(ip(text), 16);
  return data;
}

/** struct ifaliasreq. */
function aliasRequest(addr: string, mask = '', other = '', name = NAME): Uint8Array {
  const data = ifreq(name, IFALIASREQ_LEN);
  data.set(ip(addr), 16);
  if (other !== '') data.set(ip(other), 32);
  if (mask !== '') data.set(ip(mask), 48);
  return data;
}

function ioctl(cmd: number, data: Uint8Array): Uint8Array {
  p.sys.ioctl(fd, cmd, data);
  return data;
}

function refusal(cmd: number, data: Uint8Array): string {
  return code(() => p.sys.ioctl(fd, cmd, data));
}

/** The address that a request is answered with. */
function asked(cmd: number, data = request()): string {
  return inetText(getI32be(ioctl(cmd, data), 20) >>> 0);
}

function addresses(): string[] {
  const ifp = k.modules.use(netinet).net.ifByName(NAME)!;
  return ifp.addrs.map((ia) => `${inetText(ia.addr.w0 >>> 0)}/${ia.prefixLen}`);
}

describe('on Ethernet', () => {
  test('SIOCAIFADDR gives addresses, one beside the other, and brings the interface up', () => {
    ioctl(SIOCAIFADDR, aliasRequest('10.0.0.1', '255.255.255.0'));
    ioctl(SIOCAIFADDR, aliasRequest('10.0.0.2', '255.255.255.0'));
    ioctl(SIOCAIFADDR, aliasRequest('192.168.1.1'));
    expect(addresses()).toEqual(['10.0.0.1/24', '10.0.0.2/24', '192.168.1.1/24']);
    expect(getU16le(ioctl(SIOCGIFFLAGS, ifreq(NAME)), 16) & IFF_UP).toBe(IFF_UP);
  });
  test('and once more with another mask it has that one', () => {
    ioctl(SIOCAIFADDR, aliasRequest('10.0.0.1', '255.255.255.0'));
    ioctl(SIOCAIFADDR, aliasRequest('10.0.0.1', '255.255.0.0', '10.0.9.255'));
    expect([addresses(), asked(SIOCGIFBRDADDR)]).toEqual([['10.0.0.1/16'], '10.0.9.255']);
  });
  test('SIOCDIFADDR takes one away, and the routes with it', () => {
    ioctl(SIOCAIFADDR, aliasRequest('10.0.0.1', '255.255.255.0'));
    ioctl(SIOCAIFADDR, aliasRequest('10.1.0.1', '255.255.255.0'));
    ioctl(SIOCDIFADDR, request('10.0.0.1'));
    expect(addresses()).toEqual(['10.1.0.1/24']);
    expect(refusal(SIOCDIFADDR, request('10.0.0.1'))).toBe('EADDRNOTAVAIL');
    const { rtable } = k.modules.use(netinet).ip;
    expect([rtable.lookup(inetParse('10.0.0.9') as number), rtable.lookup(inetParse('10.1.0.9') as number)?.ifp.name]).toEqual([undefined, NAME]);
  });
  test('SIOCSIFADDR puts one in the place of the first, with the mask of its class', () => {
    ioctl(SIOCAIFADDR, aliasRequest('10.0.0.1', '255.255.255.0'));
    ioctl(SIOCAIFADDR, aliasRequest('10.0.0.2', '255.255.255.0'));
    ioctl(SIOCSIFADDR, request('172.16.0.1'));
    expect(addresses()).toEqual(['10.0.0.2/24', '172.16.0.1/16']);
    expect(refusal(SIOCSIFADDR, request('172.16.0.1'))).toBe('EEXIST');
  });
  test('SIOCGIFADDR, NETMASK and BRDADDR tell of the first, or of the one that is named', () => {
    ioctl(SIOCAIFADDR, aliasRequest('10.0.0.1', '255.255.255.0'));
    ioctl(SIOCAIFADDR, aliasRequest('10.9.0.1', '255.255.0.0'));
    expect([asked(SIOCGIFADDR), asked(SIOCGIFNETMASK), asked(SIOCGIFBRDADDR)]).toEqual(['10.0.0.1', '255.255.255.0', '10.0.0.255']);
    expect([asked(SIOCGIFNETMASK, request('10.9.0.1')), asked(SIOCGIFBRDADDR, request('10.9.0.1'))]).toEqual(['255.255.0.0', '10.9.255.255']);
    const alias = aliasRequest('10.9.0.1');
    ioctl(SIOCGIFALIAS, alias);
    expect([inetText(getI32be(alias, 36) >>> 0), inetText(getI32be(alias, 52) >>> 0)]).toEqual(['10.9.255.255', '255.255.0.0']);
  });
  test('SIOCSIFNETMASK and SIOCSIFBRDADDR change the first', () => {
    ioctl(SIOCAIFADDR, aliasRequest('10.0.0.1', '255.255.255.0'));
    ioctl(SIOCSIFNETMASK, request('255.255.240.0'));
    ioctl(SIOCSIFBRDADDR, request('10.0.0.63'));
    expect([addresses(), asked(SIOCGIFBRDADDR)]).toEqual([['10.0.0.1/20'], '10.0.0.63']);
  });
  test('there is no other end', () => {
    ioctl(SIOCAIFADDR, aliasRequest('10.0.0.1', '255.255.255.0'));
    expect([refusal(SIOCGIFDSTADDR, request()), refusal(SIOCSIFDSTADDR, request('10.0.0.2'))]).toEqual(['EINVAL', 'EINVAL']);
  });
  test.each([
    ['everybody', '255.255.255.255', '255.255.255.0', 'EINVAL'],
    ['nobody', '0.0.0.0', '255.255.255.0', 'EINVAL'],
    ['a group', '224.0.0.5', '255.255.255.0', 'EINVAL'],
    ['a mask with a hole', '10.0.0.1', '255.0.255.0', 'EINVAL'],
  ])('%s is refused, and nothing has changed', (_what, addr, mask, error) => {
    ioctl(SIOCAIFADDR, aliasRequest('10.0.0.9', '255.255.255.0'));
    expect([refusal(SIOCAIFADDR, aliasRequest(addr, mask)), addresses()]).toEqual([error, ['10.0.0.9/24']]);
  });
  test('an address of another family is EAFNOSUPPORT, an interface that is not there ENXIO, no address EADDRNOTAVAIL, too little EFAULT', () => {
    const other = aliasRequest('10.0.0.1', '255.0.0.0');
    other[17] = AF_INET6;
    const none = [SIOCGIFADDR, SIOCGIFNETMASK, SIOCGIFBRDADDR, SIOCGIFDSTADDR].map((cmd) => refusal(cmd, request()));
    expect([refusal(SIOCAIFADDR, other), refusal(SIOCGIFADDR, request('', 'shmif9')), refusal(SIOCAIFADDR, new Uint8Array(20))]).toEqual(['EAFNOSUPPORT', 'ENXIO', 'EFAULT']);
    expect(new Set(none)).toEqual(new Set(['EADDRNOTAVAIL']));
  });
  test('changes are the superuser\'s', () => {
    const user = k.newproc({ uid: 1000 });
    const own = user.sys.socket(AF_INET, SOCK_DGRAM, 0);
    for (const cmd of [SIOCSIFADDR, SIOCAIFADDR, SIOCDIFADDR, SIOCSIFNETMASK, SIOCSIFBRDADDR, SIOCSIFDSTADDR]) {
      expect(code(() => user.sys.ioctl(own, cmd, request('10.0.0.1')))).toBe('EPERM');
    }
    expect(addresses()).toEqual([]);
  });
  test('the routing socket tells of each', () => {
    const ear = p.sys.socket(PF_ROUTE, SOCK_RAW | SOCK_NONBLOCK, 0);
    ioctl(SIOCAIFADDR, aliasRequest('10.0.0.1', '255.255.255.0'));
    ioctl(SIOCDIFADDR, request('10.0.0.1'));
    const types: number[] = [];
    const b = new Uint8Array(2048);
    while (code(() => p.sys.read(ear, b)) === 'ok') types.push(b[3]!);
    expect(types.filter((type) => type === RTM_NEWADDR || type === RTM_DELADDR)).toEqual([RTM_NEWADDR, RTM_DELADDR]);
  });
  test('the interface goes, and sockets that are bound to its addresses stay and find no way', () => {
    ioctl(SIOCAIFADDR, aliasRequest('10.0.0.1', '255.255.255.0'));
    p.sys.bind(fd, sockaddrIn(inetParse('10.0.0.1') as number, 7));
    k.run(() => k.modules.use(netinet).net.destroy(NAME));
    expect(code(() => p.sys.sendto(fd, Uint8Array.of(1), 0, sockaddrIn(inetParse('10.0.0.2') as number, 7)))).toBe('EHOSTUNREACH');
    p.sys.close(fd);
    fd = p.sys.socket(AF_INET, SOCK_DGRAM, 0);
    expect(code(() => p.sys.bind(fd, sockaddrIn(inetParse('10.0.0.1') as number, 7)))).toBe('EADDRNOTAVAIL');
  });
});

test('on a point-to-point link there is another end, and no broadcast', () => {
  const { a } = pairOf(1);
  const own = a.p.sys.socket(AF_INET, SOCK_DGRAM, 0);
  const ask = (cmd: number): string => {
    const data = ifreq('wire0');
    return code(() => a.p.sys.ioctl(own, cmd, data)) === 'ok' ? inetText(getI32be(data, 20) >>> 0) : code(() => a.p.sys.ioctl(own, cmd, data));
  };
  expect([ask(SIOCGIFADDR), ask(SIOCGIFDSTADDR), ask(SIOCGIFBRDADDR)]).toEqual([inetText(A_ADDR), inetText(B_ADDR), 'EINVAL']);
  const data = ifreq('wire0');
  data.set(ip('10.0.0.77'), 16);
  a.p.sys.ioctl(own, SIOCSIFDSTADDR, data);
  expect([ask(SIOCGIFADDR), ask(SIOCGIFDSTADDR)]).toEqual([inetText(A_ADDR), '10.0.0.77']);
  expect(a.inet.ip.rtable.lookup(inetParse('10.0.0.77') as number)?.ifp.name).toBe('wire0');
  a.k.halt();
});
