/**
 * System calls of the base: processes, descriptors, pipes, events, time, sysctl, modules, semaphores.
 *
 * Numbers are those of the current ABI (NetBSD's syscalls.master); earlier ABIs of the same call are in syscalls.ts, compatCalls.
 */

export const rumpkernCalls = {
  read: { number: 3, args: ['fd', 'out'], ret: 'len' },
  write: { number: 4, args: ['fd', 'in'], ret: 'len' },
  close: { number: 6, args: ['fd'], ret: 'void' },
  readv: { number: 120, args: ['fd', 'iovout'], ret: 'len' },
  writev: { number: 121, args: ['fd', 'iovin'], ret: 'len' },
  ioctl: { number: 54, args: ['fd', 'uint', 'inout?'], ret: 'int' },
  dup: { number: 41, args: ['fd'], ret: 'fd' },
  dup2: { number: 90, args: ['fd', 'fd'], ret: 'fd' },
  dup3: { number: 454, args: ['fd', 'fd', 'int'], ret: 'fd' },
  fcntl: { number: 92, args: ['fd', 'int', 'fcntl?'], ret: 'int' },
  fstat: { number: 440, args: ['fd', 'stat?'], ret: 'stat' },
  pipe: { number: 42, args: [], ret: 'pair' },
  pipe2: { number: 453, args: ['int'], ret: 'pair' },

  /** poll(fds, timeoutMs): how many are ready; their `revents` are filled. INFTIM waits for ever. */
  poll: { number: 209, args: ['pollfds', 'int'], ret: 'int' },
  pollts: { number: 437, args: ['pollfds', 'timespec?', 'sigset?'], ret: 'int' },
  select: { number: 417, args: ['selects', 'timespec?'], ret: 'int' },
  pselect: { number: 436, args: ['selects', 'timespec?', 'sigset?'], ret: 'int' },
  kqueue: { number: 344, args: [], ret: 'fd' },
  kqueue1: { number: 455, args: ['int'], ret: 'fd' },
  /** kevent(kq, changes, events, timeout): how many of `events` are filled. */
  kevent: { number: 435, args: ['fd', 'changes', 'kevents', 'timespec?'], ret: 'int' },

  getpid: { number: 20, args: [], ret: 'pid' },
  getppid: { number: 39, args: [], ret: 'pid' },
  getpgrp: { number: 81, args: [], ret: 'pid' },
  setpgid: { number: 82, args: ['pid', 'pid'], ret: 'void' },
  getpgid: { number: 207, args: ['pid'], ret: 'pid' },
  setsid: { number: 147, args: [], ret: 'pid' },
  getsid: { number: 286, args: ['pid'], ret: 'pid' },
  getuid: { number: 24, args: [], ret: 'uid' },
  geteuid: { number: 25, args: [], ret: 'uid' },
  getgid: { number: 47, args: [], ret: 'gid' },
  getegid: { number: 43, args: [], ret: 'gid' },
  setuid: { number: 23, args: ['uid'], ret: 'void' },
  seteuid: { number: 183, args: ['uid'], ret: 'void' },
  setreuid: { number: 126, args: ['uid', 'uid'], ret: 'void' },
  setgid: { number: 181, args: ['gid'], ret: 'void' },
  setegid: { number: 182, args: ['gid'], ret: 'void' },
  setregid: { number: 127, args: ['gid', 'gid'], ret: 'void' },
  getgroups: { number: 79, args: [], ret: 'gids' },
  setgroups: { number: 80, args: ['gids'], ret: 'void' },
  issetugid: { number: 305, args: [], ret: 'int' },
  getlogin: { number: 49, args: [], ret: 'str' },
  setlogin: { number: 50, args: ['str'], ret: 'void' },
  getrlimit: { number: 194, args: ['int'], ret: 'rlimit' },
  setrlimit: { number: 195, args: ['int', 'rlimit'], ret: 'void' },

  /** The wall clock, in whole microseconds. */
  gettimeofday: { number: 418, args: [], ret: 'timespec' },
  settimeofday: { number: 419, args: ['timespec'], ret: 'void' },
  /** adjtime(delta): what was left of the adjustment before. */
  adjtime: { number: 421, args: ['timespec'], ret: 'timespec' },
  clock_gettime: { number: 427, args: ['int'], ret: 'timespec' },
  clock_settime: { number: 428, args: ['int', 'timespec'], ret: 'void' },
  clock_getres: { number: 429, args: ['int'], ret: 'timespec' },
  nanosleep: { number: 430, args: ['timespec'], ret: 'void' },
  /** clock_nanosleep(clock, TIMER_*, time) */
  clock_nanosleep: { number: 477, args: ['int', 'int', 'timespec'], ret: 'void' },
  /** setitimer(ITIMER_*, timer): the timer as it was. */
  setitimer: { number: 425, args: ['int', 'itimer'], ret: 'itimer' },
  getitimer: { number: 426, args: ['int'], ret: 'itimer' },
  /** timer_create(clock, event): the new timer. */
  timer_create: { number: 235, args: ['int', 'sigevent?'], ret: 'int' },
  timer_delete: { number: 236, args: ['int'], ret: 'void' },
  timer_getoverrun: { number: 239, args: ['int'], ret: 'int' },
  /** timer_settime(timer, TIMER_*, new): the timer as it was. */
  timer_settime: { number: 446, args: ['int', 'int', 'itimer'], ret: 'itimer' },
  timer_gettime: { number: 447, args: ['int'], ret: 'itimer' },

  /** sysctl(name, new): the value as it was before; it changes only when `new` is given. */
  sysctl: { number: 202, args: ['sysctlname', 'sysctl?'], ret: 'sysctl' },
  reboot: { number: 208, args: ['int', 'str?'], ret: 'void' },
  /** modctl(MODCTL_*, name or argument): Modstat[] for MODCTL_STAT. */
  modctl: { number: 246, args: ['int', 'any?'], ret: 'any' },
  /** fktrace(fd, KTROP_*, KTRFAC_*, pid) */
  fktrace: { number: 288, args: ['fd', 'int', 'int', 'pid'], ret: 'void' },
  utrace: { number: 306, args: ['str', 'in'], ret: 'void' },

  /** ksem_init(value): a nameless semaphore. */
  ksem_init: { number: 247, args: ['uint'], ret: 'int' },
  /** ksem_open(name, O_*, mode, value) */
  ksem_open: { number: 248, args: ['str', 'int', 'mode?', 'int?'], ret: 'int' },
  ksem_unlink: { number: 249, args: ['str'], ret: 'void' },
  ksem_close: { number: 250, args: ['int'], ret: 'void' },
  ksem_post: { number: 251, args: ['int'], ret: 'void' },
  ksem_wait: { number: 252, args: ['int'], ret: 'void' },
  ksem_trywait: { number: 253, args: ['int'], ret: 'void' },
  ksem_getvalue: { number: 254, args: ['int'], ret: 'int' },
  ksem_destroy: { number: 255, args: ['int'], ret: 'void' },
  /** ksem_timedwait(semaphore, point in time of CLOCK_REALTIME) */
  ksem_timedwait: { number: 256, args: ['int', 'timespec'], ret: 'void' },
} as const;
