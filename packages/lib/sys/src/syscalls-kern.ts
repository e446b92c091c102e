/**
 * System calls of the base: processes, descriptors, pipes, events, time, sysctl, modules, semaphores.
 *
 * Numbers are those of the current ABI (NetBSD's syscalls.master); earlier ABIs of the same call are in syscalls.ts, compatCalls.
 */

export const rumpkernCalls = {
  read: { num: 3, args: ['fd', 'out'], ret: 'len' },
  write: { num: 4, args: ['fd', 'in'], ret: 'len' },
  close: { num: 6, args: ['fd'], ret: 'void' },
  readv: { num: 120, args: ['fd', 'iovout'], ret: 'len' },
  writev: { num: 121, args: ['fd', 'iovin'], ret: 'len' },
  ioctl: { num: 54, args: ['fd', 'uint', 'inout?'], ret: 'int' },
  dup: { num: 41, args: ['fd'], ret: 'fd' },
  dup2: { num: 90, args: ['fd', 'fd'], ret: 'fd' },
  dup3: { num: 454, args: ['fd', 'fd', 'int'], ret: 'fd' },
  fcntl: { num: 92, args: ['fd', 'int', 'fcntl?'], ret: 'int' },
  fstat: { num: 440, args: ['fd', 'stat?'], ret: 'stat' },
  pipe: { num: 42, args: [], ret: 'pair' },
  pipe2: { num: 453, args: ['int'], ret: 'pair' },

  /** poll(fds, timeoutMs): how many are ready; their `revents` are filled. INFTIM waits for ever. */
  poll: { num: 209, args: ['pollfds', 'int'], ret: 'int' },
  pollts: { num: 437, args: ['pollfds', 'timespec?', 'sigset?'], ret: 'int' },
  select: { num: 417, args: ['selects', 'timespec?'], ret: 'int' },
  pselect: { num: 436, args: ['selects', 'timespec?', 'sigset?'], ret: 'int' },
  kqueue: { num: 344, args: [], ret: 'fd' },
  kqueue1: { num: 455, args: ['int'], ret: 'fd' },
  /** kevent(kq, changes, events, timeout): how many of `events` are filled. */
  kevent: { num: 435, args: ['fd', 'changes', 'kevents', 'timespec?'], ret: 'int' },

  getpid: { num: 20, args: [], ret: 'pid' },
  getppid: { num: 39, args: [], ret: 'pid' },
  getpgrp: { num: 81, args: [], ret: 'pid' },
  setpgid: { num: 82, args: ['pid', 'pid'], ret: 'void' },
  getpgid: { num: 207, args: ['pid'], ret: 'pid' },
  setsid: { num: 147, args: [], ret: 'pid' },
  getsid: { num: 286, args: ['pid'], ret: 'pid' },
  getuid: { num: 24, args: [], ret: 'uid' },
  geteuid: { num: 25, args: [], ret: 'uid' },
  getgid: { num: 47, args: [], ret: 'gid' },
  getegid: { num: 43, args: [], ret: 'gid' },
  setuid: { num: 23, args: ['uid'], ret: 'void' },
  seteuid: { num: 183, args: ['uid'], ret: 'void' },
  setreuid: { num: 126, args: ['uid', 'uid'], ret: 'void' },
  setgid: { num: 181, args: ['gid'], ret: 'void' },
  setegid: { num: 182, args: ['gid'], ret: 'void' },
  setregid: { num: 127, args: ['gid', 'gid'], ret: 'void' },
  getgroups: { num: 79, args: [], ret: 'gids' },
  setgroups: { num: 80, args: ['gids'], ret: 'void' },
  issetugid: { num: 305, args: [], ret: 'int' },
  getlogin: { num: 49, args: [], ret: 'str' },
  setlogin: { num: 50, args: ['str'], ret: 'void' },
  getrlimit: { num: 194, args: ['int'], ret: 'rlimit' },
  setrlimit: { num: 195, args: ['int', 'rlimit'], ret: 'void' },

  /** The wall clock, in whole microseconds. */
  gettimeofday: { num: 418, args: [], ret: 'timespec' },
  settimeofday: { num: 419, args: ['timespec'], ret: 'void' },
  /** adjtime(delta): what was left of the adjustment before. */
  adjtime: { num: 421, args: ['timespec'], ret: 'timespec' },
  clock_gettime: { num: 427, args: ['int'], ret: 'timespec' },
  clock_settime: { num: 428, args: ['int', 'timespec'], ret: 'void' },
  clock_getres: { num: 429, args: ['int'], ret: 'timespec' },
  nanosleep: { num: 430, args: ['timespec'], ret: 'void' },
  /** clock_nanosleep(clock, TIMER_*, time) */
  clock_nanosleep: { num: 477, args: ['int', 'int', 'timespec'], ret: 'void' },
  /** setitimer(ITIMER_*, timer): the timer as it was. */
  setitimer: { num: 425, args: ['int', 'itimer'], ret: 'itimer' },
  getitimer: { num: 426, args: ['int'], ret: 'itimer' },
  /** timer_create(clock, event): the new timer. */
  timer_create: { num: 235, args: ['int', 'sigevent?'], ret: 'int' },
  timer_delete: { num: 236, args: ['int'], ret: 'void' },
  timer_getoverrun: { num: 239, args: ['int'], ret: 'int' },
  /** timer_settime(timer, TIMER_*, new): the timer as it was. */
  timer_settime: { num: 446, args: ['int', 'int', 'itimer'], ret: 'itimer' },
  timer_gettime: { num: 447, args: ['int'], ret: 'itimer' },

  /** sysctl(name, new): the value as it was before; it changes only when `new` is given. */
  sysctl: { num: 202, args: ['sysctlname', 'sysctl?'], ret: 'sysctl' },
  reboot: { num: 208, args: ['int', 'str?'], ret: 'void' },
  /** modctl(MODCTL_*, name or argument): Modstat[] for MODCTL_STAT. */
  modctl: { num: 246, args: ['int', 'any?'], ret: 'any' },
  /** fktrace(fd, KTROP_*, KTRFAC_*, pid) */
  fktrace: { num: 288, args: ['fd', 'int', 'int', 'pid'], ret: 'void' },
  utrace: { num: 306, args: ['str', 'in'], ret: 'void' },

  /** ksem_init(value): a nameless semaphore. */
  ksem_init: { num: 247, args: ['uint'], ret: 'int' },
  /** ksem_open(name, O_*, mode, value) */
  ksem_open: { num: 248, args: ['str', 'int', 'mode?', 'int?'], ret: 'int' },
  ksem_unlink: { num: 249, args: ['str'], ret: 'void' },
  ksem_close: { num: 250, args: ['int'], ret: 'void' },
  ksem_post: { num: 251, args: ['int'], ret: 'void' },
  ksem_wait: { num: 252, args: ['int'], ret: 'void' },
  ksem_trywait: { num: 253, args: ['int'], ret: 'void' },
  ksem_getvalue: { num: 254, args: ['int'], ret: 'int' },
  ksem_destroy: { num: 255, args: ['int'], ret: 'void' },
  /** ksem_timedwait(semaphore, point in time of CLOCK_REALTIME) */
  ksem_timedwait: { num: 256, args: ['int', 'timespec'], ret: 'void' },
} as const;
