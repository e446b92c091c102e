/** net.Server on a kernel: listens, accepts, and knows how many connections there are. */
import { EventEmitter, captureRejectionSymbol } from 'node:events';
import {
  AF_INET6, AF_LOCAL, ERR, Errno, IPPROTO_IPV6, O_CLOEXEC, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_NOSIGPIPE, SOCK_STREAM, SOL_SOCKET, SO_REUSEADDR, intBytes, libuvMessage,
} from '@anykernel/lib-sys';
import { type AddressInfo, type Endpoint, addressOf, endpoint, lookupAll, pathEndpoint } from './address.js';
import { type ListenOptions, listenArgs } from './args.js';
import type { NetContext } from './context.js';
import { coded, errnoError, invalidArgType, listenError, notRunning } from './errors.js';
import { KernelSocket, attempt, openSocket } from './kernelsocket.js';
import { type Pollable, goingOn } from './poller.js';
import type { Socket, SocketOptions } from './socket.js';

export interface ServerOptions {
  readonly allowHalfOpen?: boolean | undefined;
  readonly pauseOnConnect?: boolean | undefined;
  readonly noDelay?: boolean | undefined;
  readonly keepAlive?: boolean | undefined;
  readonly keepAliveInitialDelay?: number | undefined;
  readonly highWaterMark?: number | undefined;
}

const BACKLOG = 511;
/** ip6(4): whether a socket is for IPv6 alone. */
const IPV6_V6ONLY = 27;
const ACCEPTED: number = SOCK_NONBLOCK | SOCK_CLOEXEC | SOCK_NOSIGPIPE;

export class Server extends EventEmitter implements Pollable {
  maxConnections: number | undefined = undefined;
  readonly #context: NetContext;
  readonly #make: (options: SocketOptions) => Socket;
  readonly #options: ServerOptions;
  #socket: KernelSocket | undefined;
  /** A descriptor to let go when there are no others, so that who comes then is turned away, and does not wait for ever. */
  #spare = -1;
  #path: string | undefined;
  /** It was told to listen, and has not been closed. */
  #started = false;
  #refed = true;
  readonly #connections = new Set<Socket>();

  constructor(context: NetContext, make: (options: SocketOptions) => Socket, options: ServerOptions, onConnection?: (socket: Socket) => void) {
    super();
    if (typeof options !== 'object' || options === null) throw invalidArgType('options', 'of type object', options);
    this.#context = context;
    this.#make = make;
    this.#options = options;
    if (onConnection !== undefined) this.on('connection', onConnection);
  }

  get fd(): number {
    return this.#socket?.fd ?? -1;
  }

  get listening(): boolean {
    return this.#socket !== undefined;
  }

  /** listen(options), listen(path, backlog), listen(port, host, backlog), with a listener of 'listening'. */
  listen(...args: unknown[]): this {
    const [options, cb] = listenArgs(args);
    if (this.#started) throw coded(new Error('Listen method has been called more than once without closing.'), 'ERR_SERVER_ALREADY_LISTEN');
    this.#started = true;
    if (cb !== undefined) this.once('listening', cb as () => void);
    const { signal } = options;
    if (signal?.aborted === true) process.nextTick(() => this.close());
    else if (signal !== undefined) addCloser(this, signal);
    this.#hold();
    if (options.path !== undefined) this.#listenOn(pathEndpoint(options.path), options);
    else if (!options.host) this.#listenAnywhere(Number(options.port), options);
    else this.#listenByName(options.host, Number(options.port), options);
    return this;
  }

  /** On all addresses, of both versions where the kernel has both now. */
  #listenAnywhere(port: number, options: ListenOptions): void {
    const fd = attempt(() => this.#context.p.bare.socket(AF_INET6, SOCK_STREAM, 0));
    if (!(fd instanceof Errno)) new KernelSocket(this.#context.p, fd).close();
    this.#listenOn(endpoint(fd instanceof Errno ? '0.0.0.0' : '::', port), options);
  }

  #listenByName(host: string, port: number, options: ListenOptions): void {
    lookupAll(this.#context.lookup, host, { family: host === 'localhost' ? 4 : 0, hints: 0, all: true }, (error, found) => {
      if (!this.#started) return;
      if (error !== null) this.#failed(error);
      else this.#listenOn(endpoint(found[0]!.address, port), options);
    });
  }

  #listenOn(at: Endpoint, options: ListenOptions): void {
    openSocket(this.#context.p, at.family, SOCK_STREAM, (fd) => {
      const error = fd instanceof Errno ? fd : this.#begin(fd, at, options);
      process.nextTick(() => {
        if (error !== undefined) this.#failed(listenError(error, libuvMessage(error.code), at.text, at.port));
        else if (this.#socket !== undefined) this.emit('listening');
      });
    });
  }

