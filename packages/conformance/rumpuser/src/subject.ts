/**
 * What a host's tests bring along, and how the suite asks.
 */
import { afterEach, beforeEach, expect } from '@jest/globals';
import type { Completion, HostFile, HostHalf, Rumpuser } from '@anykernel/host-rumpuser';
import { type Errno, ERR } from '@anykernel/lib-sys';

/** A host made for one test, and the world around it. */
export interface HostSubject {
  readonly host: Rumpuser;
  /** Lets `ns` of the host's time go by, at least; what was due by then has happened when it ends. */
  wait(ns: number): void | Promise<void>;
  /** The host's name for a file called `name` where there is none, and where one can be made. A host that lacks files needs none. */
  path?(name: string): string;
  /** A host whose files cannot be written: puts one of these contents where path() says. */
  provide?(name: string, bytes: Uint8Array): void;
  /** The name of a file or device which cannot be opened for writing. */
  readonly readonlyFile?: string;
  /** The name of a component which importComponent() finds. */
  readonly component?: string;
  /** A driver's half which this host has. */
  readonly half?: HostHalf<unknown>;
  /** What the console has shown. */
  output?(): string;
  /** Somebody types on the console. */
  type?(bytes: Uint8Array): void;
  /** After the test. */
  close?(): void;
}

/**
 * Parts that a host may do without. It then refuses: ENOENT for files, EROFS for writing them or making new ones, ENOSPC or EFBIG for files beyond
 * 4 GiB, ENXIO for console input, undefined for components and halves.
 */
export type HostLack = 'files' | 'writing' | 'largeFiles' | 'consoleInput' | 'importComponent' | 'half';

export interface HostConformance {
  readonly name: string;
  make(): HostSubject;
  /** Transfers of files end later, never within the call. Otherwise they always end at once. */
  readonly asynchronous?: boolean;
  readonly lacks?: readonly HostLack[];
}

export function lacks(conformance: HostConformance, part: HostLack): boolean {
  return conformance.lacks?.includes(part) === true;
}

/** One subject for each test; `get()` within a test. */
export function eachSubject(conformance: HostConformance): () => HostSubject {
  let subject: HostSubject | undefined;
  beforeEach(() => {
    subject = conformance.make();
  });
  afterEach(() => {
    subject?.close?.();
    subject = undefined;
  });
  return () => {
    if (subject === undefined) throw new Error('there is a subject within a test only');
    return subject;
  };
}

/** The error that `fn` throws; undefined if it does not. */
export function thrown(fn: () => unknown): unknown {
  try {
    fn();
  } catch (e) {
    return e;
  }
  return undefined;
}

/** The end of a transfer. */
export interface Ended {
  readonly error: Errno | undefined;
  readonly moved: number;
}

export type Transfer = (done: Completion) => number;

const MS = 1_000_000;
/** How many milliseconds of the host's time a transfer may take. */
const PATIENCE_MS = 2000;

/**
 * Performs a transfer to its end and holds it to the rules: at once, and `done` is not called; or pending, and it is called once, later.
 * A pending transfer's error is thrown here too.
 */
export async function perform(conformance: HostConformance, subject: HostSubject, transfer: Transfer): Promise<number> {
  const ended: Ended[] = [];
  let inside = true;
  const result = transfer((error, moved) => {
    expect({ calledWithinTheCall: inside }).toEqual({ calledWithinTheCall: false });
    ended.push({ error, moved });
  });
  inside = false;
  expect({ pending: result === -1 }).toEqual({ pending: conformance.asynchronous === true });
  for (let ms = 0; result === -1 && ended.length === 0 && ms < PATIENCE_MS; ms++) await subject.wait(MS);
  expect({ completions: ended.length }).toEqual({ completions: result === -1 ? 1 : 0 });
  if (result !== -1) return result;
  if (ended[0].error !== undefined) throw ended[0].error;
  return ended[0].moved;
}

/** The error of a transfer, thrown by the call or given to its completion. */
export async function failure(conformance: HostConformance, subject: HostSubject, transfer: Transfer): Promise<unknown> {
  try {
    await perform(conformance, subject, transfer);
  } catch (e) {
    return e;
  }
  return undefined;
}

/** The path of `name`; a host with files says it. */
export function pathOf(subject: HostSubject, name: string): string {
  if (subject.path === undefined) throw new Error('a host with files names a path for them: HostSubject.path()');
  return subject.path(name);
}

/** A file of these contents, made through the host and open for both; where nothing can be written, provided and open for reading. */
export async function fileOf(conformance: HostConformance, subject: HostSubject, name: string, bytes: Uint8Array): Promise<HostFile> {
  if (lacks(conformance, 'writing')) {
    subject.provide?.(name, bytes);
    return subject.host.open(pathOf(subject, name), { read: true });
  }
  const file = subject.host.open(pathOf(subject, name), { read: true, write: true, create: true });
  if (bytes.length > 0) expect(await perform(conformance, subject, (done) => file.write(bytes, 0, done))).toBe(bytes.length);
  return file;
}

/** Bytes that differ from place to place. */
export function pattern(len: number, salt = 0): Uint8Array {
  const bytes = new Uint8Array(len);
  for (let index = 0; index < len; index++) bytes[index] = (index * 7 + (index >> 8) * 13 + salt) & 0xff;
  return bytes;
}

export { ERR };
