/** Records and lists of the other calls of the base: of locks, mounts, readiness, time, limits, signals and the sysctl tree. */
import { CTL_MAXNAME, type Flock, type Itimerspec, type Pollfd, type Rlimit, SIGALRM, type SelectSets, type Sigevent, Stat } from '@anykernel/lib-sys';
import { LIST_MAX, type RecordKind, type Records, bytesArg, fieldsIn, intIn, isBytes, listIn, numberIn } from './copyin.js';
import { timespec } from './records.js';

const fcntl: RecordKind<Flock, number | Flock | Uint8Array> = {
  in: (v) => (v === undefined ? undefined : typeof v === 'number' ? intIn(v) : isBytes(v) ? bytesArg(v) : flock(v)),
  out(to, from, result) {
    if (typeof from === 'object' && !isBytes(from)) Object.assign(to, from);
    return result;
  },
};

const pollfds: RecordKind<readonly Pollfd[], readonly Pollfd[]> = {
  in: (v) => listIn(v, (p): Pollfd => ({ fd: intIn(fieldsIn(p)['fd']), events: intIn(fieldsIn(p)['events']), revents: 0 })),
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

/** The kernel's own, to be copied into the caller's. */
const stat: RecordKind<Stat, Stat> = {
  in(v) {
    if (v === undefined) return undefined;
    fieldsIn(v);
    return new Stat();
  },
  out: fillStat,
};

export const moreRecords: Records = {
  'stat?': stat,
  'fcntl?': fcntl,
  mountargs: { in: (v) => ({ ...fieldsIn(v) }) },
  timespec: { in: timespec },
  itimer: { in: (v): Itimerspec => ({ interval: timespec(fieldsIn(v)['interval']), value: timespec(fieldsIn(v)['value']) }) },
  rlimit: { in: (v): Rlimit => ({ cur: numberIn(fieldsIn(v)['cur']), max: numberIn(fieldsIn(v)['max']) }) },
  pollfds,
  selects: sets,
  gids: { in: (v) => listIn(v, intIn) },
  'sigset?': { in: (v) => (v === undefined ? undefined : listIn(v, intIn)) },
  'sigevent?': { in: (v) => (v === undefined ? undefined : sigevent(v)) },
  sysctlname: {
    in: (v) => (typeof v === 'string' ? v : listIn(v, (part) => (typeof part === 'string' ? part : intIn(part)), CTL_MAXNAME)),
  },
  'sysctl?': { in: (v) => (typeof v === 'object' && v !== null ? bytesArg(v) : v) },
};

function flock(value: unknown): Flock {
  const { start, len, pid, type, whence } = fieldsIn(value);
  return { start: intIn(start), len: intIn(len), pid: intIn(pid ?? 0), type: intIn(type), whence: intIn(whence) };
}

function selects(value: unknown): SelectSets {
  const { nfds, read, write, except } = fieldsIn(value);
  const set = (bytes: unknown): Uint8Array | undefined => (bytes === undefined ? undefined : bytesArg(bytes).slice(0, LIST_MAX / 8));
  return { nfds: intIn(nfds), read: set(read), write: set(write), except: set(except) };
}

function sigevent(value: unknown): Sigevent {
  const { notify, signo, value: given } = fieldsIn(value);
  return { notify: intIn(notify), signo: intIn(signo ?? SIGALRM), value: given };
}

/** Field by field: Object.assign() is ten times as slow. */
function fillStat(to: Stat, from: Stat): Stat {
  to.dev = from.dev;
  to.ino = from.ino;
  to.mode = from.mode;
  to.nlink = from.nlink;
  to.uid = from.uid;
  to.gid = from.gid;
  to.rdev = from.rdev;
  to.size = from.size;
  to.blocks = from.blocks;
  to.blksize = from.blksize;
  to.flags = from.flags;
  to.gen = from.gen;
  to.atime = from.atime;
  to.atimeNsec = from.atimeNsec;
  to.mtime = from.mtime;
  to.mtimeNsec = from.mtimeNsec;
  to.ctime = from.ctime;
  to.ctimeNsec = from.ctimeNsec;
  to.birthtime = from.birthtime;
  to.birthtimeNsec = from.birthtimeNsec;
  return to;
}
