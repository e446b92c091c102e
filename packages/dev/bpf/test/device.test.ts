/** The device as programs see it: packets of a pair of Ethernet interfaces, and of loopback. */
import { getU32le, getU64le, putU32le, putU64le } from '@anykernel/lib-bytes';
import {
  AF_INET, BIOCFLUSH, BIOCGBLEN, BIOCGDLT, BIOCGDLTLIST, BIOCGETIF, BIOCGHDRCMPLT, BIOCGRTIMEOUT, BIOCGSTATS, BIOCIMMEDIATE, BIOCLOCK, BIOCPROMISC, BIOCSBLEN,
  BIOCSDIRECTION, BIOCSDLT, BIOCSETF, BIOCSETIF, BIOCSETWF, BIOCSFEEDBACK, BIOCSHDRCMPLT, BIOCSRTIMEOUT, BIOCVERSION, BPF_ABS, BPF_D_IN, BPF_D_OUT, BPF_H,
  BPF_JEQ, BPF_JMP, BPF_JUMP, BPF_K, BPF_LD, BPF_RET, BPF_STMT, BPF_STAT_LEN, DLT_EN10MB, DLT_NULL, DLT_RAW, EVFILT_READ, EVFILT_WRITE, EV_ADD, FIONREAD, IFF_UP,
  IFREQ_LEN, Kevent, O_NONBLOCK, O_RDONLY, O_RDWR, POLLIN, POLLRDNORM, SOCK_DGRAM, bpfPackets, bpfProgram, ifreq, ifreqName, linkParse, sockaddrIn,
} from '@anykernel/lib-sys';
import { Sim } from '@anykernel/host-sim';
import { type Ifnet, etherIf, net, wantsAll } from '@anykernel/net';
import { netinet } from '@anykernel/netinet';
import { type Kernel, type Proc, boot } from '@anykernel/rumpkern';
import { rumpvfs } from '@anykernel/rumpvfs';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { bpf } from '../src/index.js';

const code = (name: string) => expect.objectContaining({ code: name });
const MINE = linkParse('02:00:00:00:00:01') as Uint8Array;
const OTHER = linkParse('02:00:00:00:00:02') as Uint8Array;
const BLEN = 4096;

let k: Kernel;
let sim: Sim;
let p: Proc;
let e0: Ifnet;
let sent: Uint8Array[];

beforeEach(() => {
  sim = new Sim();
  k = boot(sim.host(), [netinet, rumpvfs, bpf]);
  p = k.newproc();
  sent = [];
  const state = k.modules.use(net);
  e0 = etherIf(k, state, 'e0', {
    start: (ifp) => {
      for (let m = ifp.snd.dequeue(); m !== undefined; m = ifp.snd.dequeue()) {
        sent.push(ifp.mbufs.toBytes(m));
        ifp.mbufs.free(m);
      }
    },
  }, { lladdr: MINE });
  k.run(() => {
    state.ifattach(e0);
    state.setFlags(e0, e0.flags | IFF_UP);
  });
});

afterEach(() => {
  const { mbufs } = e0;
  k.run(() => {});
  expect(mbufs.used).toBe(0);
  k.halt();
});

function frame(to: Uint8Array, from: Uint8Array, type: number, payload: readonly number[]): Uint8Array {
  return Uint8Array.of(...to, ...from, type >>> 8, type & 255, ...payload);
}

/** A frame of a type that nobody serves comes in. */
function arrive(...payload: number[]): Uint8Array {
  const bytes = frame(MINE, OTHER, 0x88b5, payload);
  k.intr(() => e0.input(e0.mbufs.fromBytes(bytes)));
  return bytes;
}

const int = (value: number): Uint8Array => {
  const b = new Uint8Array(4);
  putU32le(b, 0, value);
  return b;
};

function ioctl(fd: number, cmd: number, data?: Uint8Array): Uint8Array {
  p.sys.ioctl(fd, cmd, data);
  return data ?? new Uint8Array(0);
}

/** A descriptor that listens to e0, with buffers of BLEN. */
function listen({ name = 'e0', flags = O_RDWR | O_NONBLOCK, immediate = true } = {}): number {
  const fd = p.sys.open('/dev/bpf', flags);
  ioctl(fd, BIOCSBLEN, int(BLEN));
  ioctl(fd, BIOCSETIF, ifreq(name));
  if (immediate) ioctl(fd, BIOCIMMEDIATE, int(1));
  return fd;
}

