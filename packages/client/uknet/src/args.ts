/** The forms in which node:net takes its arguments, as one. */
import { coded, invalidArgType, validPort } from './errors.js';
import type { Lookup } from './address.js';

type Callback = (...args: never[]) => void;

export interface ConnectOptions {
  readonly port?: number | string | undefined;
  readonly host?: string | undefined;
  readonly path?: string | undefined;
  readonly family?: number | undefined;
  readonly hints?: number | undefined;
  readonly lookup?: Lookup | undefined;
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
  readonly noDelay?: boolean | undefined;
  readonly keepAlive?: boolean | undefined;
  readonly keepAliveInitialDelay?: number | undefined;
  readonly timeout?: number | undefined;
  readonly allowHalfOpen?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly highWaterMark?: number | undefined;
}

export interface ListenOptions {
  readonly port?: number | string | undefined;
  readonly host?: string | undefined;
  readonly path?: string | undefined;
  readonly backlog?: number | undefined;
  readonly ipv6Only?: boolean | undefined;
  readonly readableAll?: boolean | undefined;
  readonly writableAll?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly exclusive?: boolean | undefined;
}

/** (options), (path), (port, host), each with a callback at its end. */
export function connectArgs(args: readonly unknown[]): [ConnectOptions, Callback | undefined] {
  const last = args.at(-1);
  const cb = typeof last === 'function' ? (last as Callback) : undefined;
  const [first, second] = args;
  if (typeof first === 'object' && first !== null) return [first as ConnectOptions, cb];
  if (isPath(first)) return [{ path: first }, cb];
  if (first === undefined || first === null || typeof first === 'function') return [{}, cb];
  return [{ port: first as number | string, ...(typeof second === 'string' ? { host: second } : {}) }, cb];
}

function isPath(value: unknown): value is string {
  return typeof value === 'string' && !/^\d+$/.test(value.trim());
}

/** (options), (path, backlog), (port, host, backlog), each with a callback. ERR_INVALID_ARG_VALUE, ERR_SOCKET_BAD_PORT. */
export function listenArgs(args: readonly unknown[]): [ListenOptions, Callback | undefined] {
  const last = args.at(-1);
  const cb = typeof last === 'function' ? (last as Callback) : undefined;
  const plain = args.filter((arg) => typeof arg !== 'function');
  const [first] = plain;
  if (typeof first === 'object' && first !== null) return [checked(first as ListenOptions, first), cb];
  const backlog = plain.slice(1).find((arg) => typeof arg === 'number') as number | undefined;
  if (isPath(first)) return [{ path: first, backlog }, cb];
  const host = plain.slice(1).find((arg) => typeof arg === 'string') as string | undefined;
  return [checked({ port: (first ?? 0) as number, host, backlog }, first), cb];
}

function checked(options: ListenOptions, given: unknown): ListenOptions {
  if (options.path !== undefined) {
    if (typeof options.path !== 'string') throw invalidArgType('options.path', 'of type string', options.path);
    return options;
  }
  if (options.port === undefined || options.port === null) {
    if (typeof given === 'object' && given !== null && !('port' in given)) {
      throw coded(new TypeError('The argument \'options\' must have the property "port" or "path".'), 'ERR_INVALID_ARG_VALUE');
    }
    return { ...options, port: 0 };
  }
  return { ...options, port: validPort(options.port, 'options.port') };
}

/** Refuses what cannot be connected to. ERR_MISSING_ARGS, ERR_INVALID_ARG_TYPE, ERR_SOCKET_BAD_PORT. */
export function checkConnect(options: ConnectOptions): void {
  if (options.path !== undefined && options.path !== null) {
    if (typeof options.path !== 'string') throw invalidArgType('options.path', 'of type string', options.path);
    return;
  }
  if (options.port === undefined) {
    throw coded(new TypeError('The "options" or "port" or "path" argument must be specified'), 'ERR_MISSING_ARGS');
  }
  if (typeof options.port !== 'number' && typeof options.port !== 'string') throw invalidArgType('options.port', 'one of type number or string', options.port);
  validPort(options.port);
  if (options.lookup !== undefined && typeof options.lookup !== 'function') throw invalidArgType('options.lookup', 'of type function', options.lookup);
  if (options.host !== undefined && typeof options.host !== 'string') throw invalidArgType('options.host', 'of type string', options.host);
}
