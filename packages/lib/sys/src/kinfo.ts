/**
 * Processes and open files by sysctl(7): kern.proc2 (struct kinfo_proc2, as far as its command's name) and kern.file2 (struct kinfo_file), NetBSD/amd64's,
 * little-endian. A caller says how long its records are: one of ours is cut, or followed by zeros.
 *
 * kinfo_proc2: process 116, parent 120, session 124, group 128, effective and real user 136, 140, group ids 144, 148, all i32; command's name at 368, 24
 * bytes with a zero at the end.
 *
 * kinfo_file: file u64; flags, internal flags, kind (DTYPE_*), references 8, 12, 16, 20, u32; user and group of who opened it 40, 44; position 56 and what
 * it is open on 64, u64 (for a socket the number that its kinfo_pcb has); process and descriptor 104, 108, descriptor's flags 112, u32.
 */
import { bytesOf, bytestrOf, getI32le, getU32le, getU64le, putU32le, putU64le } from '@anykernel/lib-bytes';

/** Second numbers of kern.proc2, and what they are followed by: anything, a process, an effective user. */
export const KERN_PROC_ALL = 0;
export const KERN_PROC_PID = 1;
export const KERN_PROC_UID = 5;

/** Second numbers of kern.file2: open files once each; open files by the descriptors of a process, or with -1 of all. */
export const KERN_FILE_BYFILE = 1;
export const KERN_FILE_BYPID = 2;

/** Kinds of open files. */
export const DTYPE_VNODE = 1;
export const DTYPE_SOCKET = 2;
export const DTYPE_PIPE = 3;
export const DTYPE_KQUEUE = 4;
export const DTYPE_MISC = 5;
export const DTYPE_SEM = 8;

export const KINFO_PROC_LEN = 392;
export const KINFO_FILE_LEN = 120;

const AT_COMM = 368;
const COMM_MAX = 23;

export interface KinfoProc {
  readonly pid: number;
  readonly ppid: number;
  readonly sid: number;
  readonly pgid: number;
  readonly uid: number;
  readonly ruid: number;
  readonly gid: number;
  readonly rgid: number;
  /** The command's name, a byte string; 23 bytes of it. */
  readonly comm: string;
}

/** Writes one at `at` of `b`, in place; the place is zero. */
export function emitKinfoProc(b: Uint8Array, at: number, one: KinfoProc): void {
  for (const [i, value] of [one.pid, one.ppid, one.sid, one.pgid].entries()) putU32le(b, at + 116 + 4 * i, value >>> 0);
  for (const [i, value] of [one.uid, one.ruid, one.gid, one.rgid].entries()) putU32le(b, at + 136 + 4 * i, value >>> 0);
  b.set(bytesOf(one.comm.slice(0, COMM_MAX)), at + AT_COMM);
}

/** All of them. What is left over at the end is passed over. */
export function parseKinfoProcs(b: Uint8Array): KinfoProc[] {
  const all: KinfoProc[] = [];
  for (let at = 0; at + KINFO_PROC_LEN <= b.length; at += KINFO_PROC_LEN) {
    const id = (off: number): number => getI32le(b, at + off);
    all.push({
      pid: id(116), ppid: id(120), sid: id(124), pgid: id(128), uid: id(136), ruid: id(140), gid: id(144), rgid: id(148),
      comm: bytestrOf(b, at + AT_COMM, at + AT_COMM + COMM_MAX).replace(/\0.*$/s, ''),
    });
  }
  return all;
}

export interface KinfoFile {
  /** Tells it from others. */
  readonly file: number;
  readonly flag: number;
  /** DTYPE_*. */
  readonly type: number;
  readonly count: number;
  readonly uid: number;
  readonly gid: number;
  readonly offset: number;
  /** Tells what it is open on from others; 0: it does not say. */
  readonly data: number;
  /** 0, and -1, where files are listed without descriptors. */
  readonly pid: number;
  readonly fd: number;
}

/** Writes one at `at` of `b`, in place; the place is zero. */
export function emitKinfoFile(b: Uint8Array, at: number, one: KinfoFile): void {
  putU64le(b, at, one.file);
  for (const [i, value] of [one.flag, 0, one.type, one.count].entries()) putU32le(b, at + 8 + 4 * i, value >>> 0);
  putU32le(b, at + 40, one.uid);
  putU32le(b, at + 44, one.gid);
  putU64le(b, at + 56, one.offset);
  putU64le(b, at + 64, one.data);
  putU32le(b, at + 104, one.pid);
  putU32le(b, at + 108, one.fd >>> 0);
}

/** All of them. What is left over at the end is passed over. */
export function parseKinfoFiles(b: Uint8Array): KinfoFile[] {
  const all: KinfoFile[] = [];
  for (let at = 0; at + KINFO_FILE_LEN <= b.length; at += KINFO_FILE_LEN) {
    const word = (off: number): number => getU32le(b, at + off);
    all.push({
      file: getU64le(b, at), flag: word(8), type: word(16), count: word(20), uid: word(40), gid: word(44), offset: getU64le(b, at + 56), data: getU64le(b, at + 64),
      pid: word(104), fd: getI32le(b, at + 108),
    });
  }
  return all;
}
