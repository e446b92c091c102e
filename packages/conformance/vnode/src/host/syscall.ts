/**
 * Any system call of the host's Linux, by way of perl: what node:fs does not have, or does not pass on as it is.
 *
 * One perl process serves all calls of a HostCalls, over two fifos, since Node can wait for a fifo without its event loop. It takes the caller's
 * directory, ids and umask for a call, and borrows descriptors (pidfd_getfd(2)), which so share their position with Node's.
 */
import { execFileSync, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

/** The descriptor of the call, in the place where it stands among the arguments. */
export const FD = 'fd';

/** A number, bytes to be read, a buffer of so many bytes to be filled, the descriptor. */
export type HostArg = number | bigint | Uint8Array | { readonly fill: number } | typeof FD;

export interface HostCaller {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  readonly umask: number;
  /** A descriptor of the working directory. */
  readonly cwd: number;
}

/** As node:fs throws them. */
export class HostError extends Error {
  readonly code: string;
  constructor(code: string, call: string) {
    super(`${code}: ${call}`);
    this.code = code;
  }
}

/** The server. A call with changed real ids runs in a child, because there is no way back from them. */
const SERVER = `
my ($in, $out, $pid) = @ARGV;
open(IN, '<', $in) or die; open(OUT, '>', $out) or die;
select(OUT); $| = 1;
my $node = syscall(434, $pid + 0, 0);
my $close = $^O eq 'linux' && \`uname -m\` =~ /aarch64/ ? 57 : 3;
sub perform {
  my ($number, @p) = @_;
  my $result = syscall($number + 0, @p);
  return ($result, $result == -1 ? $! + 0 : 0, @p);
}
while (1) {
  my $ready = ''; vec($ready, fileno(IN), 1) = 1;
  if (!select($ready, undef, undef, 2)) { kill(0, $pid) ? next : last }
  my $line = <IN>; last unless defined $line; chomp $line; last if $line eq 'end';
  my ($uid, $real, $groups, $umask, $cwd, $fd, $number, @args) = split / /, $line;
  $groups =~ tr/,/ /;
  my $own = $fd < 0 ? -1 : syscall(438, $node, $fd + 0, 0);
  if ($fd >= 0 && $own < 0) { print "-1 9\\n"; next }
  umask($umask);
  chdir("/proc/$pid/fd/$cwd") or die;
  my @p = map { $_ eq 'fd' ? 0 + $own : /^i(.*)/ ? 0 + $1 : /^s(.*)/ ? pack('H*', $1) . "\\0" : /^b(.*)/ ? "\\0" x ($1 + 1) : die } @args;
  my ($result, $error);
  if ($real) {
    my $child = fork();
    if (!$child) {
      $( = (split / /, $groups)[0] + 0; $) = $groups; ($<, $>) = ($uid, $uid);
      my ($r, $e) = perform($number, @p);
      kill(9, $$) if $e > 255; exit($e);
    }
    waitpid($child, 0); $error = $? >> 8; $result = $error ? -1 : 0;
  } else {
    if ($uid) { $) = $groups; $> = $uid; }
    ($result, $error, @p) = perform($number, @p);
    if ($uid) { $> = 0; $) = '0 0'; }
  }
  syscall($close, $own) if $own >= 0;
  chdir('/');
  print join(' ', $result, $error, map { $args[$_] =~ /^b/ ? unpack('H*', $p[$_]) : () } 0 .. $#args), "\\n";
}
`;

export interface HostResult {
  readonly result: number;
  /** The same, exactly. */
  readonly exact: bigint;
  /** The buffers that were filled. */
  readonly filled: readonly Uint8Array[];
}

export class HostCalls {
  readonly #dir: string;
  readonly #request: number;
  readonly #response: number;
  readonly #buf = Buffer.alloc(1 << 20);

  constructor() {
    this.#dir = mkdtempSync(join(tmpdir(), 'anykernel-calls-'));
    const [request, response] = [join(this.#dir, 'request'), join(this.#dir, 'response')];
    execFileSync('mkfifo', [request, response]);
    this.#request = openSync(request, 'r+');
    this.#response = openSync(response, 'r+');
    const args = ['-c', 'perl -e "$0" "$1" "$2" "$3" || { [ -p "$2" ] && echo dead 1<> "$2"; }', SERVER, request, response, String(process.pid)];
    spawn('sh', args, { stdio: 'ignore', cwd: '/' }).unref();
  }

  /** Makes `call` as `who`. `real`: real ids are changed, too. HostError. */
  call(who: HostCaller, call: HostCall, args: readonly HostArg[], fd = -1, real = false): HostResult {
    const number = NUMBERS[call][process.arch === 'arm64' ? 1 : 0];
    const groups = [who.gid, who.gid, ...who.groups].join(',');
    writeSync(this.#request, `${[who.uid, real ? 1 : 0, groups, who.umask, who.cwd, fd, number, ...args.map(word)].join(' ')}\n`);
    const [result = '', error = '', ...filled] = this.#line().split(' ');
    if (result === 'dead') throw new Error('the process that makes system calls has ended');
    if (error !== '0') throw new HostError(linuxToErrno(Number(error)).code, call);
    return { result: Number(result), exact: BigInt(result), filled: filled.map((hex) => Uint8Array.from(Buffer.from(hex, 'hex'))) };
  }

  #line(): string {
    let len = 0;
    do len += readSync(this.#response, this.#buf, len, this.#buf.length - len, null);
    while (this.#buf[len - 1] !== 10);
    return this.#buf.toString('latin1', 0, len - 1);
  }

  end(): void {
    writeSync(this.#request, 'end\n');
    closeSync(this.#request);
    closeSync(this.#response);
    rmSync(this.#dir, { recursive: true });
  }
}

function word(arg: HostArg): string {
  if (typeof arg === 'number' || typeof arg === 'bigint') return `i${arg}`;
  if (arg instanceof Uint8Array) return `s${Buffer.from(arg).toString('hex')}`;
  return arg === FD ? FD : `b${arg.fill}`;
}
