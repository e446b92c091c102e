/** Other people's programs, outside of tests: bounded in time, in plain words. */
import { spawnSync } from 'node:child_process';

export interface Said {
  /** 124: the time was up. */
  readonly status: number;
  readonly out: string;
  readonly bytes: Uint8Array;
}

const TIMEOUT_MS = 30_000;

/** Throws where there is no such program. */
export function run(program: string, args: readonly string[], input?: Uint8Array): Said {
  const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`, LC_ALL: 'C', TZ: 'UTC' };
  const done = spawnSync(program, args, { input, env, timeout: TIMEOUT_MS, killSignal: 'SIGKILL', maxBuffer: 256 << 20 });
  const late = (done.error as NodeJS.ErrnoException | undefined)?.code === 'ETIMEDOUT';
  if (done.error !== undefined && !late) throw done.error;
  return { status: late ? 124 : (done.status ?? 128), out: `${done.stderr}${done.status === 0 ? '' : done.stdout}`, bytes: done.stdout };
}
