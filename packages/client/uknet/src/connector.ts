/** Connecting: the addresses of a name are tried one after another, until one answers. */
import { getDefaultAutoSelectFamily, getDefaultAutoSelectFamilyAttemptTimeout } from 'node:net';
import { AF_INET, AF_INET6, AF_LOCAL, ERR, Errno, SOCK_STREAM } from '@anykernel/lib-sys';
import type { LookupAddress } from '@anykernel/resolver';
import { type Endpoint, endpoint, inTurns, lookupAll, pathEndpoint } from './address.js';
import type { ConnectOptions } from './args.js';
import type { NetContext } from './context.js';
import { type NetError, addressError } from './errors.js';
import { KernelSocket, openSocket } from './kernelsocket.js';
import type { Pollable } from './poller.js';
import { IdleTimeout } from './timeout.js';

/** An attempt at less time than that is given so much. */
const ATTEMPT_MIN_MS = 10;

export type Attempted = 'connectionAttempt' | 'connectionAttemptFailed' | 'connectionAttemptTimeout';

/** What a socket that connects wants to hear. */
export interface Connecting {
  /** Whether it still wants to. */
  readonly wanted: () => boolean;
  readonly looked: (error: Error | null, address: string | undefined, family: number | undefined, host: string) => void;
  readonly attempted: (event: Attempted, to: Endpoint, error?: Error) => void;
  readonly done: (error: Error | undefined, socket: KernelSocket | undefined) => void;
}

export function connectTo(context: NetContext, options: ConnectOptions, told: Connecting): void {
  if (typeof options.path === 'string') {
    tryEach(context, options, [pathEndpoint(options.path)], told);
    return;
  }
  const host = options.host ?? 'localhost';
  const port = Number(options.port);
  const { family, localAddress } = options;
  const all = (options.autoSelectFamily ?? getDefaultAutoSelectFamily()) && family !== 4 && family !== 6 && !localAddress;
  const asked = { family: family ?? 0, hints: options.hints ?? 0, port, all };
  const found = (error: Error | null, addresses: readonly LookupAddress[]): void => {
    if (!told.wanted()) return;
    if (error !== null) process.nextTick(() => told.done(error, undefined));
    else tryEach(context, options, (all ? inTurns(addresses) : addresses.slice(0, 1)).map((one) => endpoint(one.address, port)), told);
  };
  lookupAll(options.lookup ?? context.lookup, host, asked, found, (error, one) => told.wanted() && told.looked(error, one?.address, one?.family, host));
}

/** One after another, each but the last for a while; the errors of all of them, if there are several. */
function tryEach(context: NetContext, options: ConnectOptions, places: readonly Endpoint[], told: Connecting): void {
  const errors: Error[] = [];
  const timeMs = Math.max(ATTEMPT_MIN_MS, options.autoSelectFamilyAttemptTimeout ?? getDefaultAutoSelectFamilyAttemptTimeout());
  const next = (index: number): void => {
    if (!told.wanted()) return;
    const to = places[index];
    if (to === undefined) {
      told.done(together(errors), undefined);
      return;
    }
    told.attempted('connectionAttempt', to);
    const failed = (event: Attempted, error: Error): void => {
      errors.push(error);
      told.attempted(event, to, error);
      next(index + 1);
    };
    const attempt = new Attempt(context, options, to, (error, socket) => {
      clock.stop();
      if (socket === undefined) failed('connectionAttemptFailed', error as Error);
      else if (told.wanted()) told.done(undefined, socket);
      else socket.close();
    });
    const clock = new IdleTimeout(context.p.k, () => attempt.giveUp() && failed('connectionAttemptTimeout', addressError(ERR.ETIMEDOUT, 'connect', to.text, to.port)));
    if (index < places.length - 1) clock.set(timeMs);
  };
  process.nextTick(() => next(0));
}

function together(errors: readonly Error[]): Error {
  if (errors.length === 1) return errors[0] as Error;
  const all = new AggregateError(errors) as AggregateError & { code?: string | undefined };
  all.code = (errors[0] as NetError | undefined)?.code;
  return all;
}

/** One attempt. */
class Attempt implements Pollable {
  readonly #context: NetContext;
  readonly #to: Endpoint;
  readonly #done: (error: Error | undefined, socket?: KernelSocket) => void;
  #socket: KernelSocket | undefined;
  #over = false;

  constructor(context: NetContext, options: ConnectOptions, to: Endpoint, done: (error: Error | undefined, socket?: KernelSocket) => void) {
    this.#context = context;
    this.#to = to;
    this.#done = done;
    openSocket(context.p, to.family, SOCK_STREAM, (fd) => {
      if (this.#over) {
        if (typeof fd === 'number') new KernelSocket(context.p, fd).close();
        return;
      }
      const error = fd instanceof Errno ? fd : this.#begin(fd, options);
      if (error === ERR.EINPROGRESS) context.poller.awaitWritable(this);
      else process.nextTick(() => this.#end(error));
    });
  }

  get fd(): number {
    return this.#socket?.fd ?? -1;
  }

  onReadable(): void {
    // Whoever gets the socket looks anew.
  }

  onWritable(): void {
    this.#end(this.#socket?.error());
  }

  /** undefined: it is connected. EINPROGRESS: it goes on. */
  #begin(fd: number, options: ConnectOptions): Errno | undefined {
    this.#socket = new KernelSocket(this.#context.p, fd);
    this.#context.poller.watch(this);
    const from = localEndpoint(options, this.#to.family);
    const error = from === undefined ? undefined : this.#socket.bind(from.nam);
    return error ?? this.#socket.connect(this.#to.nam);
  }

  /** It has taken too long. false: it is over. */
  giveUp(): boolean {
    if (this.#over) return false;
    this.#over = true;
    this.#socket?.close();
    this.#socket = undefined;
    this.#context.poller.forget(this);
    return true;
  }

  #end(error: Errno | undefined): void {
    if (this.#over) return;
    this.#over = true;
    const socket = this.#socket;
    if (error === undefined) this.#done(undefined, socket);
    else {
      socket?.close();
      this.#done(addressError(error, 'connect', this.#to.text, this.#to.port));
    }
    this.#socket = undefined;
    this.#context.poller.forget(this);
  }
}

/** Where the connection is to come from. */
function localEndpoint(options: ConnectOptions, family: number): Endpoint | undefined {
  if (family === AF_LOCAL || (options.localAddress === undefined && options.localPort === undefined)) return undefined;
  const any = family === AF_INET ? '0.0.0.0' : family === AF_INET6 ? '::' : '';
  return endpoint(options.localAddress ?? any, options.localPort ?? 0);
}
