/** Records and lists of the other calls of the base: of readiness, time, limits, signals and the sysctl tree; and of sockets. */
import {
  CTL_MAXNAME, ERR, IOV_MAX, type Itimerspec, type Mmsghdr, type Msghdr, type Pollfd, type Rlimit, SIGALRM, type SelectSets, type Sigevent, type SocketName,
} from '@anykernel/lib-sys';
import { LIST_MAX, type RecordKind, type Records, bytesArg, fields, int, listOf, number } from './copyin.js';
import { timespec } from './records.js';
import type { Sysent } from './syscalls.js';

/** The most messages of sendmmsg(2) and recvmmsg(2). */
const MMSG_MAX = 1024;

const pollfds: RecordKind<readonly Pollfd[], readonly Pollfd[]> = {
  in: (v) => listOf(v, (p): Pollfd => ({ fd: int(fields(p)['fd']), events: int(fields(p)['events']), revents: 0 })),
  out(to, from, result) {
    for (let n = 0; n < from.length; n++) to[n].revents = from[n].revents;
    return result;
  },
};

const sets: RecordKind<SelectSets, SelectSets> = {
  in: selects,
  out(to, from, result) {
    if (from.read !== undefined) to.read?.set(from.read);
    if (from.write !== undefined) to.write?.set(from.write);
    if (from.except !== undefined) to.except?.set(from.except);
    return result;
  },
};

export const moreRecords: Records = {
  timespec: { in: timespec },
  itimer: { in: (v): Itimerspec => ({ interval: timespec(fields(v)['interval']), value: timespec(fields(v)['value']) }) },
  rlimit: { in: (v): Rlimit => ({ cur: number(fields(v)['cur']), max: number(fields(v)['max']) }) },
  pollfds,
  selects: sets,
  gids: { in: (v) => listOf(v, int) },
  'sigset?': { in: (v) => (v === undefined ? undefined : listOf(v, int)) },
  'sigevent?': { in: (v) => (v === undefined ? undefined : sigevent(v)) },
  sysctlname: { in: (v) => (typeof v === 'string' ? v : listOf(v, (part) => (typeof part === 'string' ? part : int(part)), CTL_MAXNAME)) },
  'sysctl?': { in: (v) => (typeof v === 'object' && v !== null ? bytesArg(v) : v) },
};

const name: RecordKind<SocketName, SocketName> = {
  in(v) {
    if (v === undefined) return undefined;
    fields(v);
    return { addr: undefined };
  },
  out(to, from, result) {
    to.addr = from.addr;
    return result;
  },
};

const msg: RecordKind<Msghdr, Msghdr> = {
  in: message,
  out(to, from, result, se) {
    fillMessage(se, to, from);
    return result;
  },
};

const msgs: RecordKind<readonly Mmsghdr[], readonly Mmsghdr[]> = {
  in: (v) => listOf(v, (m): Mmsghdr => ({ hdr: message(fields(m)['hdr']), len: 0 }), MMSG_MAX, ERR.EMSGSIZE),
  out(to, from, result, se) {
    for (let n = 0; n < (result as number); n++) {
      fillMessage(se, to[n].hdr, from[n].hdr);
      to[n].len = from[n].len;
    }
    return result;
  },
};

/** For the calls of rumpnet. */
export const socketRecords: Records = { 'name?': name, msg, msgs };

/** EMSGSIZE: more buffers than a message may have. */
function message(value: unknown): Msghdr {
  const { name, iov, control, controlMax, flags } = fields(value);
  return {
    name: name === undefined ? undefined : bytesArg(name),
    iov: listOf(iov, bytesArg, IOV_MAX, ERR.EMSGSIZE),
    control: control === undefined ? undefined : bytesArg(control),
    controlMax: controlMax === undefined ? undefined : int(controlMax),
    flags: int(flags ?? 0),
  };
}

/** What was received; nothing of a message that was sent. */
function fillMessage(se: Sysent, to: Msghdr, from: Msghdr): void {
  if (!se.name.startsWith('recv')) return;
  to.name = from.name;
  to.control = from.control;
  to.flags = from.flags;
}

function selects(value: unknown): SelectSets {
  const { nfds, read, write, except } = fields(value);
  const set = (bytes: unknown): Uint8Array | undefined => (bytes === undefined ? undefined : bytesArg(bytes).slice(0, LIST_MAX / 8));
  return { nfds: int(nfds), read: set(read), write: set(write), except: set(except) };
}

function sigevent(value: unknown): Sigevent {
  const { notify, signo, value: given } = fields(value);
  return { notify: int(notify), signo: int(signo ?? SIGALRM), value: given };
}
