/** The values that every kernel has: `kern`, `hw` and `proc`, with NetBSD's names and numbers. */
import { ERR, MAXHOSTNAMELEN, NGROUPS_MAX, RLIMIT_FSIZE, RLIMIT_NOFILE, type SysctlValue } from '@anykernel/lib-sys';
import type { Kernel } from './kernel.js';
import { fileRecords, procRecords } from './kinfo.js';
import { PAGE_SIZE } from './mem.js';
import { MSGBUF_LEN } from './msgbuf.js';
import { PIPE_SIZE } from './pipe.js';
import type { Lwp } from './proc.js';
import { getLimit, setLimit } from './rlimit.js';
import type { SysctlLeaf, SysctlType } from './sysctl.js';

export const OSTYPE = 'Anykernel';
/** The NetBSD whose numbers and structures the system calls have: 7.99.34. */
export const OSRELEASE = '7.99.34';
export const OSREVISION = 799_003_400;
/** What a kernel without a limit says of its memory, as in NetBSD. */
const PHYSMEM = 536_870_912;

type Attach = (name: string, leaf: SysctlLeaf) => unknown;

export function baseSysctl(k: Kernel, attach: Attach): void {
  const value = (type: SysctlType, name: string, num: number | undefined, get: (l: Lwp) => SysctlValue): unknown =>
    attach(name, num === undefined ? { type, get } : { type, num, get });
  kern(k, attach, value);
  modules(k, attach);
  hw(k, value);
  proc(attach);
}

type Value = (type: SysctlType, name: string, num: number | undefined, get: (l: Lwp) => SysctlValue) => unknown;

function kern(k: Kernel, attach: Attach, value: Value): void {
  value('string', 'kern.ostype', 1, () => OSTYPE);
  value('string', 'kern.osrelease', 2, () => OSRELEASE);
  value('int', 'kern.osrevision', 3, () => OSREVISION);
  value('string', 'kern.version', 4, () => `${OSTYPE} ${OSRELEASE} (ANYKERNEL)\n`);
  value('int', 'kern.argmax', 8, () => 262_144);
  attach('kern.hostname', {
    type: 'string',
    num: 10,
    get: () => k.hostname,
    set: (name) => {
      k.hostname = hostName(name);
    },
  });
  value('struct', 'kern.clockrate', 12, () => clockrate());
  value('int', 'kern.posix1version', 17, () => 200_112);
  value('int', 'kern.ngroups', 18, () => NGROUPS_MAX);
  value('int', 'kern.job_control', 19, () => 1);
  value('int', 'kern.saved_ids', 20, () => 1);
  attach('kern.domainname', {
    type: 'string',
    num: 22,
    get: () => k.domainname,
    set: (name) => {
      k.domainname = hostName(name);
    },
  });
  value('struct', 'kern.boottime', 83, () => timespec(k.boottime.sec, k.boottime.nsec));
  value('int', 'kern.rawpartition', 24, () => 3);
  value('int', 'kern.maxproc', 6, () => 29_998);
  value('int', 'kern.maxfiles', 7, () => getLimit(k.proc0.limits, RLIMIT_NOFILE).max);
  value('int', 'kern.iov_max', 38, () => 1024);
  value('int', 'kern.msgbufsize', 52, () => MSGBUF_LEN);
  value('string', 'kern.msgbuf', 53, () => k.msgbuf.text());
  value('int', 'kern.arandom', 81, () => random(k));
  value('int', 'kern.urandom', 37, () => random(k));
  value('string', 'kern.evcnt', 84, () => k.evcnt.dump());
  value('quad', 'kern.hardclock_ticks', 80, () => Math.floor(k.mono() / 1e7));
  value('int', 'kern.pipe.maxkvasz', 1, () => PIPE_SIZE);
  attach('kern.proc2', { type: 'struct', num: 47, rest: true, get: (_l, rest) => procRecords(k, rest) });
  attach('kern.file2', { type: 'struct', num: 77, rest: true, get: (_l, rest) => fileRecords(k, rest) });
}

function modules(k: Kernel, attach: Attach): void {
  attach('kern.module.autoload', {
    type: 'bool',
    get: () => k.modctl.autoload,
    set: (on) => {
      k.modctl.autoload = on === true;
    },
  });
  attach('kern.module.verbose', {
    type: 'bool',
    get: () => k.msgbuf.verbose,
    set: (on) => {
      k.msgbuf.verbose = on === true;
    },
  });
  attach('kern.module.autotime', {
    type: 'int',
    get: () => k.modctl.autotime,
    set: (sec) => {
      if ((sec as number) < 0) throw ERR.EINVAL;
      k.modctl.autotime = sec as number;
    },
  });
}

function hw(k: Kernel, value: Value): void {
  value('string', 'hw.machine', 1, () => 'rump');
  value('string', 'hw.model', 2, () => 'anykernel (virtual)');
  value('int', 'hw.ncpu', 3, () => 1);
  value('int', 'hw.byteorder', 4, () => 1234);
  value('int', 'hw.physmem', 5, () => Math.min(physmem(k), 0x7fff_ffff));
  value('int', 'hw.usermem', 6, () => Math.min(Math.max(0, physmem(k) - k.mem.used), 0x7fff_ffff));
  value('int', 'hw.pagesize', 7, () => PAGE_SIZE);
  value('string', 'hw.machine_arch', 10, () => 'rump');
  value('int', 'hw.alignbytes', 11, () => 7);
  value('quad', 'hw.physmem64', 13, () => physmem(k));
  value('quad', 'hw.usermem64', 14, () => Math.max(0, physmem(k) - k.mem.used));
  value('int', 'hw.ncpuonline', 15, () => 1);
}

function physmem(k: Kernel): number {
  return k.mem.limit === Infinity ? PHYSMEM : k.mem.limit;
}

function proc(attach: Attach): void {
  attach('proc.curproc.corename', { type: 'string', get: () => 'rumpdump' });
  for (const [name, resource] of [
    ['descriptors', RLIMIT_NOFILE],
    ['filesize', RLIMIT_FSIZE],
  ] as const) {
    for (const which of ['cur', 'max'] as const) {
      attach(`proc.curproc.rlimit.${name}.${which === 'cur' ? 'soft' : 'hard'}`, {
        type: 'quad',
        anyone: true,
        get: (l) => {
          const limit = getLimit(l.proc.limits, resource)[which];
          return limit === Infinity ? Number.MAX_SAFE_INTEGER : limit;
        },
        set: (to, l) => setLimit(l.proc.limits, resource, { ...getLimit(l.proc.limits, resource), [which]: to as number }, l.proc.cred.isRoot),
      });
    }
  }
}

/** EINVAL: too long. */
function hostName(name: SysctlValue): string {
  if ((name as string).length >= MAXHOSTNAMELEN) throw ERR.EINVAL;
  return name as string;
}

function random(k: Kernel): number {
  const bytes = new Uint8Array(4);
  k.host.getrandom(bytes);
  return new DataView(bytes.buffer).getInt32(0, true);
}

/** struct timespec: 64-bit seconds, 64-bit nanoseconds. */
function timespec(sec: number, nsec: number): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setBigInt64(0, BigInt(sec), true);
  view.setBigInt64(8, BigInt(nsec), true);
  return bytes;
}

/** struct clockinfo: microseconds of a tick, tickadj, hz, stathz, profhz. */
function clockrate(): Uint8Array {
  const bytes = new Uint8Array(20);
  const view = new DataView(bytes.buffer);
  for (const [i, n] of [10_000, 0, 100, 100, 100].entries()) view.setInt32(i * 4, n, true);
  return bytes;
}
