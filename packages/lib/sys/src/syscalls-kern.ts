/**
 * System calls of the base: processes, descriptors, pipes, events, time, sysctl, modules, semaphores.
 *
 * Numbers are those of the current ABI (NetBSD's syscalls.master); earlier ABIs of the same call are in syscalls.ts, compatCalls.
 */
import { bareKernCalls } from './syscalls-bare.js';

export const rumpkernCalls = {
  ...bareKernCalls,

  dup: '41 fd fd',
  dup2: '90 fd fd fd',
  dup3: '454 fd fd fd int',
  pipe: '42 pair',
  pipe2: '453 pair int',

  /** poll(fds, timeoutMs): how many are ready; their `revents` are filled. INFTIM waits for ever. */
  poll: '209 int pollfds int',
  pollts: '437 int pollfds timespec? sigset?',
  select: '417 int selects timespec?',
  pselect: '436 int selects timespec? sigset?',

  getpid: '20 pid',
  getppid: '39 pid',
  getpgrp: '81 pid',
  setpgid: '82 void pid pid',
  getpgid: '207 pid pid',
  setsid: '147 pid',
  getsid: '286 pid pid',
  getuid: '24 uid',
  geteuid: '25 uid',
  getgid: '47 gid',
  getegid: '43 gid',
  setuid: '23 void uid',
  seteuid: '183 void uid',
  setreuid: '126 void uid uid',
  setgid: '181 void gid',
  setegid: '182 void gid',
  setregid: '127 void gid gid',
  getgroups: '79 gids',
  setgroups: '80 void gids',
  issetugid: '305 int',
  getlogin: '49 str',
  setlogin: '50 void str',
  getrlimit: '194 rlimit int',
  setrlimit: '195 void int rlimit',

  /** The wall clock, in whole microseconds. */
  gettimeofday: '418 timespec',
  settimeofday: '419 void timespec',
  /** adjtime(delta): what was left of the adjustment before. */
  adjtime: '421 timespec timespec',
  clock_gettime: '427 timespec int',
  clock_settime: '428 void int timespec',
  clock_getres: '429 timespec int',
  nanosleep: '430 void timespec',
  /** clock_nanosleep(clock, TIMER_*, time) */
  clock_nanosleep: '477 void int int timespec',
  /** setitimer(ITIMER_*, timer): the timer as it was. */
  setitimer: '425 itimer int itimer',
  getitimer: '426 itimer int',
  /** timer_create(clock, event): the new timer. */
  timer_create: '235 int int sigevent?',
  timer_delete: '236 void int',
  timer_getoverrun: '239 int int',
  /** timer_settime(timer, TIMER_*, new): the timer as it was. */
  timer_settime: '446 itimer int int itimer',
  timer_gettime: '447 itimer int',

  /** sysctl(name, new): the value as it was before; it changes only when `new` is given. */
  sysctl: '202 sysctl sysctlname sysctl?',
  reboot: '208 void int str?',
  /** modctl(MODCTL_*, name or argument): Modstat[] for MODCTL_STAT. */
  modctl: '246 any int any?',
  /** fktrace(fd, KTROP_*, KTRFAC_*, pid) */
  fktrace: '288 void fd int int pid',
  utrace: '306 void str in',

  /** ksem_init(value): a nameless semaphore. */
  ksem_init: '247 int uint',
  /** ksem_open(name, O_*, mode, value) */
  ksem_open: '248 int str int mode? int?',
  ksem_unlink: '249 void str',
  ksem_close: '250 void int',
  ksem_post: '251 void int',
  ksem_wait: '252 void int',
  ksem_trywait: '253 void int',
  ksem_getvalue: '254 int int',
  ksem_destroy: '255 void int',
  /** ksem_timedwait(semaphore, point in time of CLOCK_REALTIME) */
  ksem_timedwait: '256 void int timespec',
} as const;
