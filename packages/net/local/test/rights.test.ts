import { describe, expect, test } from '@jest/globals';
import {
  CMSG_LEN, FD_CLOEXEC, F_GETFD, MSG_CMSG_CLOEXEC, MSG_CTRUNC, MSG_DONTWAIT, MSG_PEEK, O_CREAT, O_RDWR, SEEK_SET, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_STREAM, SOL_SOCKET, cmsgBytes,
  rightsCmsg, rightsIn, sockaddrUn,
} from '@anykernel/lib-sys';
import { RFFDG } from '@anykernel/rumpkern';
import { Rig, bytes, codeOf, recvmsg, text } from './help.js';

describe.each([['stream', SOCK_STREAM], ['dgram', SOCK_DGRAM], ['seqpacket', SOCK_SEQPACKET]])('descriptors through a %s socket', (_name, type) => {
  function rig(): { r: Rig; a: number; b: number; file: number } {
    const r = new Rig();
    const [a, b] = r.pair(type);
    const file = r.p.sys.open('/file', O_RDWR | O_CREAT, 0o644);
    r.p.sys.write(file, bytes('contents'));
    return { r, a, b, file };
  }

  test('are the same open file', () => {
    const { r, a, b, file } = rig();
    const { sys } = r.p;
    sys.sendmsg(a, { iov: [bytes('take it')], control: rightsCmsg(file) }, 0);
    sys.close(file);
    expect(r.inflight).toBe(1);
    const got = recvmsg(r.p, b);
    const [fd] = rightsIn(got.control);
    expect([got.text, got.flags, r.inflight]).toEqual(['take it', 0, 0]);
    sys.lseek(fd!, 3, SEEK_SET);
    const into = new Uint8Array(9);
    expect(text(into.subarray(0, sys.read(fd!, into)))).toBe('tents');
  });

  test('reach another process', () => {
    const { r, a, b, file } = rig();
    const child = r.p.rfork(RFFDG);
    child.sys.close(file);
    child.sys.close(a);
    r.p.sys.sendmsg(a, { iov: [bytes('x')], control: rightsCmsg(file, file) }, 0);
    const fds = rightsIn(recvmsg(child, b).control);
    expect(fds.map((fd) => codeOf(() => child.sys.lseek(fd, 0, SEEK_SET)))).toEqual(['ok', 'ok']);
    expect(fds[0]).toBe(Math.min(a, file));
  });

  test('that nobody takes are closed', () => {
    const { r, a, b } = rig();
    const [reader, writer] = r.p.sys.pipe();
    r.p.sys.sendmsg(a, { iov: [bytes('x')], control: rightsCmsg(writer!) }, 0);
    r.p.sys.close(writer!);
    expect(codeOf(() => r.p.sys.read(reader!, new Uint8Array(1)))).toBe('WouldSleep');
    expect(r.p.sys.read(b, new Uint8Array(1))).toBe(1);
    expect(r.p.sys.read(reader!, new Uint8Array(1))).toBe(0);
    expect(r.inflight).toBe(0);
  });

  test('go when the socket does', () => {
    const { r, a, b } = rig();
    const [reader, writer] = r.p.sys.pipe();
    r.p.sys.sendmsg(a, { iov: [bytes('x')], control: rightsCmsg(writer!) }, 0);
    r.p.sys.close(writer!);
    r.p.sys.close(a);
    r.p.sys.close(b);
    expect(r.p.sys.read(reader!, new Uint8Array(1))).toBe(0);
  });

  test('for which there is no room in the buffer are closed, and it is said', () => {
    const { r, a, b } = rig();
    const [reader, writer] = r.p.sys.pipe();
    r.p.sys.sendmsg(a, { iov: [bytes('x')], control: rightsCmsg(reader!, writer!) }, 0);
    r.p.sys.close(writer!);
    const got = recvmsg(r.p, b, CMSG_LEN(4));
    expect([rightsIn(got.control).length, got.flags]).toEqual([1, MSG_CTRUNC]);
    expect(r.p.sys.read(reader!, new Uint8Array(1))).toBe(0);
    r.p.sys.sendmsg(a, { iov: [bytes('x')], control: rightsCmsg(reader!) }, 0);
    expect(recvmsg(r.p, b, CMSG_LEN(4)).flags).toBe(0);
    r.p.sys.sendmsg(a, { iov: [bytes('x')], control: rightsCmsg(reader!) }, 0);
    expect(recvmsg(r.p, b, CMSG_LEN(4) - 1)).toMatchObject({ flags: MSG_CTRUNC, control: new Uint8Array(0) });
    expect(r.inflight).toBe(0);
  });

  test('for which the process has no room are closed', () => {
    const { r, a, b, file } = rig();
    r.p.sys.sendmsg(a, { iov: [bytes('x')], control: rightsCmsg(file) }, 0);
    const limit = r.p.sys.getrlimit(8);
    r.p.sys.setrlimit(8, { cur: file + 1, max: limit.max });
    expect(recvmsg(r.p, b)).toMatchObject({ text: 'x', control: new Uint8Array(0), flags: MSG_CTRUNC });
    expect(r.inflight).toBe(0);
  });

  test('close on exec, if that is asked for', () => {
    const { r, a, b, file } = rig();
    for (const flags of [0, MSG_CMSG_CLOEXEC]) {
      r.p.sys.sendmsg(a, { iov: [bytes('x')], control: rightsCmsg(file) }, 0);
      const [fd] = rightsIn(recvmsg(r.p, b, 100, flags).control);
      expect(r.p.sys.fcntl(fd!, F_GETFD)).toBe(flags === 0 ? 0 : FD_CLOEXEC);
    }
  });

  test('are not passed by looking', () => {
    const { r, a, b, file } = rig();
    r.p.sys.sendmsg(a, { iov: [bytes('xy')], control: rightsCmsg(file) }, 0);
    expect(recvmsg(r.p, b, 100, MSG_PEEK)).toMatchObject({ text: 'xy', control: new Uint8Array(0) });
    expect(rightsIn(recvmsg(r.p, b).control).length).toBe(1);
  });

  test('that are malformed are refused, and nothing is sent', () => {
    const { r, a, b } = rig();
    const kq = r.p.sys.kqueue();
    const send = (control: Uint8Array): string => codeOf(() => r.p.sys.sendmsg(a, { iov: [bytes('x')], control }, 0));
    expect(send(rightsCmsg(99))).toBe('EBADF');
    expect(send(rightsCmsg(-1))).toBe('EBADF');
    expect(send(rightsCmsg(kq))).toBe('EOPNOTSUPP');
    expect(send(rightsCmsg(a).subarray(0, 17))).toBe('EINVAL');
    expect(send(new Uint8Array(5))).toBe('EINVAL');
    expect(send(cmsgBytes({ level: SOL_SOCKET, type: 77, data: new Uint8Array(4) }))).toBe('EINVAL');
    expect(send(cmsgBytes({ level: 6, type: 1, data: new Uint8Array(4) }))).toBe('EINVAL');
    expect(send(new Uint8Array(70_000))).toBe('EMSGSIZE');
    expect(codeOf(() => r.p.sys.recvfrom(b, new Uint8Array(1), MSG_DONTWAIT))).toBe('EAGAIN');
    expect(r.inflight).toBe(0);
  });
});

