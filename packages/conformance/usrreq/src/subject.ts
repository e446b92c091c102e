/** What the suite needs of a protocol, and what a test works with. */
import { expect } from '@jest/globals';
import { EV_ADD, F_GETFL, F_SETFL, FIONREAD, Kevent, O_NONBLOCK, POLLERR, POLLHUP, POLLIN, POLLOUT, SIGPIPE, SOCK_NONBLOCK } from '@anykernel/lib-sys';
import { type Call, type Kernel, type Proc, type Sys, psignal } from '@anykernel/rumpkern';
import { rumpnetOf } from '@anykernel/rumpnet';

/** A kernel with the protocol, ready to communicate with itself. */
export interface UsrreqSubject {
  readonly k: Kernel;
  /** An address to bind to and to connect to, as the bytes of a sockaddr: each time another one. */
  address(): Uint8Array;
  /** Time passes: `ns` nanoseconds, with all that happens in it. */
  advance(ns: number): void | Promise<void>;
  /** After each test. */
  close?(): void;
}

/**
 * What a protocol may lack; the suite then demands the refusal.
 *
 * `socketpair`: EOPNOTSUPP. `oob`: urgent data, EOPNOTSUPP. `autobind`: who sends a datagram without a name has none. `refusal`: datagrams to where nobody is are
 * lost, not refused. `rebind`: a name cannot be bound again when its socket is closed, EADDRINUSE.
 */
export type UsrreqLack = 'socketpair' | 'oob' | 'autobind' | 'refusal' | 'rebind';

export interface UsrreqConformance {
  readonly name: string;
  readonly family: number;
  /** SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM. */
  readonly type: number;
  readonly protocol?: number;
  readonly lacks?: readonly UsrreqLack[];
  /** Called for each test. */
  make(): UsrreqSubject | Promise<UsrreqSubject>;
}

/** Time passes in steps of a millisecond, five minutes at most; between them what awaits goes on, for so many turns. */
const STEP_NS = 1e6;
const STEPS_MAX = 300_000;
const TICKS = 30;
/** How long after the last close() a protocol may keep anything, ns. */
const LAST_WORDS_NS = 600e9;

/** A test's kernel and process. */
export class Context {
  readonly k: Kernel;
  readonly p: Proc;
  readonly sys: Sys;
  readonly call: Call;
  readonly #buf = new Uint8Array(65_536);
  readonly #lacks: ReadonlySet<UsrreqLack>;

  constructor(
    readonly subject: UsrreqSubject,
    readonly conf: UsrreqConformance,
  ) {
    this.k = subject.k;
    this.p = this.k.newproc({ comm: 'usrreq' });
    this.sys = this.p.sys;
    this.call = this.p.call;
    this.#lacks = new Set(conf.lacks ?? []);
  }

  lacks(what: UsrreqLack): boolean {
    return this.#lacks.has(what);
  }

  address(): Uint8Array {
    return this.subject.address();
  }

  /** Waits for a call; time passes until it has ended, and whatever else waits goes on. */
  async wait<T>(promise: Promise<T>): Promise<T> {
    let ended = false;
    const note = (): void => void (ended = true);
    promise.then(note, note);
    for (let steps = 0; ; steps++) {
      for (let i = 0; i < TICKS && !ended; i++) await undefined;
      if (ended) return promise;
      if (steps === STEPS_MAX) throw new Error('a call does not end');
      await this.subject.advance(STEP_NS);
    }
  }

  /** A new socket; `flags`: SOCK_NONBLOCK. */
  socket(flags = 0): number {
    return this.sys.socket(this.conf.family, this.conf.type | flags, this.conf.protocol ?? 0);
  }

  nonblock(fd: number, on = true): void {
    const flags = this.sys.fcntl(fd, F_GETFL);
    this.sys.fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
  }

  /** A socket with a name. */
  bound(): { readonly fd: number; readonly nam: Uint8Array } {
    const fd = this.socket();
    const nam = this.address();
    this.sys.bind(fd, nam);
    return { fd, nam };
  }

  listener(backlog = 5): { readonly fd: number; readonly nam: Uint8Array } {
    const one = this.bound();
    this.sys.listen(one.fd, backlog);
    return one;
  }

  /** Both ends of a connection. */
  async pair(): Promise<[number, number]> {
    const { fd, nam } = this.listener();
    const client = this.socket();
    const [server] = await Promise.all([this.wait(this.call.accept(fd)), this.wait(this.call.connect(client, nam))]);
    this.sys.close(fd);
    return [client, server];
  }

