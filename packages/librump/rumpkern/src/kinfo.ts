/** kern.proc2 and kern.file2: which processes there are, and what they have open. */
import {
  DTYPE_KQUEUE, DTYPE_MISC, DTYPE_PIPE, DTYPE_SEM, DTYPE_SOCKET, DTYPE_VNODE, ERR, KERN_FILE_BYFILE, KERN_FILE_BYPID, KERN_PROC_ALL, KERN_PROC_PID, KERN_PROC_UID,
  KINFO_FILE_LEN, KINFO_PROC_LEN, emitKinfoFile, emitKinfoProc,
} from '@anykernel/lib-sys';
import type { File, FileType } from './filedesc.js';
import type { Kernel } from './kernel.js';
import type { Proc } from './proc.js';

const DTYPES: Readonly<Record<FileType, number>> = {
  vnode: DTYPE_VNODE, socket: DTYPE_SOCKET, pipe: DTYPE_PIPE, kqueue: DTYPE_KQUEUE, misc: DTYPE_MISC, sem: DTYPE_SEM,
};

/** Longest record that may be asked for. */
const RECORD_MAX = 4096;

/** `count` records of `len` bytes at most: `emit` writes the whole of one. EINVAL: no such length or count. */
function records<T>(all: readonly T[], whole: number, len: number, count: number, emit: (b: Uint8Array, one: T) => void): Uint8Array {
  if (!(len > 0 && len <= RECORD_MAX) || !(count >= 0)) throw ERR.EINVAL;
  const some = all.slice(0, count);
  const b = new Uint8Array(some.length * len);
  some.forEach((one, i) => {
    const record = new Uint8Array(whole);
    emit(record, one);
    b.set(record.subarray(0, len), i * len);
  });
  return b;
}

/** kern.proc2: `rest` is which, its argument, bytes of a record, most records; nothing: all of all. EINVAL: it is neither. */
export function procRecords(k: Kernel, rest: readonly number[]): Uint8Array {
  const [which, argument, len, count] = rest.length === 0 ? [KERN_PROC_ALL, 0, KINFO_PROC_LEN, Infinity] : rest;
  if (count === undefined || rest.length > 4) throw ERR.EINVAL;
  const found = [...k.procs].filter((p) => {
    if (which === KERN_PROC_ALL) return true;
    if (which === KERN_PROC_PID) return p.pid === argument;
    if (which === KERN_PROC_UID) return p.cred.euid === argument;
    throw ERR.EINVAL;
  });
  return records(found, KINFO_PROC_LEN, len, count, (b, p) => {
    const { cred } = p;
    emitKinfoProc(b, 0, {
      pid: p.pid, ppid: p.parent?.pid ?? 0, sid: p.sid, pgid: p.pgid, uid: cred.euid, ruid: cred.ruid, gid: cred.egid, rgid: cred.rgid, comm: p.comm,
    });
  });
}

interface Open {
  readonly f: File;
  readonly pid: number;
  readonly fd: number;
}

/** kern.file2: `rest` as for kern.proc2; nothing: all open files. EINVAL: it is neither. ESRCH: there is no such process. */
export function fileRecords(k: Kernel, rest: readonly number[]): Uint8Array {
  const [which, argument, len, count] = rest.length === 0 ? [KERN_FILE_BYFILE, 0, KINFO_FILE_LEN, Infinity] : rest;
  if (count === undefined || rest.length > 4 || (which !== KERN_FILE_BYFILE && which !== KERN_FILE_BYPID)) throw ERR.EINVAL;
  const numbers = new Map<File, number>();
  const all: Open[] = [];
  for (const p of which === KERN_FILE_BYPID && argument !== -1 ? [processOf(k, argument)] : k.procs) {
    for (const one of openOf(p)) {
      const seen = numbers.has(one.f);
      if (!seen) numbers.set(one.f, numbers.size + 1);
      if (which === KERN_FILE_BYPID) all.push(one);
      else if (!seen) all.push({ ...one, pid: 0, fd: -1 });
    }
  }
  return records(all, KINFO_FILE_LEN, len, count, (b, { f, pid, fd }) => {
    emitKinfoFile(b, 0, {
      file: numbers.get(f) ?? 0, flag: f.flag, type: DTYPES[f.type], count: f.count, uid: f.cred.euid, gid: f.cred.egid, offset: Math.max(0, f.offset),
      data: f.ops.id?.(f) ?? 0, pid, fd,
    });
  });
}

function processOf(k: Kernel, pid: number): Proc {
  const p = k.procs.find(pid);
  if (p === undefined) throw ERR.ESRCH;
  return p;
}

function openOf(p: Proc): Open[] {
  const all: Open[] = [];
  for (let fd = p.fd.base; fd < p.fd.end; fd++) {
    const f = p.fd.peek(fd);
    if (f !== undefined) all.push({ f, pid: p.pid, fd });
  }
  return all;
}
