/** dgram.Socket on a kernel: datagrams, with Node's events and errors. */
import { EventEmitter } from 'node:events';
import { isIPv6 } from 'node:net';
import {
  AF_INET, AF_INET6, ERR, Errno, IOV_MAX, IPPROTO_IP, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, IPV6_MULTICAST_IF, IPV6_MULTICAST_LOOP, IPV6_UNICAST_HOPS, IP_ADD_MEMBERSHIP,
  IP_ADD_SOURCE_MEMBERSHIP, IP_DROP_MEMBERSHIP, IP_DROP_SOURCE_MEMBERSHIP, IP_MULTICAST_IF, IP_MULTICAST_LOOP, IP_MULTICAST_TTL, IP_TTL, SOCK_DGRAM, SOL_SOCKET,
  SO_BROADCAST, SO_RCVBUF, SO_REUSEADDR, SO_REUSEPORT, SO_SNDBUF, intBytes,
} from '@anykernel/lib-sys';
import type { Lookup } from '@anykernel/resolver';
import { type AddressInfo, type Endpoint, addressOf, endpoint, lookupAll } from './address.js';
import type { NetContext } from './context.js';
import { type SendCallback, checkNumber, checkText, inetBytes, sendArgs } from './dgramargs.js';
import { addressError, checkFunction, checkSignal, coded, errnoError, notRunning, validPort } from './errors.js';
import { KernelSocket, attempt, openSocket } from './kernelsocket.js';
import { type Pollable, goingOn } from './poller.js';

export interface DgramOptions {
  readonly type: 'udp4' | 'udp6';
  readonly reuseAddr?: boolean | undefined;
  readonly reusePort?: boolean | undefined;
  readonly ipv6Only?: boolean | undefined;
  readonly recvBufferSize?: number | undefined;
  readonly sendBufferSize?: number | undefined;
  readonly lookup?: Lookup | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface RemoteInfo extends AddressInfo {
  readonly size: number;
}

/** What `node:dgram` exports. */
export interface Dgram {
  createSocket(options: DgramOptions | 'udp4' | 'udp6', listener?: (message: Buffer, from: RemoteInfo) => void): DgramSocket;
  readonly Socket: typeof DgramSocket;
}

/** The longest datagram. */
const DATAGRAM_MAX = 65_535;
/** Datagrams that are taken before others get their turn. */
const BATCH = 64;

/** What waits until there is a descriptor, or an address. */
type State = 'new' | 'binding' | 'bound' | 'closed';

export class DgramSocket extends EventEmitter implements Pollable {
  readonly type: 'udp4' | 'udp6';
  readonly #context: NetContext;
  readonly #options: DgramOptions;
  #state: State = 'new';
  #socket: KernelSocket | undefined;
  #connected: Endpoint | undefined;
  #connecting = false;
  #refed = true;
  readonly #buf = new Uint8Array(DATAGRAM_MAX);
  /** Datagrams for which there was no room: bytes, and what sends them. */
  readonly #waiting: { len: number; send: () => void }[] = [];

  constructor(context: NetContext, options: DgramOptions, listener?: (message: Buffer, from: RemoteInfo) => void) {
    super();
    if (options.lookup !== undefined) checkFunction(options.lookup, 'lookup');
    if (options.type !== 'udp4' && options.type !== 'udp6') {
      throw coded(new TypeError('Bad socket type specified. Valid types are: udp4, udp6'), 'ERR_SOCKET_BAD_TYPE');
    }
    this.type = options.type;
    this.#context = context;
    this.#options = options;
    if (listener !== undefined) this.on('message', listener);
    const { signal } = options;
    checkSignal(signal, 'options.signal');
    const close = (): unknown => this.#state !== 'closed' && this.close();
    if (signal?.aborted === true) process.nextTick(close);
    else signal?.addEventListener('abort', close, { once: true });
  }

  get fd(): number {
    return this.#socket?.fd ?? -1;
  }

  get #family(): number {
    return this.type === 'udp4' ? AF_INET : AF_INET6;
  }