  #begin(fd: number, at: Endpoint, options: ListenOptions): Errno | undefined {
    const { p, poller } = this.#context;
    const socket = new KernelSocket(p, fd);
    if (at.family !== AF_LOCAL) socket.option(SOL_SOCKET, SO_REUSEADDR, intBytes(1));
    if (at.family === AF_INET6 && options.ipv6Only !== true) socket.option(IPPROTO_IPV6, IPV6_V6ONLY, intBytes(0));
    const backlog = options.backlog === undefined || options.backlog <= 0 ? BACKLOG : options.backlog;
    const error = socket.bind(at.nam) ?? (attempt(() => p.bare.listen(fd, backlog)) as Errno | undefined);
    if (error !== undefined) {
      socket.close();
      return error;
    }
    if (at.family === AF_LOCAL) this.#bound(at.text, options);
    this.#socket = socket;
    this.#keepSpare();
    poller.watch(this);
    this.#hold();
    return undefined;
  }

  /** The file of a path is the server's, and goes with it. */
  #bound(path: string, options: ListenOptions): void {
    this.#path = path;
    const more = (options.readableAll === true ? 0o444 : 0) | (options.writableAll === true ? 0o222 : 0);
    if (more !== 0) attempt(() => this.#context.p.bare.chmod(path, (this.#context.p.bare.stat(path).mode & 0o777) | more));
  }

  #failed(error: Error): void {
    this.#started = false;
    this.#context.poller.release(this);
    this.emit('error', error);
  }

  /** The poller: so many connections wait. */
  onReadable(): void {
    while (this.#socket !== undefined) {
      const { fd } = this.#socket;
      const accepted = attempt(() => this.#context.p.bare.paccept(fd, undefined, undefined, ACCEPTED));
      if (accepted === ERR.ECONNABORTED) continue;
      if ((accepted === ERR.EMFILE || accepted === ERR.ENFILE) && this.#turnAway(fd)) continue;
      if (accepted instanceof Errno) {
        if (accepted !== ERR.EAGAIN) this.emit('error', errnoError(accepted, 'accept'));
        return;
      }
      goingOn(() => this.#accept(accepted), () => this.onReadable());
    }
  }

  #keepSpare(): void {
    const fd = attempt(() => this.#context.p.bare.kqueue1(O_CLOEXEC));
    this.#spare = typeof fd === 'number' ? fd : -1;
  }

  #dropSpare(): void {
    const spare = this.#spare;
    this.#spare = -1;
    if (spare >= 0) new KernelSocket(this.#context.p, spare).close();
  }

  /** There is no descriptor left: the next one who waits is let in, and out. false: there is not even a spare one, or nobody waits. */
  #turnAway(fd: number): boolean {
    if (this.#spare < 0) return false;
    this.#dropSpare();
    const accepted = attempt(() => this.#context.p.bare.paccept(fd, undefined, undefined, ACCEPTED));
    if (typeof accepted === 'number') new KernelSocket(this.#context.p, accepted).close();
    this.#keepSpare();
    return typeof accepted === 'number';
  }

  onWritable(): void {
    // Nothing is written to a socket that listens.
  }

  #accept(fd: number): void {
    if (this.maxConnections !== undefined && this.#connections.size >= this.maxConnections) {
      this.#drop(new KernelSocket(this.#context.p, fd));
      return;
    }
    const { pauseOnConnect, ...options } = this.#options;
    const closed = (): void => {
      this.#connections.delete(socket);
      this.#closeIfDrained();
    };
    const socket = this.#make({ ...options, fd, pauseOnCreate: pauseOnConnect, closed });
    if (pauseOnConnect === true) socket.pause();
    socket.server = this;
    this.#connections.add(socket);
    this.emit('connection', socket);
  }

  #drop(socket: KernelSocket): void {
    const [local, remote] = [socket.sockname(), socket.peername()].map((nam) => (nam === undefined ? undefined : addressOf(nam)));
    socket.close();
    this.emit('drop', typeof local === 'object' && typeof remote === 'object' ? named(local, remote) : undefined);
  }

  address(): AddressInfo | string | null {
    if (this.#path !== undefined && this.#socket !== undefined) return this.#path;
    const nam = this.#socket?.sockname();
    return nam === undefined ? null : (addressOf(nam) ?? null);
  }

  getConnections(cb: (error: Error | null, count: number) => void): this {
    process.nextTick(() => cb(null, this.#connections.size));
    return this;
  }

  /** Accepts no more. 'close' comes when the last connection has ended. */
  close(cb?: (error?: Error) => void): this {
    if (typeof cb === 'function') {
      if (this.#started) this.once('close', cb);
      else this.once('close', () => cb(notRunning('server')));
    }
    this.#started = false;
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket !== undefined) {
      socket.close();
      this.#dropSpare();
      this.#context.poller.forget(this);
      if (this.#path !== undefined) attempt(() => this.#context.p.bare.unlink(this.#path as string));
      this.#path = undefined;
    }
    this.#context.poller.release(this);
    this.#closeIfDrained();
    return this;
  }

  #closeIfDrained(): void {
    if (this.#started || this.#connections.size > 0) return;
    process.nextTick(() => {
      if (!this.#started && this.#connections.size === 0) this.emit('close');
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#started) return;
    await new Promise<void>((resolve, reject) => this.close((error) => (error === undefined ? resolve() : reject(error))));
  }

  /** A listener of 'connection' that is asynchronous fails: its connection does. */
  override [captureRejectionSymbol](error: Error, event: string, ...args: unknown[]): void {
    if (event === 'connection') (args[0] as Socket).destroy(error);
    else this.emit('error', error);
  }

  ref(): this {
    this.#refed = true;
    if (this.#socket !== undefined) this.#hold();
    return this;
  }

  unref(): this {
    this.#refed = false;
    this.#context.poller.release(this);
    return this;
  }

  #hold(): void {
    if (this.#refed) this.#context.poller.hold(this);
  }
}

/** close() when the signal comes; the signal lets go of a server that was closed. */
function addCloser(server: Server, signal: AbortSignal): void {
  const close = (): void => void server.close();
  signal.addEventListener('abort', close, { once: true });
  server.once('close', () => signal.removeEventListener('abort', close));
}

function named(local: AddressInfo, remote: AddressInfo): object {
  return {
    localAddress: local.address, localPort: local.port, localFamily: local.family, remoteAddress: remote.address, remotePort: remote.port, remoteFamily: remote.family,
  };
}