function read(fd: number) {
  const b = new Uint8Array(BLEN);
  return bpfPackets(b.subarray(0, p.sys.read(fd, b)));
}

describe('reading', () => {
  test('gives what passed the interface, whole, with the time and the length; network headers begin at words', () => {
    const fd = listen();
    const first = arrive(1, 2, 3);
    const second = arrive(4);
    const b = new Uint8Array(BLEN);
    const packets = bpfPackets(b.subarray(0, p.sys.read(fd, b)));
    expect(packets.map(({ data }) => data)).toEqual([first, second]);
    expect(packets.map(({ len }) => len)).toEqual([17, 15]);
    const now = { sec: 0, nsec: 0 };
    k.wall(now);
    expect(packets[0].sec).toBe(now.sec);
    expect((b[24] + 14) % 8).toBe(0);
    expect(() => read(fd)).toThrow(code('EAGAIN'));
  });

  test('each open is its own', () => {
    const one = listen();
    const two = listen();
    arrive(1);
    expect(read(one)).toHaveLength(1);
    expect(read(two)).toHaveLength(1);
    p.sys.close(one);
    arrive(2);
    expect(read(two)).toHaveLength(1);
  });

  test('has to ask for a whole buffer', () => {
    const fd = listen();
    arrive(1);
    expect(() => p.sys.read(fd, new Uint8Array(BLEN - 1))).toThrow(code('EINVAL'));
  });

  test('waits for a packet with BIOCIMMEDIATE, and for a full buffer without', async () => {
    const quick = listen({ flags: O_RDONLY });
    const slow = listen({ flags: O_RDONLY, immediate: false });
    const b = new Uint8Array(BLEN);
    const soon = p.call.read(quick, b);
    let done = false;
    const full = new Uint8Array(BLEN);
    const later = p.call.read(slow, full).then((n) => {
      done = true;
      return n;
    });
    arrive(1);
    expect(bpfPackets(b.subarray(0, await soon))).toHaveLength(1);
    expect(done).toBe(false);
    for (let i = 0; i < 90; i++) arrive(i);
    expect(bpfPackets(full.subarray(0, await later)).length).toBeGreaterThan(70);
  });

  test('ends with BIOCSRTIMEOUT: with what there is, or nothing', async () => {
    const fd = listen({ flags: O_RDONLY, immediate: false });
    const wait = new Uint8Array(16);
    putU64le(wait, 8, 250_000);
    ioctl(fd, BIOCSRTIMEOUT, wait);
    expect(ioctl(fd, BIOCGRTIMEOUT, new Uint8Array(16))).toEqual(wait);
    const b = new Uint8Array(BLEN);
    const from = k.mono();
    expect(await sim.settle(p.call.read(fd, b))).toBe(0);
    expect(k.mono() - from).toBe(250e6);
    const something = p.call.read(fd, b);
    arrive(1);
    expect(bpfPackets(b.subarray(0, await sim.settle(something)))).toHaveLength(1);
    expect(k.mono() - from).toBe(500e6);
  });

  test('drops and counts what there is no room for', () => {
    const fd = listen();
    for (let i = 0; i < 200; i++) arrive(i);
    const stats = ioctl(fd, BIOCGSTATS, new Uint8Array(BPF_STAT_LEN));
    const [received, dropped, captured] = [0, 8, 16].map((at) => getU64le(stats, at));
    expect([received, captured]).toEqual([200, 200]);
    expect(dropped).toBeGreaterThan(0);
    expect(read(fd).length + read(fd).length + dropped).toBe(200);
  });

  test('FIONREAD says how much there is, BIOCFLUSH forgets it', () => {
    const fd = listen();
    arrive(1);
    expect(getU32le(ioctl(fd, FIONREAD, int(0)), 0)).toBeGreaterThan(26);
    ioctl(fd, BIOCFLUSH);
    expect(getU32le(ioctl(fd, FIONREAD, int(0)), 0)).toBe(0);
    expect(() => read(fd)).toThrow(code('EAGAIN'));
  });

  test('before there is an interface, and after it has gone: ENXIO', () => {
    const fd = p.sys.open('/dev/bpf', O_RDWR | O_NONBLOCK);
    ioctl(fd, BIOCSBLEN, int(BLEN));
    expect(() => read(fd)).toThrow(code('ENXIO'));
    expect(() => p.sys.write(fd, new Uint8Array(20))).toThrow(code('ENXIO'));
    ioctl(fd, BIOCSETIF, ifreq('e0'));
    arrive(1);
    k.run(() => k.modules.use(net).ifdetach(e0));
    expect(read(fd)).toHaveLength(1);
    expect(() => read(fd)).toThrow(code('ENXIO'));
  });
});