  get #any(): string {
    return this.type === 'udp4' ? '0.0.0.0' : '::';
  }

  // -- names

  /** bind(port, address), bind(options), with a listener of 'listening'. */
  bind(...args: unknown[]): this {
    this.#check();
    if (this.#state !== 'new') throw coded(new Error('Socket is already bound'), 'ERR_SOCKET_ALREADY_BOUND');
    const [first, second] = args;
    const last = args.at(-1);
    if (typeof last === 'function') {
      // One bind() after another may fail; what is told of it is told of the next one alone.
      const listening = last as () => void;
      const forget = (): unknown => this.off('listening', listening).off('listening', forget).off('error', forget);
      this.once('listening', listening).once('listening', forget).on('error', forget);
    }
    const options = typeof first === 'object' && first !== null ? (first as { port?: number; address?: string }) : {};
    const port = validPort(typeof first === 'number' || typeof first === 'string' ? first : (options.port ?? 0));
    this.#bindTo(port, options.address ?? (typeof second === 'string' && second !== '' ? second : this.#any));
    return this;
  }

  #bindTo(port: number, address: string): void {
    this.#state = 'binding';
    this.#find(address, (error, found) => {
      if (error !== null) this.#bindFailed(error);
      else openSocket(this.#context.p, this.#family, SOCK_DGRAM, (fd) => this.#opened(fd, endpoint(found, port)));
    });
  }

  #opened(fd: number | Errno, at: Endpoint): void {
    if (fd instanceof Errno) {
      this.#bindFailed(addressError(fd, 'bind', at.text, at.port));
      return;
    }
    const socket = new KernelSocket(this.#context.p, fd);
    if (this.#state === 'closed') {
      socket.close();
      return;
    }
    const { reuseAddr, reusePort, recvBufferSize, sendBufferSize } = this.#options;
    if (reuseAddr === true) socket.option(SOL_SOCKET, SO_REUSEADDR, intBytes(1));
    if (reusePort === true || reuseAddr === true) socket.option(SOL_SOCKET, SO_REUSEPORT, intBytes(1));
    if (recvBufferSize !== undefined) socket.option(SOL_SOCKET, SO_RCVBUF, intBytes(recvBufferSize));
    if (sendBufferSize !== undefined) socket.option(SOL_SOCKET, SO_SNDBUF, intBytes(sendBufferSize));
    const error = socket.bind(at.nam);
    if (error !== undefined) {
      socket.close();
      this.#bindFailed(addressError(error, 'bind', at.text, at.port));
      return;
    }
    this.#socket = socket;
    this.#context.poller.watch(this);
    if (this.#refed) this.#context.poller.hold(this);
    this.#state = 'bound';
    process.nextTick(() => this.#state === 'bound' && this.emit('listening'));
  }

  #bindFailed(error: Error): void {
    this.#state = 'new';
    process.nextTick(() => this.emit('error', error));
  }

  /** A name of its own, if it has none; then `next`. */
  #ensureBound(next: () => void): void {
    if (this.#state === 'bound' && this.#socket !== undefined) {
      next();
      return;
    }
    this.once('listening', next);
    if (this.#state === 'new') this.#bindTo(0, this.#any);
  }

  #find(name: string, done: (error: Error | null, address: string) => void): void {
    const lookup = this.#options.lookup ?? this.#context.lookup;
    lookupAll(lookup, name, { family: this.type === 'udp4' ? 4 : 6, hints: 0, all: true }, (error, found) => {
      if (this.#state === 'closed') return;
      done(error, found[0]?.address ?? '');
    });
  }

  address(): AddressInfo {
    const nam = this.#running().sockname();
    const name = nam === undefined ? undefined : addressOf(nam);
    if (typeof name !== 'object') throw errnoError(ERR.EBADF, 'getsockname');
    return name;
  }

  remoteAddress(): AddressInfo {
    this.#running();
    const nam = this.#connected === undefined ? undefined : this.#socket?.peername();
    const name = nam === undefined ? undefined : addressOf(nam);
    if (typeof name !== 'object') throw coded(new Error('Not connected'), 'ERR_SOCKET_DGRAM_NOT_CONNECTED');
    return name;
  }

  /** connect(port, address), with a listener of 'connect'. */
  connect(port: number, address?: string | (() => void), listener?: () => void): void {
    this.#check();
    const number = validPort(port, 'Port', false);
    const cb = typeof address === 'function' ? address : listener;
    if (this.#connected !== undefined || this.#connecting) throw coded(new Error('Already connected'), 'ERR_SOCKET_DGRAM_IS_CONNECTED');
    this.#connecting = true;
    const name = typeof address === 'string' && address !== '' ? address : this.#loopback;
    const failed = (error: Error): void => {
      this.#connecting = false;
      process.nextTick(() => (cb === undefined ? this.emit('error', error) : (cb as (error: Error) => void)(error)));
    };
    this.#ensureBound(() => {
      this.#find(name, (error, found) => {
        if (error !== null) return failed(error);
        const to = endpoint(found, number);
        const refused = this.#socket?.connect(to.nam);
        if (refused !== undefined) return failed(addressError(refused, 'connect', to.text, to.port));
        this.#connecting = false;
        this.#connected = to;
        if (cb !== undefined) this.once('connect', cb);
        process.nextTick(() => this.emit('connect'));
      });
    });
  }

  get #loopback(): string {
    return this.type === 'udp4' ? '127.0.0.1' : '::1';
  }

  disconnect(): void {
    if (this.#connected === undefined) throw coded(new Error('Not connected'), 'ERR_SOCKET_DGRAM_NOT_CONNECTED');
    this.#connected = undefined;
    // An address of no family: connect(2) then ends the connection, and says that it is none.
    this.#socket?.connect(new Uint8Array(16));
  }

  // -- data

  /** As send(), with all of its arguments. */
  sendto(message: unknown, offset: unknown, len: unknown, port: unknown, address: unknown, cb?: SendCallback): void {
    checkNumber(offset, 'offset');
    checkNumber(len, 'length');
    checkNumber(port, 'port');
    checkText(address, 'address');
    this.send(message, offset, len, port, address, cb);
  }

  /** send(message, [offset, length], [port], [address], [callback]). */
  send(...args: unknown[]): void {
    this.#check();
    const { data, port, address, cb } = sendArgs(args, this.#connected !== undefined);
    this.#ensureBound(() => {
      if (port === undefined) this.#dispatch(data, undefined, cb);
      else {
        this.#find(address ?? this.#loopback, (error, found) => {
          if (error === null) this.#dispatch(data, endpoint(found, port), cb);
          else this.#told(cb, error);
        });
      }
    });
  }

  #dispatch(data: readonly Uint8Array[], to: Endpoint | undefined, cb: SendCallback | undefined): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    const { bare } = this.#context.p;
    const n = attempt(() => bare.sendmsg(socket.fd, { iov: data.length > IOV_MAX ? [Buffer.concat(data)] : data, name: to?.nam }, 0));
    if (n === ERR.EAGAIN) {
      this.#waiting.push({ len: data.reduce((sum, part) => sum + part.length, 0), send: () => this.#dispatch(data, to, cb) });
      this.#context.poller.awaitWritable(this);
    } else if (n instanceof Errno) {
      const at = to ?? this.#connected;
      this.#told(cb, at === undefined ? errnoError(n, 'send') : addressError(n, 'send', at.text, at.port));
    } else process.nextTick(() => cb?.(null, n));
  }

  #told(cb: SendCallback | undefined, error: Error): void {
    process.nextTick(() => {
      if (cb !== undefined) cb(error);
      else this.emit('error', error);
    });
  }

  onWritable(): void {
    for (const one of this.#waiting.splice(0)) one.send();
  }

  onReadable(): void {
    const name = { addr: undefined as Uint8Array | undefined };
    const { bare } = this.#context.p;
    for (let i = 0; this.#socket !== undefined; i++) {
      const { fd } = this.#socket;
      const n = attempt(() => bare.recvfrom(fd, this.#buf, 0, name));
      if (n === ERR.EAGAIN) return;
      if (n instanceof Errno) {
        this.emit('error', errnoError(n, 'recvmsg'));
        return;
      }
      const from = name.addr === undefined ? undefined : addressOf(name.addr);
      if (typeof from === 'object') goingOn(() => this.emit('message', Buffer.from(this.#buf.subarray(0, n)), { ...from, size: n }), () => this.onReadable());
      if (i === BATCH) {
        setImmediate(() => this.onReadable());
        return;
      }
    }
  }

  // -- the end

  close(cb?: () => void): this {
    this.#check();
    if (typeof cb === 'function') this.once('close', cb);
    this.#state = 'closed';
    const socket = this.#socket;
    this.#socket = undefined;
    this.#waiting.length = 0;
    if (socket !== undefined) {
      socket.close();
      this.#context.poller.forget(this);
    }
    this.#context.poller.release(this);
    process.nextTick(() => this.emit('close'));
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#state === 'closed') return;
    await new Promise<void>((resolve) => this.close(resolve));
  }

  #check(): void {
    if (this.#state === 'closed') throw notRunning('socket');
  }

  #running(syscall = 'getsockname'): KernelSocket {
    this.#check();
    if (this.#socket === undefined) throw errnoError(ERR.EBADF, syscall);
    return this.#socket;
  }

  // -- options

  #set(syscall: string, level: number, name: number, value: Uint8Array): void {
    const error = this.#running(syscall).option(level, name, value);
    if (error !== undefined) throw errnoError(error, syscall);
  }

  #size(name: number): number {
    const value = new Uint8Array(4);
    const socket = this.#running(name === SO_RCVBUF ? 'uv_recv_buffer_size' : 'uv_send_buffer_size');
    const error = attempt(() => this.#context.p.bare.getsockopt(socket.fd, SOL_SOCKET, name, value));
    if (error instanceof Errno) throw errnoError(error, 'getsockopt');
    return new DataView(value.buffer).getInt32(0, true);
  }

  setBroadcast(on: boolean): void {
    this.#set('setBroadcast', SOL_SOCKET, SO_BROADCAST, intBytes(on ? 1 : 0));
  }

  setTTL(ttl: number): number {
    this.#setHops('setTTL', ttl, this.#six ? [IPPROTO_IPV6, IPV6_UNICAST_HOPS] : [IPPROTO_IP, IP_TTL]);
    return ttl;
  }

  setMulticastTTL(ttl: number): number {
    this.#setHops('setMulticastTTL', ttl, this.#six ? [IPPROTO_IPV6, IPV6_MULTICAST_HOPS] : [IPPROTO_IP, IP_MULTICAST_TTL]);
    return ttl;
  }

  #setHops(syscall: string, hops: number, [level, name]: readonly [number, number]): void {
    checkNumber(hops, 'ttl');
    if (!(hops >= 1 && hops <= 255)) throw errnoError(ERR.EINVAL, syscall);
    this.#set(syscall, level, name, intBytes(hops));
  }

  /** What the caller gives comes back, as it is. */
  setMulticastLoopback(on: boolean): boolean {
    const value = intBytes(on ? 1 : 0);
    if (this.#six) this.#set('setMulticastLoopback', IPPROTO_IPV6, IPV6_MULTICAST_LOOP, value);
    else this.#set('setMulticastLoopback', IPPROTO_IP, IP_MULTICAST_LOOP, value.subarray(0, 1));
    return on;
  }

  /** The address of an interface; for IPv6 `::%index`, and without an index that of the kernel's choice. */
  setMulticastInterface(address: string): void {
    this.#check();
    checkText(address, 'interfaceAddress');
    const syscall = 'setMulticastInterface';
    if (!this.#six) {
      this.#set(syscall, IPPROTO_IP, IP_MULTICAST_IF, this.#group(address, syscall));
      return;
    }
    if (!isIPv6(address)) throw errnoError(ERR.EINVAL, syscall);
    this.#set(syscall, IPPROTO_IPV6, IPV6_MULTICAST_IF, intBytes(Number(address.split('%')[1] ?? 0) || 0));
  }

  get #six(): boolean {
    return this.type === 'udp6';
  }

  /** IPv4. */
  addMembership(group: string, interfaceAddress?: string): void {
    this.#membership(IP_ADD_MEMBERSHIP, 'addMembership', group, interfaceAddress);
  }

  dropMembership(group: string, interfaceAddress?: string): void {
    this.#membership(IP_DROP_MEMBERSHIP, 'dropMembership', group, interfaceAddress);
  }

  #membership(option: number, syscall: string, group: string, interfaceAddress = '0.0.0.0'): void {
    this.#check();
    if (!group) throw coded(new TypeError('The "multicastAddress" argument must be specified'), 'ERR_MISSING_ARGS');
    this.#set(syscall, IPPROTO_IP, option, Buffer.concat([this.#group(group, syscall), this.#group(interfaceAddress, syscall)]));
  }

  /** What `source` sends to a group. IPv4. */
  addSourceSpecificMembership(source: string, group: string, interfaceAddress?: string): void {
    this.#sourceMembership(IP_ADD_SOURCE_MEMBERSHIP, 'addSourceSpecificMembership', source, group, interfaceAddress);
  }

  dropSourceSpecificMembership(source: string, group: string, interfaceAddress?: string): void {
    this.#sourceMembership(IP_DROP_SOURCE_MEMBERSHIP, 'dropSourceSpecificMembership', source, group, interfaceAddress);
  }

  #sourceMembership(option: number, syscall: string, source: string, group: string, interfaceAddress = '0.0.0.0'): void {
    this.#check();
    checkText(source, 'sourceAddress');
    checkText(group, 'groupAddress');
    const [g, s, i] = [group, source, interfaceAddress].map((text) => this.#group(text, syscall)) as [Uint8Array, Uint8Array, Uint8Array];
    this.#set(syscall, IPPROTO_IP, option, Buffer.concat([g, s, i]));
  }

  #group(text: string, syscall: string): Uint8Array {
    const b = inetBytes(text);
    if (b === undefined) throw errnoError(ERR.EINVAL, syscall);
    return b;
  }

  getRecvBufferSize(): number {
    return this.#size(SO_RCVBUF);
  }
  getSendBufferSize(): number {
    return this.#size(SO_SNDBUF);
  }
  setRecvBufferSize(len: number): void {
    checkSize(len);
    this.#set('uv_recv_buffer_size', SOL_SOCKET, SO_RCVBUF, intBytes(len));
  }
  setSendBufferSize(len: number): void {
    checkSize(len);
    this.#set('uv_send_buffer_size', SOL_SOCKET, SO_SNDBUF, intBytes(len));
  }
  getSendQueueSize(): number {
    return this.#waiting.reduce((sum, one) => sum + one.len, 0);
  }
  getSendQueueCount(): number {
    return this.#waiting.length;
  }

  ref(): this {
    this.#refed = true;
    if (this.#socket !== undefined) this.#context.poller.hold(this);
    return this;
  }

  unref(): this {
    this.#refed = false;
    this.#context.poller.release(this);
    return this;
  }
}

function checkSize(len: unknown): void {
  if (!Number.isInteger(len) || (len as number) < 0) throw coded(new TypeError('Buffer size must be a positive integer'), 'ERR_SOCKET_BAD_BUFFER_SIZE');
}

/** `node:dgram` for one context. */
export function dgramOf(context: NetContext): Dgram {
  class KernelDgramSocket extends DgramSocket {
    constructor(options: DgramOptions | 'udp4' | 'udp6', listener?: (message: Buffer, from: RemoteInfo) => void) {
      super(context, typeof options === 'object' && options !== null ? options : { type: options }, listener);
    }
  }
  return {
    createSocket: (options, listener) => new KernelDgramSocket(options, listener),
    Socket: KernelDgramSocket as unknown as typeof DgramSocket,
  };
}