describe('on a stream', () => {
  test('a message with descriptors ends what is read before it, and begins what is read after', () => {
    const r = new Rig();
    const [a, b] = r.pair();
    r.p.sys.write(a, bytes('before'));
    r.p.sys.sendmsg(a, { iov: [bytes('with')], control: rightsCmsg(a) }, 0);
    r.p.sys.write(a, bytes(' after'));
    expect(recvmsg(r.p, b).text).toBe('before');
    const got = recvmsg(r.p, b);
    expect([got.text, rightsIn(got.control).length]).toEqual(['with after', 1]);
  });

  test('descriptors go once with a write that waits for room', async () => {
    const r = new Rig();
    const [a, b] = r.pair();
    const data = new Uint8Array(400_000);
    const sent = r.p.call.sendmsg(a, { iov: [data], control: rightsCmsg(a) }, 0);
    let got = 0;
    let fds = 0;
    while (got < data.length) {
      const part = recvmsg(r.p, b, 100, 0, 50_000);
      got += part.text.length;
      fds += rightsIn(part.control).length;
      await Promise.resolve();
    }
    expect([await sent, got, fds]).toEqual([400_000, 400_000, 1]);
  });
});

describe('in flight', () => {
  test('a socket that holds itself is found', () => {
    const r = new Rig();
    const [a, b] = r.pair();
    r.p.sys.sendmsg(a, { iov: [bytes('x')], control: rightsCmsg(b) }, 0);
    r.p.sys.close(a);
    expect([r.sockets, r.inflight]).toEqual([1, 1]);
    r.p.sys.close(b);
    r.host.sim.runUntilIdle();
    expect([r.sockets, r.inflight]).toEqual([0, 0]);
  });

  test('sockets that hold each other are found, with what else they hold', () => {
    const r = new Rig();
    const { sys } = r.p;
    const [a, b] = r.pair(SOCK_DGRAM);
    const [c, d] = r.pair(SOCK_DGRAM);
    const [reader, writer] = sys.pipe();
    sys.sendmsg(a, { iov: [bytes('d in b')], control: rightsCmsg(d, writer!) }, 0);
    sys.sendmsg(c, { iov: [bytes('b in d')], control: rightsCmsg(b) }, 0);
    for (const fd of [a, c, writer!, b, d]) sys.close(fd);
    r.host.sim.runUntilIdle();
    expect([r.sockets, r.inflight]).toEqual([0, 0]);
    expect(sys.read(reader!, new Uint8Array(1))).toBe(0);
  });

  test('what can still be reached stays', () => {
    const r = new Rig();
    const { sys } = r.p;
    const [a, b] = r.pair();
    const [c, d] = r.pair();
    const [e, f] = r.pair();
    sys.sendmsg(c, { iov: [bytes('f in d')], control: rightsCmsg(f) }, 0);
    sys.sendmsg(a, { iov: [bytes('d in b')], control: rightsCmsg(d) }, 0);
    for (const fd of [a, c, d, f]) sys.close(fd);
    sys.write(e, bytes('still'));
    const [d2] = rightsIn(recvmsg(r.p, b).control);
    const [f2] = rightsIn(recvmsg(r.p, d2!).control);
    expect(recvmsg(r.p, f2!).text).toBe('still');
  });

  test('what waits in a connection that nobody has accepted stays, and goes with its listener', () => {
    const r = new Rig();
    const { sys } = r.p;
    const listener = r.bound('/sock');
    sys.listen(listener, 3);
    const client = r.socket();
    sys.connect(client, sockaddrUn('/sock'));
    const [a, b] = r.pair();
    sys.sendmsg(client, { iov: [bytes('x')], control: rightsCmsg(b) }, 0);
    sys.sendmsg(client, { iov: [bytes('y')], control: rightsCmsg(listener) }, 0);
    sys.close(b);
    sys.close(r.pair()[0]);
    r.host.sim.runUntilIdle();
    expect(r.inflight).toBe(2);
    sys.close(client);
    sys.close(listener);
    r.host.sim.runUntilIdle();
    expect([r.inflight, recvmsg(r.p, a).text]).toEqual([0, '']);
  });

  test('three thousand sockets, each in the one before, are closed without a deep stack', () => {
    const r = new Rig();
    const { sys } = r.p;
    let [outer, inner] = r.pair(SOCK_DGRAM);
    const [first] = [outer];
    for (let i = 0; i < 3000; i++) {
      const [a, b] = r.pair(SOCK_DGRAM);
      sys.sendmsg(a, { iov: [bytes('x')], control: rightsCmsg(inner) }, 0);
      sys.close(inner);
      if (outer !== first) sys.close(outer);
      [outer, inner] = [a, b];
    }
    sys.close(outer);
    sys.close(inner);
    sys.close(first);
    r.host.sim.runUntilIdle();
    expect([r.sockets, r.inflight]).toEqual([0, 0]);
  });

  test('there is a limit', () => {
    const r = new Rig();
    const [a] = r.pair();
    const control = rightsCmsg(...new Array<number>(4000).fill(a));
    let code = 'ok';
    for (let i = 0; i < 10 && code === 'ok'; i++) code = codeOf(() => r.p.sys.sendmsg(a, { iov: [bytes('x')], control }, MSG_DONTWAIT));
    expect(code).toBe('EAGAIN');
    r.p.exit();
    r.host.sim.runUntilIdle();
    expect([r.sockets, r.inflight]).toEqual([0, 0]);
  });
});
