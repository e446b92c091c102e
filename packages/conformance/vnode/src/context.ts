/** What each test is given: a process in a directory of its own, and the small things that tests say again and again. */
import { type Dirent, O_CREAT, O_EXCL, O_RDONLY, O_TRUNC, O_WRONLY, type Stat, parseDirents } from '@anykernel/lib-sys';
import { expect } from '@jest/globals';
import type { Actor, Lack, Limits, Manners, Subject, SuiteSys } from './subject.js';

/** Whom the tests take for somebody without privileges. */
export const USER: Actor = { uid: 1000, gid: 1000 };
export const OTHER: Actor = { uid: 1001, gid: 1001 };

export class Context {
  /** The superuser's calls. Its working directory is the test's own, which is empty, of mode 0777. */
  readonly sys: SuiteSys;
  /** The test's directory, an absolute path. */
  readonly dir: string;
  readonly subject: Subject;
  readonly #lacks: ReadonlySet<Lack>;

  constructor(subject: Subject, lacks: ReadonlySet<Lack>, sys: SuiteSys, dir: string) {
    this.subject = subject;
    this.#lacks = lacks;
    this.sys = sys;
    this.dir = dir;
  }

  get limits(): Limits {
    return this.subject.limits;
  }

  get manners(): Manners {
    return this.subject.manners;
  }

  lacks(what: Lack): boolean {
    return this.#lacks.has(what);
  }

  /** Another process, in the test's directory. */
  as(actor: Actor): SuiteSys {
    const sys = this.subject.process(actor);
    sys.chdir(this.dir);
    return sys;
  }

  tick(): void {
    this.subject.tick();
  }

  /** Where systems differ and both are right: the error of this one. `why` is for the reader. */
  differs(by: Readonly<Record<Manners, string | readonly string[]>>, _why: string): readonly string[] {
    const codes = by[this.manners];
    return typeof codes === 'string' ? [codes] : codes;
  }

  /** A file with these bytes, made or overwritten. */
  write(path: string, content: string | Uint8Array = '', mode = 0o644, sys: SuiteSys = this.sys): void {
    const fd = sys.open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
    writeAll(sys, fd, typeof content === 'string' ? bytes(content) : content);
    sys.close(fd);
  }

  /** All bytes of a file. */
  read(path: string, sys: SuiteSys = this.sys): Uint8Array {
    const fd = sys.open(path, O_RDONLY);
    const data = readAll(sys, fd);
    sys.close(fd);
    return data;
  }

  readText(path: string, sys: SuiteSys = this.sys): string {
    return text(this.read(path, sys));
  }

  /** A new, empty file. */
  touch(path: string, mode = 0o644, sys: SuiteSys = this.sys): void {
    sys.close(sys.open(path, O_WRONLY | O_CREAT | O_EXCL, mode));
  }

  stat(path: string): Stat {
    return this.sys.stat(path);
  }

  readlink(path: string): string {
    const buf = new Uint8Array(70_000);
    return text(buf.subarray(0, this.sys.readlink(path, buf)));
  }

  exists(path: string): boolean {
    return codeOf(() => this.sys.lstat(path)) === undefined;
  }

  /** All entries, as the directory gives them. */
  entries(path: string | Uint8Array, sys: SuiteSys = this.sys): Dirent[] {
    const fd = sys.open(path, O_RDONLY);
    const all: Dirent[] = [];
    const buf = new Uint8Array(8192);
    for (;;) {
      const len = sys.getdents(fd, buf);
      if (len === 0) break;
      all.push(...parseDirents(buf, len));
    }
    sys.close(fd);
    return all;
  }

  /** Names in a directory, sorted, without `.` and `..`. */
  list(path: string | Uint8Array, sys: SuiteSys = this.sys): string[] {
    return this.entries(path, sys)
      .map((e) => e.name)
      .filter((name) => name !== '.' && name !== '..')
      .sort();
  }
}

/** The same error under its two names: Node's for the host, NetBSD's for a kernel. */
const SYNONYMS: Readonly<Record<string, string>> = { ENOTSUP: 'EOPNOTSUPP', ENODATA: 'ENOATTR' };

/** The code of the error that `fn` throws; undefined when it throws none. */
export function codeOf(fn: () => unknown): string | undefined {
  try {
    fn();
  } catch (e) {
    const code = (e as { code?: unknown }).code;
    if (typeof code !== 'string' || !/^E[A-Z0-9]+$/.test(code)) throw e;
    return SYNONYMS[code] ?? code;
  }
  return undefined;
}

/** `fn` fails with one of the codes. */
export function fails(fn: () => unknown, ...codes: readonly string[]): void {
  const code = codeOf(fn);
  if (codes.length === 1) expect(code ?? 'success').toBe(codes[0]);
  else expect(codes).toContain(code ?? 'success');
}

export function bytes(s: string): Uint8Array {
  return Uint8Array.from(s, (c) => c.charCodeAt(0));
}

export function text(data: Uint8Array): string {
  let s = '';
  for (let i = 0; i < data.length; i += 4096) s += String.fromCharCode(...data.subarray(i, i + 4096));
  return s;
}

export function writeAll(sys: SuiteSys, fd: number, data: Uint8Array): void {
  for (let done = 0; done < data.length; ) {
    const n = sys.write(fd, data.subarray(done));
    if (n <= 0) throw new Error(`write(2) wrote ${n} bytes`);
    done += n;
  }
}

export function readAll(sys: SuiteSys, fd: number): Uint8Array {
  const parts: Uint8Array[] = [];
  let len = 0;
  for (;;) {
    const part = new Uint8Array(65536);
    const n = sys.read(fd, part);
    if (n === 0) break;
    parts.push(part.subarray(0, n));
    len += n;
  }
  const all = new Uint8Array(len);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** `len` bytes which differ from place to place. */
export function pattern(len: number, seed = 1): Uint8Array {
  const data = new Uint8Array(len);
  let x = seed * 2654435761;
  for (let i = 0; i < len; i++) {
    x = (x * 1664525 + 1013904223) | 0;
    data[i] = x >>> 24;
  }
  return data;
}

/** Compares bytes without making a picture of a megabyte. */
export function expectBytes(actual: Uint8Array, expected: Uint8Array): void {
  expect(actual.length).toBe(expected.length);
  const at = actual.findIndex((b, i) => b !== expected[i]);
  if (at >= 0) throw new Error(`byte ${at} is ${actual[at]}, not ${expected[at]}`);
}

/** Nanoseconds of a time in a Stat, as one number that can be compared. */
export function timeOf(st: Stat, which: 'atime' | 'mtime' | 'ctime' | 'birthtime'): bigint {
  return BigInt(st[which]) * 1_000_000_000n + BigInt(st[`${which}Nsec`]);
}
