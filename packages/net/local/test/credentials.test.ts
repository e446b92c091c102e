import { describe, expect, test } from '@jest/globals';
import {
  INT_LEN, LOCAL_CONNWAIT, LOCAL_CREDS, LOCAL_PEEREID, SCM_CREDS, SOCK_DGRAM, SOCK_STREAM, SOL_LOCAL, SOL_SOCKET, UNPCBID_LEN, intBytes, parseCmsgs, parseKinfoPcbs, parseSockaddrUn, parseSockcred, parseUnpcbid,
  rightsCmsg, rightsIn, sockaddrUn,
} from '@anykernel/lib-sys';
import { hostSim } from '@anykernel/host-sim';
import { type Proc, boot } from '@anykernel/rumpkern';
import { rumpnet } from '@anykernel/rumpnet';
import { local } from '../src/index.js';
import { Rig, bytes, codeOf, recvmsg } from './help.js';

function peer(p: Proc, fd: number): unknown {
  const value = new Uint8Array(UNPCBID_LEN);
  p.sys.getsockopt(fd, SOL_LOCAL, LOCAL_PEEREID, value);
  return parseUnpcbid(value);
}

function creds(control: Uint8Array): unknown {
  const one = parseCmsgs(control)?.find((c) => c.level === SOL_SOCKET && c.type === SCM_CREDS);
  return one === undefined ? undefined : parseSockcred(one.data);
}

describe('credentials', () => {
  test('of the peer: who connected, and who listens', () => {
    const rig = new Rig();
    const user = rig.k.newproc({ uid: 7, gid: 8 });
    const fd = rig.bound('/tmp/sock');
    rig.p.sys.chmod('/tmp/sock', 0o777);
    rig.p.sys.listen(fd, 1);
    const client = rig.socket(SOCK_STREAM, user);
    expect(codeOf(() => peer(user, client))).toBe('EINVAL');
    user.sys.connect(client, sockaddrUn('/tmp/sock'));
    const server = rig.p.sys.accept(fd);
    expect(peer(user, client)).toEqual({ pid: rig.p.pid, euid: 0, egid: 0 });
    expect(peer(rig.p, server)).toEqual({ pid: user.pid, euid: 7, egid: 8 });
    const [a] = rig.pair();
    expect(peer(rig.p, a)).toEqual({ pid: rig.p.pid, euid: 0, egid: 0 });
  });

  test('come with each datagram, if they are wanted', () => {
    const rig = new Rig();
    const user = rig.k.newproc({ uid: 7, gid: 8, groups: [20, 30] });
    const fd = rig.bound('/tmp/sock', SOCK_DGRAM);
    rig.p.sys.chmod('/tmp/sock', 0o777);
    const from = rig.socket(SOCK_DGRAM, user);
    const send = (): unknown => user.sys.sendto(from, bytes('x'), 0, sockaddrUn('/tmp/sock'));
    send();
    expect(recvmsg(rig.p, fd).control.length).toBe(0);
    rig.p.sys.setsockopt(fd, SOL_LOCAL, LOCAL_CREDS, intBytes(1));
    for (let i = 0; i < 2; i++) {
      send();
      expect(creds(recvmsg(rig.p, fd).control)).toEqual({ pid: user.pid, uid: 7, euid: 7, gid: 8, egid: 8, groups: [20, 30] });
    }
  });

  test('come once on a stream, also with descriptors, and accepted sockets have the option', () => {
    const rig = new Rig();
    const { sys } = rig.p;
    const fd = rig.bound('/sock');
    sys.setsockopt(fd, SOL_LOCAL, LOCAL_CREDS, intBytes(1));
    sys.listen(fd, 1);
    const client = rig.socket();
    sys.connect(client, sockaddrUn('/sock'));
    const server = sys.accept(fd);
    sys.sendmsg(client, { iov: [bytes('first')], control: rightsCmsg(client) }, 0);
    const first = recvmsg(rig.p, server);
    expect([first.text, (creds(first.control) as { pid: number }).pid, rightsIn(first.control).length]).toEqual(['first', rig.p.pid, 1]);
    sys.write(client, bytes('second'));
    expect(recvmsg(rig.p, server)).toMatchObject({ text: 'second', control: new Uint8Array(0) });
  });
});

