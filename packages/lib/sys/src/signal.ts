/**
 * Signal numbers: NetBSD's.
 */

export const SIGHUP = 1;
export const SIGINT = 2;
export const SIGQUIT = 3;
export const SIGILL = 4;
export const SIGTRAP = 5;
export const SIGABRT = 6;
export const SIGEMT = 7;
export const SIGFPE = 8;
export const SIGKILL = 9;
export const SIGBUS = 10;
export const SIGSEGV = 11;
export const SIGSYS = 12;
export const SIGPIPE = 13;
export const SIGALRM = 14;
export const SIGTERM = 15;
export const SIGURG = 16;
export const SIGSTOP = 17;
export const SIGTSTP = 18;
export const SIGCONT = 19;
export const SIGCHLD = 20;
export const SIGTTIN = 21;
export const SIGTTOU = 22;
export const SIGIO = 23;
export const SIGXCPU = 24;
export const SIGXFSZ = 25;
export const SIGVTALRM = 26;
export const SIGPROF = 27;
export const SIGWINCH = 28;
export const SIGINFO = 29;
export const SIGUSR1 = 30;
export const SIGUSR2 = 31;
export const SIGPWR = 32;
export const SIGRTMIN = 33;
export const SIGRTMAX = 63;

/** One more than the largest signal number. */
export const NSIG = 64;

/** How sigprocmask(2) joins the masks. */
export const SIG_BLOCK = 1;
export const SIG_UNBLOCK = 2;
export const SIG_SETMASK = 3;

/** How timer_create(2) tells that a timer has gone off. */
export const SIGEV_NONE = 0;
export const SIGEV_SIGNAL = 1;

/** How to tell of an event: nothing, or a signal. */
export interface Sigevent {
  /** SIGEV_* */
  readonly notify: number;
  readonly signo: number;
  readonly value?: unknown;
}

const NAMES: readonly string[] = (
  'HUP INT QUIT ILL TRAP ABRT EMT FPE KILL BUS SEGV SYS PIPE ALRM TERM URG STOP TSTP CONT CHLD TTIN TTOU IO XCPU XFSZ VTALRM PROF WINCH INFO ' +
  'USR1 USR2 PWR'
).split(' ');

/** `SIGPIPE` for 13, `SIGRTMIN+2` for 35; undefined when there is no such signal. */
export function signalName(signo: number): string | undefined {
  if (signo >= SIGRTMIN && signo <= SIGRTMAX) return signo === SIGRTMIN ? 'SIGRTMIN' : `SIGRTMIN+${signo - SIGRTMIN}`;
  const name = NAMES[signo - 1];
  return name === undefined ? undefined : `SIG${name}`;
}
