/**
 * net.Socket on a kernel: a duplex stream over a stream socket, with Node's events, states and errors.
 *
 * Reading goes on as long as the stream wants more; what is not read stays in the kernel, whose peer then waits. A write is over when the kernel has taken all of it.
 */
import { isIP } from 'node:net';
import { Duplex, type DuplexOptions, addAbortSignal } from 'node:stream';
import { ERR, Errno, IOV_MAX } from '@anykernel/lib-sys';
import { type AddressInfo, addressOf } from './address.js';
import { type ConnectOptions, checkConnect, checkDuration, checkSocket, connectArgs } from './args.js';
import { connectTo } from './connector.js';
import type { NetContext } from './context.js';
import { checkFunction, coded, errnoError } from './errors.js';
import { KernelSocket, attempt } from './kernelsocket.js';
import { type OnRead, Reader } from './reader.js';
import { type Pollable, goingOn } from './poller.js';
import { IdleTimeout } from './timeout.js';

export interface SocketOptions extends DuplexOptions {
  /** A descriptor of the kernel's. */
  readonly fd?: number | undefined;
  readonly allowHalfOpen?: boolean | undefined;
  readonly noDelay?: boolean | undefined;
  readonly keepAlive?: boolean | undefined;
  readonly keepAliveInitialDelay?: number | undefined;
  /** Reading begins when it is asked for. */
  readonly pauseOnCreate?: boolean | undefined;
  /** What is read goes into memory of the program's, and to a callback, not to 'data'. */
  readonly onread?: OnRead | undefined;
  /** Told after 'close'. */
  readonly closed?: (() => void) | undefined;
}

type Done = (error?: Error | null) => void;

/** The most that is read at a time. */
const READ_MAX = 65_536;

export class Socket extends Duplex implements Pollable {
  connecting = false;
  timeout: number | undefined = undefined;
  bytesRead = 0;
  /** The server that it came to. */
  server: unknown = undefined;
  autoSelectFamilyAttemptedAddresses: string[] | undefined = undefined;
  readonly #context: NetContext;
  readonly #allowHalfOpen: boolean;
  #socket: KernelSocket | undefined;
  #idle: IdleTimeout | undefined;
  readonly #reader: Reader | undefined;
  /** The stream wants data; there may be so many bytes of it; or its end. */
  #wanting = false;
  #expected = 0;
  #ended = false;
  /** What is being written, from where on, and who waits for it. */
  #chunks: readonly Uint8Array[] = [];
  #offset = 0;
  #written: Done | undefined;
  /** Bytes of writes that are over. */
  #bytesDone = 0;
  #refed = true;
  #held = false;
  readonly #closed: (() => void) | undefined;
  /** It connects, and is beyond looking for addresses. */
  #attempting = false;
  /** The peer's name is remembered beyond its end. */
  #peer: AddressInfo | string | undefined;

