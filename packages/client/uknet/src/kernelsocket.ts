/**
 * A stream socket of the kernel, without waiting: what the kernel can do at once it does, and for the rest the poller is asked.
 *
 * Failures are Errno values, never exceptions.
 */
import {
  ERR, Errno, type ErrnoCode, IPPROTO_TCP, SHUT_WR, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_NOSIGPIPE, SOL_SOCKET, SO_ERROR, SO_KEEPALIVE, SO_LINGER, TCP_KEEPIDLE, TCP_NODELAY,
  errnoByNumber, intBytes, lingerBytes,
} from '@anykernel/lib-sys';
import type { Proc } from '@anykernel/rumpkern';

const SOCK_FLAGS: number = SOCK_NONBLOCK | SOCK_CLOEXEC | SOCK_NOSIGPIPE;

/** The result of a call, or the Errno with which it failed; where it would have to wait, EAGAIN. */
export function attempt<T>(fn: () => T): T | Errno {
  try {
    return fn();
  } catch (e) {
    if (e instanceof Errno) return e;
    if ((e as { name?: unknown }).name === 'Sleep') return ERR.EAGAIN;
    const known = ERR[(e as { code?: ErrnoCode }).code as ErrnoCode];
    if (known !== undefined) return known;
    throw e;
  }
}

/** A new socket that does not wait. Where the kernel has to load the domain's component first, `done` is called later. */
export function openSocket(p: Proc, family: number, type: number, done: (fd: number | Errno) => void): void {
  const fd = attempt(() => p.bare.socket(family, type | SOCK_FLAGS, 0));
  if (fd !== ERR.EAGAIN) {
    done(fd);
    return;
  }
  p.call.socket(family, type | SOCK_FLAGS, 0).then(done, (e: unknown) => done(ERR[(e as { code: ErrnoCode }).code] ?? ERR.EIO));
}

export class KernelSocket {
  readonly p: Proc;
  fd: number;

  constructor(p: Proc, fd: number) {
    this.p = p;
    this.fd = fd;
  }

  /** Bytes into `b`; 0 at the end. */
  read(b: Uint8Array): number | Errno {
    return attempt(() => this.p.bare.read(this.fd, b));
  }

  write(b: Uint8Array): number | Errno {
    return b.length === 0 ? 0 : attempt(() => this.p.bare.write(this.fd, b));
  }

  writev(all: readonly Uint8Array[]): number | Errno {
    return attempt(() => this.p.bare.writev(this.fd, all));
  }

  connect(nam: Uint8Array): Errno | undefined {
    return attempt(() => this.p.bare.connect(this.fd, nam)) as Errno | undefined;
  }

  bind(nam: Uint8Array): Errno | undefined {
    return attempt(() => this.p.bare.bind(this.fd, nam)) as Errno | undefined;
  }

  shutdown(): Errno | undefined {
    return attempt(() => this.p.bare.shutdown(this.fd, SHUT_WR)) as Errno | undefined;
  }

  /** The pending error, if there is one. */
  error(): Errno | undefined {
    const value = new Uint8Array(4);
    const failed = attempt(() => this.p.bare.getsockopt(this.fd, SOL_SOCKET, SO_ERROR, value));
    if (failed instanceof Errno) return failed;
    const errno = new DataView(value.buffer).getInt32(0, true);
    return errno === 0 ? undefined : (errnoByNumber(errno) ?? ERR.EIO);
  }

  sockname(): Uint8Array | undefined {
    return nameOf(attempt(() => this.p.bare.getsockname(this.fd)));
  }

  peername(): Uint8Array | undefined {
    return nameOf(attempt(() => this.p.bare.getpeername(this.fd)));
  }

  /** A local socket has no such options, and that is all right. */
  setNoDelay(on: boolean): void {
    this.option(IPPROTO_TCP, TCP_NODELAY, intBytes(on ? 1 : 0));
  }

  setKeepAlive(on: boolean, delaySec: number): void {
    this.option(SOL_SOCKET, SO_KEEPALIVE, intBytes(on ? 1 : 0));
    if (on && delaySec > 0) this.option(IPPROTO_TCP, TCP_KEEPIDLE, intBytes(delaySec));
  }

  /** close() will not wait for what was sent, and the peer hears that the connection was broken. */
  breakOff(): void {
    this.option(SOL_SOCKET, SO_LINGER, lingerBytes(true, 0));
  }

  option(level: number, name: number, value: Uint8Array): Errno | undefined {
    return attempt(() => this.p.bare.setsockopt(this.fd, level, name, value)) as Errno | undefined;
  }

  close(): void {
    const { fd } = this;
    this.fd = -1;
    if (fd >= 0 && !this.p.exited && this.p.k.stopped === undefined) attempt(() => this.p.bare.close(fd));
  }
}

function nameOf(result: Uint8Array | Errno): Uint8Array | undefined {
  return result instanceof Errno ? undefined : result;
}
