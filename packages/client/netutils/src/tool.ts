/**
 * What the tools have in common: a process of a kernel, where their lines go, and how they read their arguments.
 *
 * A tool is a program of the field's, as a function: system calls and nothing else. Its result is the exit status.
 */
import { AF_INET, inetParse, inetText, parseSockaddrIn, sockaddrIn } from '@anykernel/lib-sys';
import type { Proc } from '@anykernel/rumpkern';

export interface ToolIo {
  /** The process that it runs as. */
  readonly p: Proc;
  /** A line, without its end, for the output. */
  out(line: string): void;
  /** A line for people who wonder what went wrong. */
  err(line: string): void;
  /** Bytes that nc gets and gives; undefined at the end. */
  read?(): Promise<Uint8Array | undefined>;
  write?(bytes: Uint8Array): void;
  /** The user has had enough. */
  readonly signal?: AbortSignalLike;
}

/** What of an AbortSignal is needed here. */
export interface AbortSignalLike {
  readonly aborted: boolean;
}

/** The arguments make no sense; the message is the usage. */
export class ToolUsage extends Error {
  override readonly name = 'ToolUsage';
}

export interface Tool {
  readonly name: string;
  readonly usage: string;
  readonly about: string;
  run(io: ToolIo, args: readonly string[]): Promise<number>;
}

/** Options of one letter, `-c 3` or `-c3`, and what is left. `withValue`: letters that have one, as getopt(3) has it. ToolUsage. */
export function getopt(usage: string, args: readonly string[], flags: string, withValue: string): { options: Map<string, string>; rest: string[] } {
  const options = new Map<string, string>();
  let i = 0;
  for (; i < args.length; i++) {
    const arg = args[i];
    if (arg === '--') {
      i++;
      break;
    }
    if (!arg.startsWith('-') || arg === '-') break;
    for (let at = 1; at < arg.length; at++) {
      const letter = arg[at];
      if (flags.includes(letter)) {
        options.set(letter, '');
        continue;
      }
      if (!withValue.includes(letter)) throw new ToolUsage(usage);
      const value = at + 1 < arg.length ? arg.slice(at + 1) : args[++i];
      if (value === undefined) throw new ToolUsage(usage);
      options.set(letter, value);
      break;
    }
  }
  return { options, rest: args.slice(i) };
}

/** A number of an option, or what it is without one. ToolUsage: it is none, or out of bounds. */
export function numberOption(options: ReadonlyMap<string, string>, letter: string, otherwise: number, min: number, max: number, usage: string): number {
  const text = options.get(letter);
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (text === '' || !(value >= min && value <= max)) throw new ToolUsage(usage);
  return value;
}

/** An IPv4 address as text, or `localhost`. ToolUsage. */
export function addressOf(text: string, usage: string): number {
  const addr = text === 'localhost' ? 0x7f00_0001 : inetParse(text);
  if (addr === undefined) throw new ToolUsage(`${text}: not an address\n${usage}`);
  return addr;
}

export function socketAddress(addr: number, port = 0): Uint8Array {
  return sockaddrIn(addr, port);
}

/** Address and port of a sockaddr, as text. */
export function nameText(sa: Uint8Array | undefined): string {
  const parsed = sa === undefined ? undefined : parseSockaddrIn(sa);
  return parsed === undefined ? '?' : inetText(parsed.addr);
}

/** Runs `fn` with a socket that is closed in the end. */
export async function withSocket<T>(p: Proc, type: number, protocol: number, fn: (fd: number) => T | Promise<T>, family: number = AF_INET): Promise<T> {
  const fd = await p.call.socket(family, type, protocol);
  try {
    return await fn(fd);
  } finally {
    p.sys.close(fd);
  }
}

/** What a failed system call says, without its name. */
export function reason(e: unknown): string {
  const { code, message } = e as { code?: string; message?: string };
  if (code === 'ENOSYS') return 'this kernel has no such network (components netinet and netinet6 bring one)';
  return code === undefined ? String(message ?? e) : (message ?? code).replace(/^E[A-Z0-9]+: /, '').replace(/, \w+.*$/s, '');
}
