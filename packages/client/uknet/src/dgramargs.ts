/** The forms in which node:dgram takes its arguments, as one; what is wrong is refused as Node refuses it. */
import { inetParse } from '@anykernel/lib-sys';
import { coded, invalidArgType, validPort } from './errors.js';

export type SendCallback = (error: Error | null, bytes?: number) => void;
type Message = string | Uint8Array | DataView;

/** A datagram that is to be sent. `port` is undefined for a socket that is connected. */
export interface Sending {
  readonly data: Uint8Array[];
  readonly port: number | undefined;
  readonly address: string | undefined;
  readonly cb: SendCallback | undefined;
}

/** (message, [offset, length], [port], [address], [callback]). ERR_INVALID_ARG_TYPE, ERR_BUFFER_OUT_OF_BOUNDS, ERR_SOCKET_BAD_PORT, ERR_SOCKET_DGRAM_IS_CONNECTED. */
export function sendArgs(args: readonly unknown[], connected: boolean): Sending {
  const cb = args.find((arg, i) => i > 0 && typeof arg === 'function') as SendCallback | undefined;
  const [message, a, b, c, d] = args.map((arg, i) => (i > 0 && typeof arg === 'function' ? undefined : arg));
  if (connected) {
    const ranged = typeof b === 'number';
    const data = ranged ? [sliceOf(message, a, b)] : messagesOf(message);
    if (c || d || (!ranged && b)) throw coded(new Error('Already connected'), 'ERR_SOCKET_DGRAM_IS_CONNECTED');
    return { data, port: undefined, address: undefined, cb };
  }
  const ranged = Boolean(d) || Boolean(c);
  const data = ranged ? [sliceOf(message, a, b)] : messagesOf(message);
  const [port, address] = ranged ? [c, d] : [a, b];
  const number = validPort(port, 'Port', false);
  if (address !== undefined && address !== null && typeof address !== 'string') throw invalidArgType('address', 'of type string', address);
  return { data, port: number, address: address || undefined, cb };
}

/** Part of a message. */
function sliceOf(message: unknown, from: unknown, count: unknown): Uint8Array {
  const b = bytesOf(message as Message);
  const [offset, len] = [Number(from) >>> 0, Number(count) >>> 0];
  for (const [name, over] of [['offset', offset > b.length], ['length', len > b.length - offset]] as const) {
    if (over) throw coded(new RangeError(`"${name}" is outside of buffer bounds`), 'ERR_BUFFER_OUT_OF_BOUNDS');
  }
  return b.subarray(offset, offset + len);
}

/** A message, or the parts of one, as bytes. */
function messagesOf(message: unknown): Uint8Array[] {
  if (!Array.isArray(message)) return [bytesOf(message as Message)];
  if (!message.every((part) => typeof part === 'string' || ArrayBuffer.isView(part))) throw invalidArgType('buffer list arguments', MESSAGE, message);
  return message.map((part) => bytesOf(part as Message));
}

const MESSAGE = 'of type string or an instance of Buffer, TypedArray, or DataView';

function bytesOf(message: Message): Uint8Array {
  if (typeof message === 'string') return Buffer.from(message);
  if (message instanceof Uint8Array) return message;
  if (ArrayBuffer.isView(message)) return new Uint8Array(message.buffer, message.byteOffset, message.byteLength);
  throw invalidArgType('buffer', MESSAGE, message);
}

export function checkNumber(value: unknown, name: string): void {
  if (typeof value !== 'number') throw invalidArgType(name, 'of type number', value);
}

export function checkText(value: unknown, name: string): void {
  if (typeof value !== 'string') throw invalidArgType(name, 'of type string', value);
}

/** The four bytes of an IPv4 address; undefined: it is none. */
export function inetBytes(text: string): Uint8Array | undefined {
  const addr = inetParse(text);
  return addr === undefined ? undefined : Uint8Array.of(addr >>> 24, addr >>> 16, addr >>> 8, addr);
}