  /** Receives once; what came as text, '' at the end. */
  async recv(fd: number, len = 65_536, flags = 0): Promise<string> {
    const n = await this.wait(this.call.recvfrom(fd, len > 65_536 ? new Uint8Array(len) : this.#buf.subarray(0, len), flags));
    return text(this.#buf.subarray(0, n));
  }

  /** Receives `len` bytes, or up to the end. */
  async recvAll(fd: number, len: number): Promise<Uint8Array> {
    const all = new Uint8Array(len);
    let at = 0;
    while (at < len) {
      const n = await this.wait(this.call.read(fd, all.subarray(at)));
      if (n === 0) break;
      at += n;
    }
    return all.subarray(0, at);
  }

  send(fd: number, data: string, flags = 0, nam?: Uint8Array): Promise<number> {
    return this.wait(this.call.sendto(fd, bytes(data), flags, nam));
  }

  /** Waits until POLLIN or another event holds for `fd`, and gives what does. */
  async ready(fd: number, events = POLLIN): Promise<number> {
    const polled = [{ fd, events, revents: 0 }];
    await this.wait(this.call.poll(polled, -1));
    return polled[0]!.revents;
  }

  /** What poll(2) says at once. */
  polled(fd: number, events: number = POLLIN | POLLOUT): string {
    const fds = [{ fd, events, revents: 0 }];
    this.sys.poll(fds, 0);
    const names: [string, number][] = [['in', POLLIN], ['out', POLLOUT], ['hup', POLLHUP], ['err', POLLERR]];
    return names.filter(([, bit]) => (fds[0]!.revents & bit) !== 0).map(([name]) => name).join(' ');
  }

  /** What kevent(2) says at once of a filter. */
  kevent(fd: number, filter: number, fflags = 0, data = 0): Kevent | undefined {
    const kq = this.sys.kqueue();
    const events: Kevent[] = new Array<Kevent>(1);
    const n = this.sys.kevent(kq, [new Kevent(fd, filter, EV_ADD, fflags, data)], [], { sec: 0, nsec: 0 }) + this.sys.kevent(kq, [], events, { sec: 0, nsec: 0 });
    this.sys.close(kq);
    return n === 0 ? undefined : events[0];
  }

  /** Bytes that wait (FIONREAD). */
  waiting(fd: number): number {
    const data = new Uint8Array(4);
    this.sys.ioctl(fd, FIONREAD, data);
    return new DataView(data.buffer).getInt32(0, true);
  }

  intopt(fd: number, level: number, name: number): number {
    const value = new Uint8Array(4);
    expect(this.sys.getsockopt(fd, level, name, value)).toBe(4);
    return new DataView(value.buffer).getInt32(0, true);
  }

  /** A signal for the process. */
  signal(signo: number): void {
    this.k.run(() => psignal(this.p, signo));
  }

  /** SIGPIPE since the last call. */
  sigpipe(): boolean {
    const came = this.p.sig.pending.includes(SIGPIPE);
    while (this.p.sig.take() !== undefined);
    return came;
  }

  /** A pair as socketpair(2) makes it. */
  socketpair(flags = 0): [number, number] {
    return this.sys.socketpair(this.conf.family, this.conf.type | flags, this.conf.protocol ?? 0);
  }

  /** Everything is closed: nothing of it may be left. */
  async end(): Promise<void> {
    const { k } = this;
    const net = rumpnetOf(k);
    this.p.exit();
    if (net.sockets(this.conf.family) > 0 || net.mbufs.used > 0) await this.subject.advance(LAST_WORDS_NS);
    expect({ sockets: net.sockets(this.conf.family), mbufs: net.mbufs.used, bytes: net.mbufs.store.used }).toEqual({ sockets: 0, mbufs: 0, bytes: 0 });
    this.subject.close?.();
  }
}

/** The code of a failed call. */
export function codeOf(fn: () => unknown): string {
  try {
    fn();
    return 'ok';
  } catch (e) {
    return nameOf(e);
  }
}

export async function codeIn(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'ok';
  } catch (e) {
    return nameOf(e);
  }
}

function nameOf(e: unknown): string {
  if (e instanceof Error && e.name === 'WouldSleep') return 'WouldSleep';
  const code = (e as { code?: unknown }).code;
  return typeof code === 'string' ? code : String(e);
}

export function bytes(s: string): Uint8Array {
  return Uint8Array.from(s, (c) => c.charCodeAt(0));
}

export function text(data: Uint8Array): string {
  let s = '';
  for (let i = 0; i < data.length; i += 4096) s += String.fromCharCode(...data.subarray(i, i + 4096));
  return s;
}

/** `len` bytes that differ from place to place. */
export function pattern(len: number, seed = 1): Uint8Array {
  const data = new Uint8Array(len);
  let x = seed * 2_654_435_761;
  for (let i = 0; i < len; i++) {
    x = (x * 1_664_525 + 1_013_904_223) | 0;
    data[i] = x >>> 24;
  }
  return data;
}

/** Compares bytes without a picture of a megabyte. */
export function expectBytes(actual: Uint8Array, expected: Uint8Array): void {
  expect(actual.length).toBe(expected.length);
  const at = actual.findIndex((b, i) => b !== expected[i]);
  if (at >= 0) throw new Error(`byte ${at} is ${actual[at]}, not ${expected[at]}`);
}

/** Seeded numbers: 0 <= n < below. */
export function random(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 4_294_967_296) * below);
  };
}

export const NONBLOCK: number = SOCK_NONBLOCK;

/** How a connect that does not wait may end: begun, or done at once. */
export const EINPROGRESS_CODES: readonly string[] = ['EINPROGRESS', 'ok'];

/** A test of the suite, and a table of them by what they say. */
export type Body = (t: Context) => void | Promise<void>;
export type Cases = Readonly<Record<string, Body>>;

/** A test for each of some values. */
export function each<T>(values: readonly T[], name: (value: T) => string, body: (t: Context, value: T) => void | Promise<void>): Cases {
  return Object.fromEntries(values.map((value) => [name(value), (t: Context) => body(t, value)]));
}
