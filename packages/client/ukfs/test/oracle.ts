/**
 * One script of calls, for Node's own `fs` and for ukfs, in each of its three forms: what came of it is written down in a way that can be
 * compared.
 */
import type hostFs from 'node:fs';
import type { Ukfs } from '@anykernel/ukfs';

export type Form = 'synchronous' | 'callback' | 'promise';
export const FORMS: readonly Form[] = ['synchronous', 'callback', 'promise'];

type Fn = (...args: unknown[]) => unknown;
export type AnyFs = typeof hostFs | Ukfs;

/** Makes calls in one form, and keeps a record of what came of each. */
export class Recorder {
  readonly log: string[] = [];

  constructor(
    readonly fs: AnyFs,
    readonly form: Form,
    readonly base: string,
  ) {}

  /** A path below the folder of the script. */
  at(name: string): string {
    return `${this.base}/${name}`;
  }

  /** Makes a call; its result, or undefined if it failed. */
  async call(name: string, ...args: unknown[]): Promise<unknown> {
    const words = `${name}(${args.map((a, i) => (i === 0 && isOpen(name, a) ? 'fd' : show(a, this.base))).join(', ')})`;
    try {
      const result = await this.#invoke(name, args);
      this.log.push(`${words} = ${show(result, this.base)}`);
      return result;
    } catch (e) {
      this.log.push(`${words} ! ${showError(e, this.base)}`);
      return undefined;
    }
  }

  /** The same, without a record. */
  async quiet(name: string, ...args: unknown[]): Promise<unknown> {
    return this.#invoke(name, args);
  }

  async #invoke(name: string, args: unknown[]): Promise<unknown> {
    const fs = this.fs as unknown as Record<string, Fn> & { promises: Record<string, Fn> };
    if (this.form === 'synchronous') return (fs[`${name}Sync`] as Fn)(...args);
    if (this.form === 'promise') return (fs.promises[name] as Fn)(...args);
    return new Promise((resolve, reject) => {
      (fs[name] as Fn)(...args, (error: unknown, result: unknown) => (error ? reject(error as Error) : resolve(result)));
    });
  }
}

/** Descriptors differ from one process to another. */
function isOpen(name: string, fd: unknown): boolean {
  return typeof fd === 'number' && fd >= 0 && fd < 1000 && !['stat', 'link', 'symlink', 'readdir', 'mkdtemp'].includes(name);
}

const QUESTIONS = ['isFile', 'isDirectory', 'isSymbolicLink', 'isFIFO', 'isSocket', 'isCharacterDevice', 'isBlockDevice'] as const;

interface Answers {
  readonly mode?: number | bigint;
  readonly nlink: number | bigint;
  readonly uid: number | bigint;
  readonly gid: number | bigint;
  readonly size: number | bigint;
  readonly name?: string | Uint8Array;
  readonly parentPath?: string;
}

/** A result in words: what differs from one file system to another (inode numbers, times, blocks) is left out. */
export function show(value: unknown, base: string): string {
  if (typeof value === 'string') return JSON.stringify(value.replaceAll(base, 'BASE'));
  if (typeof value === 'function') return 'function';
  if (typeof value === 'bigint') return `${value}n`;
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString('latin1').replaceAll(base, 'BASE')}`;
  if (Array.isArray(value))
    return `[${value
      .map((v) => show(v, base))
      .sort()
      .join(', ')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  if (Object.prototype.toString.call(value) === '[object Date]') return `Date ${(value as Date).getTime()}`;
  if ('isDirectory' in value) return showStats(value as unknown as Answers, base);
  return `{${Object.entries(value)
    .map(([k, v]) => `${k}: ${show(v, base)}`)
    .join(', ')}}`;
}

function showStats(st: Answers, base: string): string {
  const kind = QUESTIONS.filter((q) => (st as unknown as Record<string, () => boolean>)[q]?.()).join();
  if (st.mode === undefined) return `dirent ${show(st.name, base)} in ${show(st.parentPath, base)} ${kind}`;
  // The length of a directory is the file system's own affair.
  const size = kind === 'isDirectory' ? 'any' : show(st.size, base);
  return `stats mode ${st.mode.toString(8)} nlink ${kind === 'isDirectory' ? 'any' : st.nlink} owner ${st.uid}:${st.gid} size ${size} ${kind}`;
}

const FIELDS = ['name', 'code', 'errno', 'syscall', 'path', 'dest', 'message'] as const;

export function showError(e: unknown, base: string): string {
  const error = e as Record<(typeof FIELDS)[number], unknown>;
  return FIELDS.filter((f) => error[f] !== undefined)
    .map((f) => `${f}: ${show(error[f], base)}`)
    .join(', ');
}
