/** What the programs of the machine do meanwhile: a call, as a number draws it. Errnos are answers. */
import { Random } from '@anykernel/conformance-fuzz';
import { AF_INET, AF_INET6, F_SETFL, IPPROTO_IP, IPPROTO_IPV6, IPPROTO_TCP, MSG_OOB, MSG_PEEK, O_NONBLOCK, SOCK_DGRAM, SOCK_RAW, SOCK_STREAM, SOL_SOCKET, sockaddrIn, sockaddrIn6 } from '@anykernel/lib-sys';
import { type Machine, PEER4, PEER6 } from './machine.js';

/** Runs a call; undefined: it gave an errno. */
export function tried<T>(fn: () => T): T | undefined {
  try {
    return fn();
  } catch (e) {
    const { code, name } = e as { code?: unknown; name?: string };
    if (typeof code !== 'string' || !/^E[A-Z0-9]+$/.test(code)) throw e;
    if (name === 'WouldSleep') throw new Error('a call would sleep on a descriptor that does not block', { cause: e });
    return undefined;
  }
}

export function call(m: Machine, draw: number): void {
  const random = new Random(draw);
  const { sys } = m.p;
  const fd = random.pick(m.fds);
  const buf = new Uint8Array(random.below(3) === 0 ? 20_000 : 100);
  switch (random.below(12)) {
    case 0:
    case 1:
      tried(() => sys.read(fd, buf));
      break;
    case 2:
      tried(() => sys.recvmsg(fd, { iov: [buf], controlMax: random.below(300) }, random.pick([0, MSG_PEEK, MSG_OOB])));
      break;
    case 3:
      tried(() => sys.write(fd, buf));
      break;
    case 4:
      tried(() => sys.sendto(fd, buf, random.below(6) === 0 ? MSG_OOB : 0, someName(random)));
      break;
    case 5: {
      const taken = tried(() => sys.accept(fd));
      if (taken === undefined) break;
      m.fds.push(taken);
      sys.fcntl(taken, F_SETFL, O_NONBLOCK);
      break;
    }
    case 6:
      tried(() => sys.shutdown(fd, random.below(3)));
      break;
    case 7:
      if (m.fds.length > 4) {
        m.fds.splice(m.fds.indexOf(fd), 1);
        sys.close(fd);
      }
      break;
    case 8: {
      const made = tried(() => m.socket(random.pick([AF_INET, AF_INET6]), random.pick([SOCK_STREAM, SOCK_DGRAM, SOCK_RAW])));
      if (made !== undefined) tried(() => sys.connect(made, someName(random)));
      break;
    }
    case 9: {
      const value = new Uint8Array(4);
      value[0] = random.below(256);
      value[1] = random.below(4) === 0 ? random.below(256) : 0;
      tried(() => sys.setsockopt(fd, random.pick([SOL_SOCKET, IPPROTO_TCP, IPPROTO_IP, IPPROTO_IPV6]), random.below(72), value));
      break;
    }
    case 10:
      tried(() => sys.listen(fd, random.below(4)));
      break;
    default:
      tried(() => sys.bind(fd, someName(random)));
  }
}

function someName(random: Random): Uint8Array {
  const port = random.pick([0, 7, 22, 53, 80, 50_000]);
  return random.below(2) === 0
    ? sockaddrIn(random.pick([0, PEER4, 0x7f00_0001, 0x0a09_0001, 0xe000_00fb, 0x0a09_00ff, 0xffff_ffff]), port)
    : sockaddrIn6(random.pick([new Uint8Array(16), PEER6, Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xfb)]), port);
}