describe('options', () => {
  test.each([['LOCAL_CREDS', LOCAL_CREDS], ['LOCAL_CONNWAIT', LOCAL_CONNWAIT]])('%s is on or off', (_name, option) => {
    const rig = new Rig();
    const fd = rig.socket();
    const get = (): number => {
      const value = new Uint8Array(INT_LEN);
      rig.p.sys.getsockopt(fd, SOL_LOCAL, option, value);
      return value[0]!;
    };
    rig.p.sys.setsockopt(fd, SOL_LOCAL, option, intBytes(1));
    const on = get();
    rig.p.sys.setsockopt(fd, SOL_LOCAL, option, intBytes(0));
    expect([on, get()]).toEqual([1, 0]);
    expect(codeOf(() => rig.p.sys.setsockopt(fd, SOL_LOCAL, option, new Uint8Array(2)))).toBe('EINVAL');
    expect(codeOf(() => rig.p.sys.setsockopt(fd, SOL_LOCAL, 99, intBytes(1)))).toBe('ENOPROTOOPT');
    expect(codeOf(() => rig.p.sys.setsockopt(fd, SOL_LOCAL, LOCAL_PEEREID, intBytes(1)))).toBe('ENOPROTOOPT');
  });

  test('LOCAL_CONNWAIT: connect waits until it is accepted', async () => {
    const rig = new Rig();
    const fd = rig.bound('/sock');
    rig.p.sys.listen(fd, 1);
    const client = rig.socket();
    rig.p.sys.setsockopt(client, SOL_LOCAL, LOCAL_CONNWAIT, intBytes(1));
    let connected = false;
    const waits = rig.p.call.connect(client, sockaddrUn('/sock')).then(() => (connected = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(connected).toBe(false);
    rig.p.sys.accept(fd);
    await waits;
    expect(connected).toBe(true);
  });
});

describe('the component', () => {
  test('is loaded for the first socket, where the host has it, and leaves when there is none left', async () => {
    const host = hostSim({ components: [local] });
    const k = boot(host, [rumpnet]);
    const p = k.newproc();
    const fd = await host.sim.settle(p.call.socket(1, SOCK_STREAM, 0));
    expect(k.modules.has('local')).toBe(true);
    expect(() => k.modunload('local')).toThrow(expect.objectContaining({ code: 'EBUSY' }));
    p.sys.close(fd);
    expect(() => k.modunload('local')).not.toThrow();
    k.modctl.autoload = false;
    expect(codeOf(() => p.sys.socket(1, SOCK_STREAM, 0))).toBe('EAFNOSUPPORT');
  });

  test('lists its sockets', () => {
    const rig = new Rig();
    const { sys } = rig.p;
    const fd = rig.bound('/sock');
    sys.listen(fd, 1);
    const client = rig.socket();
    sys.connect(client, sockaddrUn('/sock'));
    sys.write(client, bytes('waits'));
    rig.socket(SOCK_DGRAM);
    const all = parseKinfoPcbs(sys.sysctl('net.local.stream.pcblist') as Uint8Array);
    const server = all.find((one) => one.recvq === 5);
    expect(all.map((one) => [one.family, one.type, parseSockaddrUn(one.local)])).toEqual([[1, SOCK_STREAM, '/sock'], [1, SOCK_STREAM, ''], [1, SOCK_STREAM, '/sock']]);
    expect(all.find((one) => one.socket === server?.conn)).toMatchObject({ sendq: 5, conn: server?.socket, inode: sys.fstat(client).ino });
    expect(parseSockaddrUn(all.find((one) => one.sendq === 5)!.peer)).toBe('/sock');
    expect(parseKinfoPcbs(sys.sysctl('net.local.dgram.pcblist') as Uint8Array).length).toBe(1);
    expect(parseKinfoPcbs(sys.sysctl('net.local.seqpacket.pcblist') as Uint8Array)).toEqual([]);
  });

  test('has its sizes in sysctl', () => {
    const rig = new Rig();
    const { sys } = rig.p;
    expect(sys.sysctl('net.local.stream.sendspace')).toBe(131_072);
    sys.sysctl('net.local.stream.sendspace', 8192);
    const [a] = rig.pair();
    const value = new Uint8Array(4);
    sys.getsockopt(a, SOL_SOCKET, 0x1001, value);
    expect(new DataView(value.buffer).getUint32(0, true)).toBe(8192);
    expect(codeOf(() => sys.sysctl('net.local.stream.sendspace', 0))).toBe('EINVAL');
    expect(sys.sysctl('net.local.inflight')).toBe(0);
  });
});
