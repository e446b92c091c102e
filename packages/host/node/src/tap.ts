/**
 * Node's half of virtif: TAP devices of Linux (/dev/net/tun), with unfinished checksums and large segments (IFF_VNET_HDR), by koffi.
 *
 * Frames are read and written in this thread, without waiting. While they come, each turn of the event loop looks for more; when none have come for a
 * while, a Worker waits in poll(2) and rings. Nothing goes through Node's thread pool. A device that is listened to keeps the program alive, as a socket
 * would, unless unrefTap() says otherwise.
 */
import type * as workerThreads from 'node:worker_threads';
import { type Half, halfOf } from '@anykernel/lib-hostkit';
import { ERR, hostToErrno } from '@anykernel/lib-sys';
import { closeSync, constants, openSync } from './builtin.js';
import { errnoOf } from './errno.js';
import { FrameReader, FrameWriter } from './frames.js';
import { LIBC, koffiOf, koffiPath, libc } from './libc.js';
import { waitAsync } from './waitasync.js';

/** linux/if_tun.h */
const TUNSETIFF = 0x4004_54ca;
const TUNSETOFFLOAD = 0x4004_54d0;
const IFF_TAP = 0x0002;
const IFF_NO_PI = 0x1000;
const IFF_VNET_HDR = 0x4000;
const TUN_F_CSUM = 0x01;
const TUN_F_TSO4 = 0x02;
const TUN_F_TSO6 = 0x04;
const IFNAMSIZ = 16;
const IFREQ_LEN = 40;
const EAGAIN = 11;

/** Milliseconds after the last frame during which each turn of the event loop looks. */
const WATCH_MS = 0.5;
/** Milliseconds of looking after which the event loop has its turn, though there are frames. */
const TURN_MS = 0.2;
/** Words that the two threads share: whether the Worker is to wait, its rings, the end. */
const ARMED = 0;
const RINGS = 1;
const OVER = 2;

/** What the Worker runs: it waits for frames when it is told to, and rings. */
const WAITER = `
const { workerData: { words, fd, koffi, libc } } = require('node:worker_threads');
const poll = require(koffi).load(libc).func('int poll(void *fds, unsigned long count, int timeout)');
const fds = Buffer.alloc(8);
for (;;) {
  Atomics.wait(words, ${ARMED}, 0);
  if (Atomics.load(words, ${OVER}) !== 0) break;
  fds.writeInt32LE(fd, 0);
  fds.writeInt32LE(1, 4);
  if (poll(fds, 1, 100) === 0) continue;
  Atomics.store(words, ${ARMED}, 0);
  Atomics.add(words, ${RINGS}, 1);
  Atomics.notify(words, ${RINGS});
}`;

const SETTLED: Promise<void> = Promise.resolve();

