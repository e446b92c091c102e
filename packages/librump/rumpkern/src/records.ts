/** Records and lists of the calls that every kernel has: of descriptors, files and event queues. */
import { ERR, IOV_MAX, Kevent, type Timespec } from '@anykernel/lib-sys';
import { LIST_MAX, type RecordKind, type Records, bytesArg, fieldsIn, intIn, lengthOfList, listIn } from './copyin.js';

const iov: RecordKind = { in: (v) => listIn(v, bytesArg, IOV_MAX) };

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
  'stat?': { in: nothing },
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

/** A bare kernel fills no record of the caller's. EFAULT. */
function nothing(value: unknown): undefined {
  if (value !== undefined) throw ERR.EFAULT;
}

function pair<T>(list: readonly T[]): readonly T[] {
  if (list.length !== 2) throw ERR.EFAULT;
  return list;
}
