/** Running `rump` in a test: its status, and what it said on either side. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from '@jest/globals';
import { type Io, main } from '@anykernel/stack-rump';

export interface Said {
  readonly status: number;
  readonly out: string;
  readonly err: string;
  readonly bytes: Buffer;
}

export interface Given {
  /** The standard input. */
  readonly input?: string | Uint8Array;
}

/** Runs a command line in this process. */
export async function rump(args: readonly string[], given: Given = {}): Promise<Said> {
  const [out, err]: [Uint8Array[], Uint8Array[]] = [[], []];
  const input = Buffer.from(given.input ?? '');
  let at = 0;
  const io: Io = {
    out: (bytes) => void out.push(bytes.slice()),
    err: (bytes) => void err.push(bytes.slice()),
    read(buf) {
      const n = input.copy(buf, 0, at, at + buf.length);
      at += n;
      return n;
    },
    watched: false,
  };
  const status = await main(args, io);
  const bytes = Buffer.concat(out);
  return { status, out: bytes.toString(), err: Buffer.concat(err).toString(), bytes };
}

/** Runs a command line that must go well; what it said. */
export async function ran(...args: string[]): Promise<string> {
  const { status, out, err } = await rump(args);
  if (status !== 0) throw new Error(`rump ${args.join(' ')}: status ${status}\n${out}${err}`);
  return out;
}

/** The results of a command line as objects. */
export async function results<T>(...args: string[]): Promise<T[]> {
  return JSON.parse(await ran(...args, '--json')) as T[];
}

/** A folder for the tests of a file; `path(name)` is in it. */
export function folder(): (name: string) => string {
  let dir = '';
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'anykernel-rump-'));
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  return (name) => join(dir, name);
}

let images = 0;

/** A fresh image in `path`'s folder; its name. */
export async function freshImage(path: (name: string) => string, size = '4m', ...options: string[]): Promise<string> {
  const file = path(`image-${++images}.img`);
  await ran('newfs', '-t', 'ext2fs', '-s', size, ...options, file);
  return file;
}