describe('a filter', () => {
  const only = (type: number, bytes: number) =>
    bpfProgram([
      BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, type, 0, 1), BPF_STMT(BPF_RET | BPF_K, bytes), BPF_STMT(BPF_RET | BPF_K, 0),
    ]);

  test('chooses packets, and how much of them', () => {
    const fd = listen();
    ioctl(fd, BIOCSETF, only(0x88b5, 15));
    const wanted = arrive(7, 8, 9);
    k.intr(() => e0.input(e0.mbufs.fromBytes(frame(MINE, OTHER, 0x88b6, [1]))));
    const [packet, ...others] = read(fd);
    expect(others).toEqual([]);
    expect([packet.data, packet.len]).toEqual([wanted.subarray(0, 15), 17]);
  });

  test('that is none is refused, and the one before stays', () => {
    const fd = listen();
    ioctl(fd, BIOCSETF, only(0x9999, 1));
    expect(() => ioctl(fd, BIOCSETF, bpfProgram([BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12)]))).toThrow(code('EINVAL'));
    expect(() => ioctl(fd, BIOCSETF, only(1, 1).subarray(0, 24))).toThrow(code('EINVAL'));
    expect(() => ioctl(fd, BIOCSETF, new Uint8Array(8))).toThrow(code('EFAULT'));
    arrive(1);
    expect(() => read(fd)).toThrow(code('EAGAIN'));
    ioctl(fd, BIOCSETF, bpfProgram([]));
    arrive(1);
    expect(read(fd)).toHaveLength(1);
  });

  test('of BIOCSETWF says what may be written', () => {
    const fd = listen();
    ioctl(fd, BIOCSETWF, only(0x88b5, 1));
    expect(() => p.sys.write(fd, frame(OTHER, MINE, 0x88b6, [1]))).toThrow(code('EPERM'));
    expect(p.sys.write(fd, frame(OTHER, MINE, 0x88b5, [1]))).toBe(15);
    expect(sent).toHaveLength(1);
  });
});

describe('writing', () => {
  test('sends a frame, with our source address or with its own', () => {
    const fd = listen();
    expect(p.sys.write(fd, frame(OTHER, new Uint8Array(6), 0x88b5, [1, 2]))).toBe(16);
    expect(getU32le(ioctl(fd, BIOCGHDRCMPLT, int(9)), 0)).toBe(0);
    ioctl(fd, BIOCSHDRCMPLT, int(1));
    p.sys.write(fd, frame(OTHER, OTHER, 0x88b5, [3]));
    expect(sent).toEqual([frame(OTHER, MINE, 0x88b5, [1, 2]), frame(OTHER, OTHER, 0x88b5, [3])]);
  });

  test('no frame that is too short or too long, and none while the interface is down', () => {
    const fd = listen();
    expect(() => p.sys.write(fd, new Uint8Array(13))).toThrow(code('EMSGSIZE'));
    expect(() => p.sys.write(fd, new Uint8Array(1515))).toThrow(code('EMSGSIZE'));
    expect(p.sys.write(fd, new Uint8Array(1514))).toBe(1514);
    k.run(() => k.modules.use(net).setFlags(e0, e0.flags & ~IFF_UP));
    expect(() => p.sys.write(fd, new Uint8Array(20))).toThrow(code('ENETDOWN'));
  });

  test('is seen by those who want what goes; with BIOCSFEEDBACK it comes in, too', () => {
    const outward = listen();
    const inward = listen();
    ioctl(outward, BIOCSDIRECTION, int(BPF_D_OUT));
    ioctl(inward, BIOCSDIRECTION, int(BPF_D_IN));
    p.sys.write(outward, frame(OTHER, MINE, 0x88b5, [1]));
    expect(read(outward)).toHaveLength(1);
    expect(() => read(inward)).toThrow(code('EAGAIN'));
    ioctl(outward, BIOCSFEEDBACK, int(1));
    p.sys.write(outward, frame(OTHER, MINE, 0x88b5, [1]));
    expect(read(inward)).toHaveLength(1);
    expect(() => ioctl(inward, BIOCSDIRECTION, int(3))).toThrow(code('EINVAL'));
  });
});