  constructor(context: NetContext, options: SocketOptions = {}) {
    checkSocket(options as Readonly<Record<string, unknown>>);
    super({ ...options, signal: undefined, allowHalfOpen: options.allowHalfOpen === true, emitClose: false, autoDestroy: true, decodeStrings: true, objectMode: false });
    this.#context = context;
    this.#allowHalfOpen = options.allowHalfOpen === true;
    this.#reader = Reader.of(options.onread);
    this.#closed = options.closed;
    this.on('end', () => {
      if (!this.#allowHalfOpen) this.write = writeAfterFin as typeof this.write;
    });
    if (options.fd !== undefined) {
      this.#take(new KernelSocket(context.p, options.fd), options);
      if (options.pauseOnCreate !== true) this.read(0);
    }
    const { signal } = options;
    if (signal?.aborted === true) process.nextTick(() => addAbortSignal(signal, this));
    else if (signal !== undefined) addAbortSignal(signal, this);
  }

  // -- states

  get fd(): number {
    return this.#socket?.fd ?? -1;
  }

  /** `connecting`, as it was called once. */
  get _connecting(): boolean {
    return this.connecting;
  }

  get pending(): boolean {
    return this.#socket === undefined || this.connecting;
  }

  get readyState(): 'opening' | 'open' | 'readOnly' | 'writeOnly' | 'closed' {
    if (this.connecting) return 'opening';
    if (this.readable && this.writable) return 'open';
    return this.readable ? 'readOnly' : this.writable ? 'writeOnly' : 'closed';
  }

  get bytesWritten(): number | undefined {
    // Asked of the prototype, which has not written anything.
    if (!(#bytesDone in this)) return undefined;
    return this.#bytesDone + this.writableLength;
  }

  get bufferSize(): number {
    return this.writableLength;
  }

  address(): AddressInfo | string | Record<string, never> {
    return this.#localName() ?? {};
  }

  get localAddress(): string | undefined {
    return part(this.#localName(), 'address');
  }
  get localPort(): number | undefined {
    return part(this.#localName(), 'port');
  }
  get localFamily(): string | undefined {
    return part(this.#localName(), 'family');
  }
  get remoteAddress(): string | undefined {
    return part(this.#peerName(), 'address');
  }
  get remotePort(): number | undefined {
    return part(this.#peerName(), 'port');
  }
  get remoteFamily(): string | undefined {
    return part(this.#peerName(), 'family');
  }

  #localName(): AddressInfo | string | undefined {
    const nam = this.#socket?.sockname();
    return nam === undefined ? undefined : addressOf(nam);
  }

  #peerName(): AddressInfo | string | undefined {
    if (this.#peer !== undefined || this.connecting) return this.#peer;
    const nam = this.#socket?.peername();
    if (nam !== undefined) this.#peer = addressOf(nam);
    return this.#peer;
  }

  // -- connecting

  /** connect(options), connect(path), connect(port, host), with a listener of 'connect'. */
  connect(...args: unknown[]): this {
    const [options, cb] = connectArgs(args);
    checkConnect(options);
    if (this.destroyed) this.#again();
    if (cb !== undefined) this.once('connect', cb as () => void);
    this.connecting = true;
    this.#attempting = typeof options.path === 'string' || isIP(options.host ?? '') !== 0;
    this.#holdWhileBusy();
    this.#touch();
    if (options.timeout !== undefined) this.setTimeout(options.timeout);
    connectTo(this.#context, options, {
      wanted: () => this.connecting && !this.destroyed,
      looked: (error, address, family, host) => this.emit('lookup', error, address, family, host),
      attempted: (event, to, error) => this.#attempted(event, to, error),
      done: (error, socket) => {
        if (socket === undefined) this.destroy(error);
        else this.#connected(socket, options);
      },
    });
    return this;
  }

  #attempted(event: string, to: { text: string; port: number | undefined; family: number }, error?: Error): void {
    this.#attempting = true;
    this.#holdWhileBusy();
    const family = to.text.includes(':') ? 6 : 4;
    if (to.port === undefined) return;
    if (event === 'connectionAttempt') (this.autoSelectFamilyAttemptedAddresses ??= []).push(`${to.text}:${to.port}`);
    this.emit(event, to.text, to.port, family, ...(event === 'connectionAttemptFailed' ? [error] : []));
  }

  #connected(socket: KernelSocket, options: ConnectOptions): void {
    this.connecting = false;
    this.#take(socket, options);
    this.emit('connect');
    this.emit('ready');
    if (this.readable && !this.isPaused()) this.read(0);
  }

  /** A kernel's socket becomes this one's. */
  #take(socket: KernelSocket, options: { noDelay?: boolean | undefined; keepAlive?: boolean | undefined; keepAliveInitialDelay?: number | undefined }): void {
    this.#socket = socket;
    const failed = attempt(() => this.#context.poller.watch(this));
    if (failed instanceof Errno) throw errnoError(failed, 'open');
    this.#holdWhileBusy();
    if (options.noDelay === true) this.setNoDelay(true);
    if (options.keepAlive === true) this.setKeepAlive(true, options.keepAliveInitialDelay);
    // Whatever came before it was watched.
    this.#expected = 1;
    this.#touch();
  }

  /** A socket that was destroyed connects again. */
  #again(): void {
    (this as unknown as { _undestroy(): void })._undestroy();
    this.#socket = undefined;
    this.#peer = undefined;
    this.#wanting = this.#ended = false;
    this.#expected = this.#bytesDone = this.bytesRead = 0;
    this.write = Socket.prototype.write;
  }

  // -- reading

  override _read(): void {
    if (this.connecting || this.#socket === undefined) {
      this.once('connect', () => this._read());
      return;
    }
    this.#wanting = true;
    this.#holdWhileBusy();
    if (this.#expected > 0 || this.#ended) process.nextTick(() => this.#pump());
  }

  #pump(): void {
    while (this.#wanting && this.#expected > 0 && this.#socket !== undefined && !this.destroyed) {
      const b = this.#reader?.memory() ?? Buffer.allocUnsafe(Math.min(Math.max(this.#expected, 1024), READ_MAX));
      const n = this.#socket.read(b);
      if (n instanceof Errno) {
        if (n === ERR.EAGAIN) this.#expected = 0;
        else this.destroy(errnoError(n, 'read'));
        return;
      }
      this.#touch();
      if (n === 0) {
        this.#expected = 0;
        this.#want(false);
        this.push(null);
        this.read(0);
        return;
      }
      this.bytesRead += n;
      this.#expected = this.#ended ? 1 : Math.max(0, this.#expected - n);
      const take = (): boolean => (this.#reader === undefined ? this.push(n === b.length ? b : b.subarray(0, n)) : this.#reader.take(this, n));
      if (!goingOn(take, () => this.#pump())) this.#want(false);
    }
  }

  #want(wanting: boolean): void {
    this.#wanting = wanting;
    this.#holdWhileBusy();
  }

  override pause(): this {
    if (this.#reader !== undefined && this.#socket !== undefined) this.#want(false);
    return super.pause();
  }

  override resume(): this {
    if (this.#reader !== undefined && this.#socket !== undefined && !this.readableEnded) this._read();
    return super.resume();
  }

  /** The poller: there is something. */
  onReadable(count: number, ended: boolean): void {
    this.#ended ||= ended;
    this.#expected = Math.max(this.#expected, count, 1);
    this.#pump();
  }

  // -- writing

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: Done): void {
    this.#begin([chunk], done);
  }

  override _writev(chunks: { chunk: Uint8Array }[], done: Done): void {
    this.#begin(chunks.map((one) => one.chunk), done);
  }

  #begin(chunks: readonly Uint8Array[], done: Done): void {
    if (this.connecting) {
      const closed = (): void => done(coded(new Error('Socket closed before the connection was established'), 'ERR_SOCKET_CLOSED_BEFORE_CONNECTION'));
      this.once('connect', () => {
        this.off('close', closed);
        this.#begin(chunks, done);
      });
      this.once('close', closed);
      return;
    }
    if (this.#socket === undefined) {
      done(coded(new Error('Socket is closed'), 'ERR_SOCKET_CLOSED'));
      return;
    }
    const len = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    this.#chunks = chunks;
    this.#offset = 0;
    this.#written = (error) => {
      this.#bytesDone += len;
      done(error);
    };
    this.#flush();
  }

  /** Writes what it can; the poller tells when more can be. */
  #flush(): void {
    const socket = this.#socket;
    while (socket !== undefined && this.#written !== undefined) {
      const n = this.#chunks.length === 1 ? socket.write((this.#chunks[0] as Uint8Array).subarray(this.#offset)) : socket.writev(this.#chunks.length > IOV_MAX ? this.#chunks.slice(0, IOV_MAX) : this.#chunks);
      if (n === ERR.EAGAIN) {
        this.#context.poller.awaitWritable(this);
        this.#holdWhileBusy();
        return;
      }
      if (n instanceof Errno) {
        this.#over(errnoError(n, 'write'));
        return;
      }
      this.#touch();
      if (this.#advance(n)) this.#over();
    }
  }

  /** `n` more bytes have gone. Returns whether all have. */
  #advance(n: number): boolean {
    if (this.#chunks.length === 1) {
      this.#offset += n;
      return this.#offset >= (this.#chunks[0] as Uint8Array).length;
    }
    const rest: Uint8Array[] = [];
    for (const chunk of this.#chunks) {
      if (n >= chunk.length) n -= chunk.length;
      else {
        rest.push(n > 0 ? chunk.subarray(n) : chunk);
        n = 0;
      }
    }
    this.#chunks = rest;
    this.#offset = 0;
    return rest.length === 0;
  }

  #over(error?: Error): void {
    const done = this.#written as Done;
    this.#written = undefined;
    this.#chunks = [];
    this.#holdWhileBusy();
    done(error);
  }

  onWritable(): void {
    this.#flush();
  }

  override _final(done: Done): void {
    if (this.connecting) {
      this.once('connect', () => this._final(done));
      return;
    }
    const error = this.#socket?.shutdown();
    done(error === undefined || error === ERR.ENOTCONN ? undefined : errnoError(error, 'shutdown'));
  }

  // -- the end

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.connecting = false;
    this.#idle?.stop();
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
    if (socket !== undefined) this.#context.poller.forget(this);
    this.#holdWhileBusy();
    if (this.#written !== undefined) this.#over(error ?? coded(new Error('Socket is closed'), 'ERR_SOCKET_CLOSED'));
    done(error);
    process.nextTick(() => {
      this.emit('close', error !== null);
      this.#closed?.();
    });
  }

  /** Ends it when everything is written. */
  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', () => this.destroy());
  }

  /** Breaks the connection off: the peer hears of a reset. */
  resetAndDestroy(): this {
    if (this.#socket === undefined && !this.connecting) {
      this.destroy(coded(new Error('Socket is closed'), 'ERR_SOCKET_CLOSED'));
      return this;
    }
    const reset = (): void => {
      this.#socket?.breakOff();
      this.destroy();
    };
    if (this.connecting) this.once('connect', reset);
    else reset();
    return this;
  }

  // -- options

  setNoDelay(on = true): this {
    if (this.#socket === undefined) this.once('connect', () => this.setNoDelay(on));
    else this.#socket.setNoDelay(on);
    return this;
  }

  setKeepAlive(on = false, initialDelayMs = 0): this {
    if (this.#socket === undefined) this.once('connect', () => this.setKeepAlive(on, initialDelayMs));
    else this.#socket.setKeepAlive(on, Math.floor(initialDelayMs / 1000));
    return this;
  }

  /** After so much idleness 'timeout' is emitted; 0: never. */
  setTimeout(ms: number, cb?: () => void): this {
    if (this.destroyed) return this;
    checkDuration(ms, 'msecs');
    if (cb !== undefined) checkFunction(cb, 'callback');
    this.timeout = ms;
    this.#idle ??= new IdleTimeout(this.#context.p.k, () => this.emit('timeout'));
    this.#idle.set(ms);
    if (cb !== undefined) {
      if (ms === 0) this.off('timeout', cb);
      else this.once('timeout', cb);
    }
    return this;
  }

  #touch(): void {
    this.#idle?.touch();
  }

  ref(): this {
    this.#refed = true;
    this.#holdWhileBusy();
    return this;
  }

  unref(): this {
    this.#refed = false;
    this.#holdWhileBusy();
    return this;
  }

  /** As with Node, a program does not end while a socket connects, reads or writes; one that is idle because nobody reads it does not hold it. */
  #holdWhileBusy(): void {
    const held = this.#refed && ((this.connecting && this.#attempting) || (this.#socket !== undefined && (this.#wanting || this.#written !== undefined)));
    if (held === this.#held) return;
    this.#held = held;
    if (held) this.#context.poller.hold(this);
    else this.#context.poller.release(this);
  }
}

function part<K extends keyof AddressInfo>(name: AddressInfo | string | undefined, key: K): AddressInfo[K] | undefined {
  return typeof name === 'object' ? name[key] : undefined;
}

/** What write() is when the peer has ended, and this side with it. */
function writeAfterFin(this: Socket, ...args: Parameters<Duplex['write']>): boolean {
  if (!this.writableEnded) return Reflect.apply(Duplex.prototype.write, this, args);
  const [, encoding, cb] = args;
  const done = typeof encoding === 'function' ? encoding : cb;
  const error = coded(new Error('This socket has been ended by the other party'), 'EPIPE');
  if (typeof done === 'function') process.nextTick(() => (done as Done)(error));
  this.destroy(error);
  return false;
}
