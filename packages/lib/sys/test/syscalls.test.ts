import {
  type ArgKind,
  aioCalls,
  compatCalls,
  type CallsOf,
  type Handlers,
  netbsdCallName,
  nfsserverCalls,
  rumpkernCalls,
  rumpnetCalls,
  rumpvfsCalls,
  type Stat,
  type SysArgs,
  type SyscallKinds,
  type SyscallSpec,
  type SyscallTable,
  syscallSpec,
  type SysOf,
  type SysRet,
} from '@anykernel/lib-sys';

/** The wrappers of NetBSD's rump kernel and their numbers, as its syscalls.master numbers them. A name that comes twice has an older ABI first. */
const NETBSD = `
read=3 write=4 open=5 close=6 link=9 unlink=10 chdir=12 fchdir=13 mknod=14 chmod=15 chown=16 getpid=20 unmount=22 setuid=23 getuid=24 geteuid=25
recvmsg=27 sendmsg=28 recvfrom=29 accept=30 getpeername=31 getsockname=32 access=33 chflags=34 fchflags=35 sync=36 getppid=39 dup=41 pipe=42
getegid=43 ktrace=45 getgid=47 __getlogin=49 __setlogin=50 ioctl=54 revoke=56 symlink=57 readlink=58 umask=60 chroot=61 getgroups=79 setgroups=80
getpgrp=81 setpgid=82 dup2=90 fcntl=92 select=93 fsync=95 connect=98 bind=104 setsockopt=105 listen=106 getsockopt=118 readv=120 writev=121
fchown=123 fchmod=124 setreuid=126 setregid=127 rename=128 flock=131 mkfifo=132 sendto=133 shutdown=134 socketpair=135 mkdir=136 rmdir=137
utimes=138 setsid=147 nfssvc=155 pread=173 pwrite=174 setgid=181 setegid=182 seteuid=183 pathconf=191 fpathconf=192 getrlimit=194 setrlimit=195
lseek=199 truncate=200 ftruncate=201 __sysctl=202 futimes=206 getpgid=207 reboot=208 poll=209 timer_create=235 timer_delete=236
timer_getoverrun=239 fdatasync=241 modctl=246 _ksem_init=247 _ksem_open=248 _ksem_unlink=249 _ksem_close=250 _ksem_post=251 _ksem_wait=252
_ksem_trywait=253 _ksem_getvalue=254 _ksem_destroy=255 _ksem_timedwait=256 __posix_rename=270 lchmod=274 lchown=275 lutimes=276
__posix_chown=283 __posix_fchown=284 __posix_lchown=285 getsid=286 fktrace=288 preadv=289 pwritev=290 __getcwd=296 fchroot=297 lchflags=304
issetugid=305 utrace=306 kqueue=344 kevent=345 fsync_range=354 getvfsstat=356 statvfs1=357 fstatvfs1=358 extattrctl=360 extattr_set_file=361
extattr_get_file=362 extattr_delete_file=363 extattr_set_fd=364 extattr_get_fd=365 extattr_delete_fd=366 extattr_set_link=367
extattr_get_link=368 extattr_delete_link=369 extattr_list_fd=370 extattr_list_file=371 extattr_list_link=372 pselect=373 pollts=374
setxattr=375 lsetxattr=376 fsetxattr=377 getxattr=378 lgetxattr=379 fgetxattr=380 listxattr=381 llistxattr=382 flistxattr=383 removexattr=384
lremovexattr=385 fremovexattr=386 stat=387 fstat=388 lstat=389 getdents=390 socket=394 getfh=395 fhopen=396 fhstatvfs1=397 fhstat=398
aio_cancel=399 aio_error=400 aio_fsync=401 aio_read=402 aio_return=403 aio_write=405 lio_listio=406 mount=410 posix_fadvise=416 select=417
gettimeofday=418 settimeofday=419 utimes=420 adjtime=421 futimes=423 lutimes=424 setitimer=425 getitimer=426 clock_gettime=427
clock_settime=428 clock_getres=429 nanosleep=430 kevent=435 pselect=436 pollts=437 aio_suspend=438 stat=439 fstat=440 lstat=441
timer_settime=446 timer_gettime=447 mknod=450 fhstat=451 pipe2=453 dup3=454 kqueue1=455 paccept=456 linkat=457 renameat=458 mkfifoat=459
mknodat=460 mkdirat=461 faccessat=462 fchmodat=463 fchownat=464 fstatat=466 utimensat=467 openat=468 readlinkat=469 symlinkat=470 unlinkat=471
futimens=472 __quotactl=473 recvmmsg=475 sendmmsg=476 clock_nanosleep=477 posix_fallocate=479 fdiscard=480
`;

const known: [string, number][] = NETBSD.trim()
  .split(/\s+/)
  .map((entry) => entry.split('='))
  .map(([name, num]) => [name!, Number(num)]);

