/**
 * Any system call of the host's Linux, by way of perl: what node:fs does not have, or does not pass on as it is.
 *
 * A call runs in a process of its own, with the caller's directory, ids and umask; a descriptor is inherited and so shares its position.
 */
import { spawnSync } from 'node:child_process';
import { linuxToErrno } from '@anykernel/lib-sys';

/** Numbers on x64 and arm64. */
const NUMBERS = {
  lseek: [8, 62],
  pread64: [17, 67],
  pwrite64: [18, 68],
  flock: [73, 32],
  truncate: [76, 45],
  ftruncate: [77, 46],
  statfs: [137, 43],
  fstatfs: [138, 44],
  sync: [162, 81],
  setxattr: [188, 5],
  getxattr: [191, 8],
  listxattr: [194, 11],
  removexattr: [197, 14],
  getdents64: [217, 61],
  mknodat: [259, 33],
  linkat: [265, 37],
  faccessat: [269, 48],
  utimensat: [280, 88],
  fallocate: [285, 47],
} as const;

export type HostCall = keyof typeof NUMBERS;

/** A number, bytes to be read, or a buffer of so many bytes to be filled. */
export type HostArg = number | Uint8Array | { readonly fill: number };

export interface HostCaller {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  readonly umask: number;
  /** A path that leads to the working directory. */
  readonly cwd: string;
}

/** As node:fs throws them. */
export class HostError extends Error {
  readonly code: string;
  constructor(code: string, call: string) {
    super(`${code}: ${call}`);
    this.code = code;
  }
}

const SCRIPT = `
my ($uid, $real, $groups, $umask, $number, @args) = @ARGV;
umask($umask);
if ($real) { $( = (split / /, $groups)[0] + 0; }
$) = $groups;
if ($real) { ($<, $>) = ($uid, $uid); } elsif ($uid) { $> = $uid; }
my @p = map { /^i(.*)/ ? 0 + $1 : /^s(.*)/ ? pack('H*', $1) . "\\0" : /^b(.*)/ ? "\\0" x ($1 + 1) : die } @args;
my $result = syscall($number + 0, @p);
my $error = $result == -1 ? $! + 0 : 0;
print join(' ', $result, $error, map { $args[$_] =~ /^b/ ? unpack('H*', $p[$_]) : () } 0 .. $#args);
`;

/** The descriptor as the call's process sees it. */
export const FD = 3;

/** Calls `call`. `fd` is FD for it. `real`: real ids are changed, too. Gives the result and the buffers that were filled. HostError. */
export function hostCall(who: HostCaller, call: HostCall, args: readonly HostArg[], fd?: number, real = false): { result: number; filled: Uint8Array[] } {
  const number = NUMBERS[call][process.arch === 'arm64' ? 1 : 0];
  const groups = [who.gid, who.gid, ...who.groups].join(' ');
  const words = [String(who.uid), real ? '1' : '', groups, String(who.umask), String(number), ...args.map(word)];
  const stdio = fd === undefined ? undefined : (['ignore', 'pipe', 'pipe', fd] as const);
  const done = spawnSync('perl', ['-e', SCRIPT, ...words], { cwd: who.cwd, timeout: 20_000, ...(stdio && { stdio: [...stdio] }) });
  if (done.status !== 0) throw new Error(`perl: ${done.error?.message ?? done.stderr.toString()}`);
  const [result = '', error = '', ...filled] = done.stdout.toString().split(' ');
  if (error !== '0') throw new HostError(linuxToErrno(Number(error)).code, call);
  return { result: Number(result), filled: filled.map((hex) => Uint8Array.from(Buffer.from(hex, 'hex'))) };
}

function word(arg: HostArg): string {
  if (typeof arg === 'number') return `i${arg}`;
  if (arg instanceof Uint8Array) return `s${Buffer.from(arg).toString('hex')}`;
  return `b${arg.fill}`;
}