test('poll and kqueue tell when there is something to read', () => {
  const fd = listen();
  const kq = p.sys.kqueue();
  const fds = [{ fd, events: POLLIN | POLLRDNORM, revents: 0 }];
  const none = { sec: 0, nsec: 0 };
  const event = new Kevent(fd, EVFILT_READ);
  expect(() => p.sys.kevent(kq, [new Kevent(fd, EVFILT_WRITE, EV_ADD)], [], none)).toThrow(code('EINVAL'));
  expect(p.sys.poll(fds, 0)).toBe(0);
  expect(p.sys.kevent(kq, [new Kevent(fd, EVFILT_READ, EV_ADD)], [event], none)).toBe(0);
  arrive(1);
  expect(p.sys.poll(fds, 0)).toBe(1);
  expect(fds[0].revents).toBe(POLLIN | POLLRDNORM);
  expect(p.sys.kevent(kq, [], [event], none)).toBe(1);
  expect([event.ident, event.filter, event.data > 26]).toEqual([fd, EVFILT_READ, true]);
  read(fd);
  expect(p.sys.poll(fds, 0)).toBe(0);
  expect(p.sys.kevent(kq, [], [event], none)).toBe(0);
});

test('who polls with BIOCSRTIMEOUT hears of a buffer that is not full', async () => {
  const fd = listen({ immediate: false });
  const wait = new Uint8Array(16);
  putU64le(wait, 0, 1);
  ioctl(fd, BIOCSRTIMEOUT, wait);
  const fds = [{ fd, events: POLLIN, revents: 0 }];
  const from = k.mono();
  const polled = p.call.poll(fds, 10_000);
  arrive(1);
  expect(await sim.settle(polled)).toBe(1);
  expect(k.mono() - from).toBe(1e9);
  expect(read(fd)).toHaveLength(1);
});

test('promiscuous while one that asked for it listens', () => {
  const one = listen();
  const two = listen();
  ioctl(one, BIOCPROMISC);
  ioctl(one, BIOCPROMISC);
  ioctl(two, BIOCPROMISC);
  expect(wantsAll(e0)).toBe(true);
  const foreign = frame(OTHER, MINE, 0x0800, [1, 2, 3]);
  k.intr(() => e0.input(e0.mbufs.fromBytes(foreign)));
  expect(read(one)[0].data).toEqual(foreign);
  p.sys.close(one);
  expect(wantsAll(e0)).toBe(true);
  p.sys.close(two);
  expect(wantsAll(e0)).toBe(false);
});

test('loopback: its packets behind their family, or bare; what is written comes in', () => {
  const fd = listen({ name: 'lo0' });
  expect(getU32le(ioctl(fd, BIOCGDLT, int(9)), 0)).toBe(DLT_NULL);
  const list = new Uint8Array(24);
  putU32le(list, 0, 2);
  ioctl(fd, BIOCGDLTLIST, list);
  expect([getU32le(list, 0), getU32le(list, 16), getU32le(list, 20)]).toEqual([2, DLT_NULL, DLT_RAW]);
  const so = p.sys.socket(AF_INET, SOCK_DGRAM, 0);
  p.sys.bind(so, sockaddrIn(0x7f00_0001, 4000));
  p.sys.sendto(so, Uint8Array.of(1, 2, 3), 0, sockaddrIn(0x7f00_0001, 4000));
  const [{ data }] = read(fd);
  expect([getU32le(data, 0), data[4], data.length]).toEqual([AF_INET, 0x45, 4 + 20 + 8 + 3]);
  p.sys.recvfrom(so, new Uint8Array(10), 0);
  p.sys.write(fd, data);
  expect(p.sys.recvfrom(so, new Uint8Array(10), 0)).toBe(3);
  ioctl(fd, BIOCSDLT, int(DLT_RAW));
  p.sys.write(fd, data.subarray(4));
  expect(read(fd)[0].data).toEqual(data.subarray(4));
  expect(() => ioctl(fd, BIOCSDLT, int(DLT_EN10MB))).toThrow(code('EINVAL'));
  expect(p.sys.recvfrom(so, new Uint8Array(10), 0)).toBe(3);
  ioctl(fd, BIOCSDLT, int(DLT_NULL));
  expect(() => p.sys.write(fd, Uint8Array.of(99, 0, 0, 0, 1))).toThrow(code('EAFNOSUPPORT'));
});

