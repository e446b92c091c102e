/** Records and lists of the calls that every kernel has: of descriptors, files and event queues. */
import { ERR, IOV_MAX, Kevent, Stat, type Timespec } from '@anykernel/lib-sys';
import { LIST_MAX, type RecordKind, type Records, bytesArg, fieldsIn, intIn, lengthOfList, listIn } from './copyin.js';

const iov: RecordKind = { in: (v) => listIn(v, bytesArg, IOV_MAX) };

/** The kernel's own, to be copied into the caller's. */
const stat: RecordKind<Stat, Stat> = {
  in(v) {
    if (v === undefined) return undefined;
    fieldsIn(v);
    return new Stat();
  },
  out: fillStat,
};

const kevents: RecordKind<Kevent[], Kevent[]> = {
  in: (v) => new Array<Kevent>(Math.min(lengthOfList(v), LIST_MAX)),
  out(to, from, result) {
    for (let n = 0; n < (result as number); n++) {
      if (to[n] === undefined) to[n] = from[n];
      else Object.assign(to[n], from[n]);
    }
    return result;
  },
};

export const baseRecords: Records = {
  iovin: iov,
  iovout: iov,
  'stat?': stat,
  'timespec?': { in: (v) => (v === undefined ? undefined : timespec(v)) },
  'times?': { in: (v) => (v === undefined ? undefined : pair(listIn(v, timespec))) },
  changes: { in: (v) => listIn(v, kevent) },
  kevents,
  'fcntl?': { in: (v) => (v === undefined ? v : intIn(v)) },
};

export function timespec(value: unknown): Timespec {
  const { sec, nsec } = fieldsIn(value);
  return { sec: intIn(sec), nsec: intIn(nsec) };
}

function kevent(value: unknown): Kevent {
  const { ident, filter, flags, fflags, data, udata } = fieldsIn(value);
  return new Kevent(intIn(ident), intIn(filter), intIn(flags), intIn(fflags ?? 0), intIn(data ?? 0), udata);
}

function pair<T>(list: readonly T[]): readonly T[] {
  if (list.length !== 2) throw ERR.EFAULT;
  return list;
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