class Tap {
  readonly offload = true;
  readonly #words = new Int32Array(new SharedArrayBuffer(12));
  readonly #reader: FrameReader;
  readonly #writer: FrameWriter;
  readonly in: Uint8Array;
  readonly out: Uint8Array;
  #worker: workerThreads.Worker | undefined;
  #fn: (() => number) | undefined;
  #turnAt = 0;
  #frameAt = 0;
  #closed = false;
  readonly #turn = (): void => {
    this.#turnAt = performance.now();
    this.#look();
  };

  /** What frames lead to goes on in microtasks, and so do the looks. */
  readonly #look = (): void => {
    if (this.#closed || this.#fn === undefined) return;
    const now = performance.now();
    if (this.#fn() > 0) {
      this.#frameAt = now;
      if (now - this.#turnAt < TURN_MS) {
        void SETTLED.then(this.#look);
        return;
      }
    }
    if (now - this.#frameAt < WATCH_MS) setImmediate(this.#turn);
    else this.#wait();
  };

  constructor(
    readonly name: string,
    readonly fd: number,
  ) {
    this.#reader = new FrameReader(fd);
    this.#writer = new FrameWriter(fd);
    this.in = this.#reader.buf;
    this.out = this.#writer.buf;
  }

  get inAt(): number {
    return this.#reader.at;
  }

  read(): number {
    return this.#reader.next();
  }

  reserve(len: number): number {
    return this.#writer.reserve(len);
  }

  /** The device takes a frame at once, or drops it. */
  flush(): number {
    return this.#writer.flush();
  }

  accept(checksums: boolean, segments: boolean): void {
    setOffload(this.fd, checksums, segments);
  }

  listen(fn: () => number): void {
    this.#fn = fn;
    const { Worker } = process.getBuiltinModule('node:worker_threads') as typeof workerThreads;
    this.#worker = new Worker(WAITER, { eval: true, workerData: { words: this.#words, fd: this.fd, koffi: koffiPath(), libc: LIBC } });
    taps.set(this.name, this);
    setImmediate(this.#turn);
  }

  /** Whether it keeps the program alive. */
  refer(holds: boolean): void {
    if (holds) this.#worker?.ref();
    else this.#worker?.unref();
  }

  /** The Worker waits, and rings. */
  #wait(): void {
    const rings = Atomics.load(this.#words, RINGS);
    Atomics.store(this.#words, ARMED, 1);
    Atomics.notify(this.#words, ARMED);
    const wait = waitAsync(this.#words, RINGS, rings);
    if (wait.async) void wait.value.then(this.#turn);
    else setImmediate(this.#turn);
  }

  /** The descriptor is closed when the Worker no longer waits on it. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#fn = undefined;
    taps.delete(this.name);
    Atomics.store(this.#words, OVER, 1);
    Atomics.store(this.#words, ARMED, 1);
    Atomics.notify(this.#words, ARMED);
    this.#reader.close();
    this.#writer.close();
    if (this.#worker === undefined) closeSync(this.fd);
    else this.#worker.once('exit', () => closeSync(this.fd));
    this.#worker?.ref();
  }
}

/** Those that are listened to. */
const taps = new Map<string, Tap>();

/** Lets the program end although the TAP device `name` is an interface of a kernel of its. An Error: there is no such interface. */
export function unrefTap(name: string): void {
  tapOf(name).refer(false);
}

/** Keeps the program alive again while the TAP device `name` is an interface of a kernel of its. An Error: there is no such interface. */
export function refTap(name: string): void {
  tapOf(name).refer(true);
}

function tapOf(name: string): Tap {
  const tap = taps.get(name);
  if (tap === undefined) throw new Error(`no kernel has an interface on a TAP device ${name}`);
  return tap;
}

/** Opens the TAP device `name`, and makes it if it is not there. EPERM, EBUSY ... ENODEV: koffi is not installed, or this is not Linux. */
function openTap(name: string): Tap {
  if (process.platform !== 'linux') throw ERR.ENODEV;
  if (name === '' || name.length >= IFNAMSIZ || /[^\x21-\x7e]|\//.test(name)) throw ERR.EINVAL;
  const koffi = koffiOf();
  let fd: number;
  try {
    fd = openSync('/dev/net/tun', constants.O_RDWR | constants.O_NONBLOCK);
  } catch (e) {
    throw errnoOf(e);
  }
  const request = new Uint8Array(IFREQ_LEN);
  for (let i = 0; i < name.length; i++) request[i] = name.charCodeAt(i);
  const flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
  request[16] = flags & 0xff;
  request[17] = flags >>> 8;
  const setIff = libc('int ioctl(int fd, unsigned long request, void *arg)');
  if (setIff(fd, TUNSETIFF, request) !== 0 || !setOffload(fd, true, true)) {
    const { errno } = koffi;
    const number = errno();
    closeSync(fd);
    throw number === EAGAIN ? ERR.EAGAIN : hostToErrno(codeOf(number));
  }
  return new Tap(name, fd);
}

/** What Linux may leave undone. */
function setOffload(fd: number, checksums: boolean, segments: boolean): boolean {
  const ioctl = libc('int ioctl(int fd, unsigned long request, unsigned long arg)');
  return ioctl(fd, TUNSETOFFLOAD, (checksums ? TUN_F_CSUM : 0) | (segments ? TUN_F_TSO4 | TUN_F_TSO6 : 0)) === 0;
}

/** The name of a number of Linux's, of those that these ioctls have. */
function codeOf(errno: number): string {
  return { 1: 'EPERM', 16: 'EBUSY', 22: 'EINVAL', 12: 'ENOMEM', 77: 'EBADFD' }[errno] ?? 'EIO';
}

export const virtifHalf: Half = halfOf({ name: 'virtif', revision: 1 }, { open: openTap });