describe('settings', () => {
  test('the size of buffers has bounds, and stays once there is an interface', () => {
    const fd = p.sys.open('/dev/bpf', O_RDWR);
    expect(getU32le(ioctl(fd, BIOCGBLEN, int(0)), 0)).toBe(32_768);
    expect(getU32le(ioctl(fd, BIOCSBLEN, int(1)), 0)).toBe(32);
    expect(getU32le(ioctl(fd, BIOCSBLEN, int(0xffff_ffff)), 0)).toBe(1 << 20);
    const before = k.mem.used;
    ioctl(fd, BIOCSETIF, ifreq('e0'));
    expect(k.mem.used - before).toBe(2 << 20);
    expect(() => ioctl(fd, BIOCSBLEN, int(4096))).toThrow(code('EINVAL'));
    p.sys.close(fd);
    expect(k.mem.used).toBe(before);
  });

  test('the interface, the version', () => {
    const fd = p.sys.open('/dev/bpf', O_RDWR);
    expect(() => ioctl(fd, BIOCSETIF, ifreq('nix0'))).toThrow(code('ENXIO'));
    expect(() => ioctl(fd, BIOCGETIF, new Uint8Array(IFREQ_LEN))).toThrow(code('EINVAL'));
    expect(() => ioctl(fd, BIOCPROMISC)).toThrow(code('EINVAL'));
    ioctl(fd, BIOCSETIF, ifreq('e0'));
    expect(ifreqName(ioctl(fd, BIOCGETIF, new Uint8Array(IFREQ_LEN)))).toBe('e0');
    expect(ioctl(fd, BIOCVERSION, new Uint8Array(4))).toEqual(Uint8Array.of(1, 0, 1, 0));
    expect(() => ioctl(fd, 0x4004_4200, int(0))).toThrow(code('ENOTTY'));
  });

  test('BIOCLOCK: nothing can be changed any more', () => {
    const fd = listen();
    ioctl(fd, BIOCLOCK);
    expect(() => ioctl(fd, BIOCSETIF, ifreq('lo0'))).toThrow(code('EPERM'));
    expect(() => ioctl(fd, BIOCSETF, bpfProgram([]))).toThrow(code('EPERM'));
    arrive(1);
    expect(read(fd)).toHaveLength(1);
  });

  test('net.bpf in sysctl', () => {
    k.sysctl.set('net.bpf.maxbufsize', 8192);
    const fd = p.sys.open('/dev/bpf', O_RDWR);
    expect(getU32le(ioctl(fd, BIOCSBLEN, int(100_000)), 0)).toBe(8192);
    ioctl(fd, BIOCSETIF, ifreq('e0'));
    arrive(1);
    expect(k.sysctl.get('net.bpf.stats.capt')).toBe(1);
    expect(() => k.sysctl.set('net.bpf.maxbufsize', 1)).toThrow(code('EINVAL'));
  });
});

test('the device is the superuser’s, and leaves when nobody has it open', () => {
  const fd = p.sys.open('/dev/bpf', O_RDWR);
  expect(p.sys.fstat(fd).mode & 0o777).toBe(0o600);
  const user = k.newproc({ uid: 100, gid: 100 });
  expect(() => user.sys.open('/dev/bpf', O_RDONLY)).toThrow(code('EACCES'));
  expect(() => k.modunload('bpf')).toThrow(code('EBUSY'));
  p.sys.close(fd);
  k.modunload('bpf');
  expect(() => p.sys.open('/dev/bpf', O_RDWR)).toThrow(code('ENOENT'));
});
