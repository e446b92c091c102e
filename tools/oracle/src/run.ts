/** Runs other people's programs, bounded in time. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TOOL_PATH } from './needs.js';

export interface Result {
  /** The exit status; 124 when the time was up. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly bytes: Uint8Array;
}

export interface RunOptions {
  readonly input?: string | Uint8Array;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** 150 seconds where nothing is said: on a busy machine as well, only what hangs takes them. */
  readonly timeoutMs?: number;
}

/** Runs `program` and gives what it said, whatever its status. */
export function run(program: string, args: readonly string[], options: RunOptions = {}): Result {
  const { input, cwd, env = {}, timeoutMs = 150_000 } = options;
  const done = spawnSync(program, args, {
    input,
    cwd,
    env: { ...process.env, PATH: TOOL_PATH, LC_ALL: 'C', TZ: 'UTC', ...env },
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
    maxBuffer: 256 << 20,
  });
  const late = (done.error as NodeJS.ErrnoException | undefined)?.code === 'ETIMEDOUT';
  if (done.error !== undefined && !late) throw done.error;
  return { status: late ? 124 : (done.status ?? 128), stdout: done.stdout.toString(), stderr: done.stderr.toString(), bytes: done.stdout };
}

/** As run(), and throws with all that the program said unless its status is 0. Gives its standard output. */
export function mustRun(program: string, args: readonly string[], options: RunOptions = {}): string {
  const { status, stdout, stderr } = run(program, args, options);
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: status ${status}\n${stdout}${stderr}`);
  return stdout;
}

/** Calls `body` with an empty temporary folder, which is gone afterwards. */
export function withFolder<T>(body: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'anykernel-'));
  try {
    return body(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Calls `body` with the folder where the host's kernel has mounted `image`; unmounted afterwards. Needs `loop:TYPE`. */
export function withMount<T>(image: string, type: string, body: (folder: string) => T, flags: readonly string[] = []): T {
  return withFolder((folder) => {
    mustRun('mount', ['-t', type, '-o', ['loop', ...flags].join(','), image, folder]);
    try {
      return body(folder);
    } finally {
      if (run('umount', [folder]).status !== 0) mustRun('umount', ['-l', folder]);
    }
  });
}