const tables: { readonly [name: string]: SyscallTable } = { rumpkernCalls, rumpvfsCalls, rumpnetCalls, aioCalls, nfsserverCalls };
const all: [string, SyscallSpec][] = Object.values(tables)
  .flatMap((table) => Object.entries(table))
  .map(([name, text]) => [name, syscallSpec(text)]);

describe('the system call tables', () => {
  test("every call of NetBSD's rump kernel is in one of them, or an older ABI of one that is", () => {
    const current = new Map(all.map(([name, spec]) => [spec.num, netbsdCallName(name)]));
    const answered = known.map(([name, num]) => [name, current.get(num) ?? compatCalls[num], num]).filter(([name, ours]) => name !== ours);
    expect(answered).toEqual([]);
  });

  test('they hold no other numbers', () => {
    const numbers = new Set(known.map(([, num]) => num));
    expect(all.filter(([, spec]) => !numbers.has(spec.num))).toEqual([]);
    expect(Object.keys(compatCalls).filter((num) => !numbers.has(Number(num)))).toEqual([]);
  });

  test('no name and no number comes twice', () => {
    expect(new Set(all.map(([name]) => name)).size).toBe(all.length);
    expect(new Set(all.map(([, spec]) => spec.num)).size).toBe(all.length);
  });

  test('a name that NetBSD lists twice has its newest number, and its older one is an alias', () => {
    const newest = new Map(known);
    for (const [name, spec] of all) expect([name, spec.num]).toEqual([name, newest.get(netbsdCallName(name))]);
    const older = known.filter(([name, num]) => newest.get(name) !== num).map(([name, num]) => [String(num), name]);
    expect(Object.entries(compatCalls)).toEqual(older);
  });

  test('the network faction has its eighteen calls', () => {
    expect(Object.keys(rumpnetCalls)).toHaveLength(18);
  });

  test('what may be left out stands at the end', () => {
    const optional = (kind: ArgKind): boolean => kind.endsWith('?');
    // ktrace(undefined, KTROP_CLEAR, ...) names no file, and yet has the file first.
    const odd = all
      .filter(([, { args }]) => args.some((kind, i) => optional(kind) && args.slice(i).some((later) => !optional(later))))
      .map(([name]) => name);
    expect(odd).toEqual(['ktrace']);
  });
});

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
/** Compiles only for `true`. */
function typesHold(...checks: true[]): void {
  expect(checks).not.toContain(false);
}

describe('the types that follow from the tables', () => {
  type Vfs = typeof rumpvfsCalls;
  type Kern = typeof rumpkernCalls;

  test('a caller may give a path as text or bytes, a handler gets a byte string', () => {
    const path: Equal<SysArgs<Vfs, 'open'>[0], string | Uint8Array> = true;
    const handled: Equal<
      Parameters<Handlers<Vfs, { pid: number }>['open']>,
      [l: { pid: number }, arg: string, arg: number, arg?: number | undefined]
    > = true;
    typesHold(path, handled);
  });

  test('results have the type of their kind', () => {
    const pair: Equal<SysRet<Kern, 'pipe'>, [number, number]> = true;
    const stat: Equal<ReturnType<SysOf<Vfs>['lstat']>, Stat> = true;
    const later: Equal<ReturnType<CallsOf<Kern>['read']>, Promise<number>> = true;
    typesHold(pair, stat, later);
  });

  test('every word of a table is a kind', () => {
    type Tables = typeof rumpkernCalls & typeof rumpvfsCalls & typeof rumpnetCalls & typeof aioCalls & typeof nfsserverCalls;
    type Odd<T> = { [K in keyof T]: T[K] extends SyscallTable[string] ? ([SyscallKinds<T[K]>] extends [never] ? K : never) : K }[keyof T];
    const none: Equal<Odd<Tables>, never> = true;
    const found: Equal<Odd<{ good: '1 int fd'; bad: '2 int fdd'; worse: '3 integer fd' }>, 'bad' | 'worse'> = true;
    typesHold(none, found);
  });

  test('arguments which may be left out are optional parameters', () => {
    const sys = { stat: () => undefined, open: () => 3, ktrace: () => undefined } as unknown as SysOf<Vfs>;
    sys.stat('/x');
    sys.open('/x', 0);
    sys.open('/x', 0, 0o644);
    sys.ktrace(undefined, 1, 0, 0);
    // @ts-expect-error: the flags are missing
    sys.open('/x');
    // @ts-expect-error: a number is no path
    sys.open(3, 0);
    typesHold();
  });

  test('a handler table must be whole', () => {
    // @ts-expect-error: seventeen are missing
    const some: Handlers<typeof rumpnetCalls, undefined> = { listen: () => undefined };
    expect(Object.keys(some)).toEqual(['listen']);
  });
});
