/** The forms in which node:net takes its arguments, as one. */
import { ADDRCONFIG, ALL, V4MAPPED } from 'node:dns';
import { isIP } from 'node:net';
import type { Lookup } from '@anykernel/resolver';
import { checkFunction, checkSignal, coded, invalidAddress, invalidArgType, invalidArgValue, outOfRange, validPort } from './errors.js';

type Callback = (...args: never[]) => void;

export interface ConnectOptions {
  readonly port?: number | string | undefined;
  readonly host?: string | undefined;
  readonly path?: string | undefined;
  readonly family?: number | undefined;
  readonly hints?: number | undefined;
  readonly lookup?: Lookup | undefined;
  /** Addresses of both families are tried in turns, each for a while. As Node's default, unless Node was told otherwise. */
  readonly autoSelectFamily?: boolean | undefined;
  /** For how long, in milliseconds. */
  readonly autoSelectFamilyAttemptTimeout?: number | undefined;
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
  if (args.length === 0) return [{}, undefined];
  if (typeof first === 'object' && first !== null) return [first as ConnectOptions, cb];
  if (isPath(first)) return [{ path: first }, cb];
  return [{ port: first as number | string, ...(typeof second === 'string' ? { host: second } : {}) }, cb];
}

/** Text that is not the number of a port. */
function isPath(value: unknown): value is string {
  return typeof value === 'string' && !(Number(value) >= 0);
}

/** (options), (path, backlog), (port, host, backlog), each with a callback. ERR_INVALID_ARG_VALUE, ERR_SOCKET_BAD_PORT. */
export function listenArgs(args: readonly unknown[]): [ListenOptions, Callback | undefined] {
  const [given, cb] = connectArgs(args) as [ListenOptions, Callback | undefined];
  checkSignal(given.signal, 'options.signal');
  const backlog = given.backlog || args.slice(1, 3).map(Number).find((count) => count > 0);
  const anyPort = args.length === 0 || typeof args[0] === 'function' || (given.port === undefined && 'port' in given) || given.port === null;
  const port = anyPort ? 0 : given.port;
  if (typeof port === 'number' || typeof port === 'string') return [{ ...given, path: undefined, backlog, port: validPort(port, 'options.port') }, cb];
  if (isPath(given.path)) return [{ ...given, backlog }, cb];
  if (!('port' in given) && !('path' in given)) throw invalidArgValue('options', given, 'must have the property "port" or "path"');
  throw invalidArgValue('options', given);
}

/** Refuses what cannot be connected to. ERR_MISSING_ARGS, ERR_INVALID_ARG_TYPE, ERR_INVALID_IP_ADDRESS, ERR_SOCKET_BAD_PORT, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE. */
export function checkConnect(options: ConnectOptions): void {
  const { path, host, port, localAddress, localPort, lookup } = options;
  if (path !== undefined && path !== null) {
    if (typeof path !== 'string') throw invalidArgType('options.path', 'of type string', path);
    return;
  }
  if (port === undefined) throw coded(new TypeError('The "options" or "port" or "path" argument must be specified'), 'ERR_MISSING_ARGS');
  if (localAddress && isIP(localAddress) === 0) throw invalidAddress(localAddress);
  if (localPort && typeof localPort !== 'number') throw invalidArgType('options.localPort', 'of type number', localPort);
  if (typeof port !== 'number' && typeof port !== 'string') throw invalidArgType('options.port', 'one of type number or string', port);
  validPort(port);
  checkFamilies(options);
  if (lookup !== undefined) checkFunction(lookup, 'options.lookup');
  if (host !== undefined && typeof host !== 'string') throw invalidArgType('options.host', 'of type string', host);
  const { hints = 0 } = options;
  if (lookup === undefined && isIP(host ?? '') === 0 && (hints & ~(ADDRCONFIG | ALL | V4MAPPED)) !== 0) throw invalidArgValue('hints', hints);
}

function checkFamilies(options: ConnectOptions): void {
  const { autoSelectFamily: auto, autoSelectFamilyAttemptTimeout: timeMs } = options;
  if (auto !== undefined && auto !== null && typeof auto !== 'boolean') throw invalidArgType('options.autoSelectFamily', 'of type boolean', auto);
  if (timeMs === undefined || timeMs === null) return;
  if (typeof timeMs !== 'number') throw invalidArgType('options.autoSelectFamilyAttemptTimeout', 'of type number', timeMs);
  if (!Number.isInteger(timeMs)) throw outOfRange('options.autoSelectFamilyAttemptTimeout', 'an integer', timeMs);
  if (timeMs < 1 || timeMs > 0x7fff_ffff) throw outOfRange('options.autoSelectFamilyAttemptTimeout', '>= 1 && <= 2147483647', timeMs);
}

/** What the constructor of a socket takes. ERR_INVALID_ARG_VALUE, ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE. */
export function checkSocket(options: Readonly<Record<string, unknown>>): void {
  for (const name of ['objectMode', 'readableObjectMode', 'writableObjectMode']) {
    if (options[name]) throw invalidArgValue(`options.${name}`, options[name], 'is not supported');
  }
  const { fd } = options;
  if (fd !== undefined && typeof fd !== 'number') throw invalidArgType('fd', 'of type number', fd);
  if (fd !== undefined && !(fd >= 0 && fd <= 0x7fff_ffff)) throw outOfRange('fd', '>= 0 && <= 2147483647', fd);
  checkSignal(options['signal'], 'options.signal');
}

/** A number of milliseconds that setTimeout() takes. ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE. */
export function checkDuration(ms: unknown, name: string): void {
  if (typeof ms !== 'number') throw invalidArgType(name, 'of type number', ms);
  if (ms < 0 || !Number.isFinite(ms)) throw outOfRange(name, 'a non-negative finite number', ms);
}
