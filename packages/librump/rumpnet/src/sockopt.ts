/**
 * Socket options: those of the socket itself (SOL_SOCKET); the others are the protocol's.
 */
import { getI32le, putU32le } from '@anykernel/lib-bytes';
import {
  ERR, INT_LEN, LINGER_LEN, SOL_SOCKET, SO_ACCEPTCONN, SO_BROADCAST, SO_DEBUG, SO_DONTROUTE, SO_ERROR, SO_KEEPALIVE, SO_LINGER, SO_NOSIGPIPE, SO_OOBINLINE, SO_OVERFLOWED,
  SO_RCVBUF, SO_RCVLOWAT, SO_RCVTIMEO, SO_REUSEADDR, SO_REUSEPORT, SO_SNDBUF, SO_SNDLOWAT, SO_SNDTIMEO, SO_TIMESTAMP, SO_TYPE, SO_USELOOPBACK, intBytes, lingerBytes,
  parseTimeval, timevalBytes,
} from '@anykernel/lib-sys';
import { type Lwp, NS } from '@anykernel/rumpkern';
import { SB_FIXED, type Sockbuf } from './sockbuf.js';
import type { Socket } from './socket.js';

/** Options that are on or off. */
const FLAGS: number =
  SO_DEBUG | SO_REUSEADDR | SO_KEEPALIVE | SO_DONTROUTE | SO_BROADCAST | SO_USELOOPBACK | SO_OOBINLINE | SO_REUSEPORT | SO_NOSIGPIPE | SO_TIMESTAMP;
/** What can be looked at, but not set, and SO_LINGER, which is set otherwise. */
const READABLE_FLAGS: number = FLAGS | SO_ACCEPTCONN;

/** The longest time limit and linger, in seconds. */
const SECONDS_MAX = 0x7fff_ffff;

/** ENOPROTOOPT: there is no such option. EINVAL: the value is too short, or not one. EDOM: a time out of range. ENOBUFS: more than kern.sbmax. */
export function sosetopt(so: Socket, level: number, name: number, value: Uint8Array, l: Lwp): void {
  if (level !== SOL_SOCKET) {
    if (so.proto.ctloutput?.(so, 'set', level, name, value, l) === undefined) throw ERR.ENOPROTOOPT;
    return;
  }
  if ((name & FLAGS) === name && name !== 0 && (name & (name - 1)) === 0) {
    setFlag(so, name, int(value) !== 0);
    so.proto.ctloutput?.(so, 'set', level, name, value, l);
    return;
  }
  switch (name) {
    case SO_LINGER:
      setLinger(so, value);
      return;
    case SO_SNDBUF:
    case SO_RCVBUF:
      setSize(so, name === SO_SNDBUF ? so.snd : so.rcv, int(value));
      return;
    case SO_SNDLOWAT:
    case SO_RCVLOWAT:
      setLowat(name === SO_SNDLOWAT ? so.snd : so.rcv, int(value));
      return;
    case SO_SNDTIMEO:
    case SO_RCVTIMEO:
      setTimeLimit(name === SO_SNDTIMEO ? so.snd : so.rcv, value);
      return;
  }
  throw ERR.ENOPROTOOPT;
}

function int(value: Uint8Array): number {
  if (value.length < INT_LEN) throw ERR.EINVAL;
  return getI32le(value, 0);
}

function setFlag(so: Socket, flag: number, on: boolean): void {
  so.options = on ? so.options | flag : so.options & ~flag;
}

function setLinger(so: Socket, value: Uint8Array): void {
  if (value.length < LINGER_LEN) throw ERR.EINVAL;
  const seconds = getI32le(value, 4);
  if (seconds < 0) throw ERR.EDOM;
  so.linger = seconds;
  setFlag(so, SO_LINGER, getI32le(value, 0) !== 0);
}

function setSize(so: Socket, sb: Sockbuf, len: number): void {
  if (len <= 0) throw ERR.EINVAL;
  if (!sb.reserve(len, so.net.sbmax)) throw ERR.ENOBUFS;
  sb.flags |= SB_FIXED;
}

function setLowat(sb: Sockbuf, len: number): void {
  if (len <= 0) throw ERR.EINVAL;
  sb.lowat = Math.min(len, sb.hiwat);
}

/** A time of zero is no limit. */
function setTimeLimit(sb: Sockbuf, value: Uint8Array): void {
  const time = parseTimeval(value);
  if (time === undefined) throw ERR.EINVAL;
  if (time.usec < 0 || time.usec >= 1_000_000 || time.sec < 0 || time.sec > SECONDS_MAX) throw ERR.EDOM;
  const ns = time.sec * NS + time.usec * 1000;
  sb.timeoNs = ns === 0 ? Infinity : ns;
}

/** The value of an option. SO_ERROR tells the pending error, and it is told then. ENOPROTOOPT. */
export function sogetopt(so: Socket, level: number, name: number, asked: Uint8Array, l: Lwp): Uint8Array {
  if (level !== SOL_SOCKET) {
    const value = so.proto.ctloutput?.(so, 'get', level, name, asked, l);
    if (value === undefined) throw ERR.ENOPROTOOPT;
    return value;
  }
  if ((name & READABLE_FLAGS) === name && name !== 0 && (name & (name - 1)) === 0) return intBytes(so.options & name);
  switch (name) {
    case SO_LINGER:
      return lingerBytes((so.options & SO_LINGER) !== 0, so.linger);
    case SO_TYPE:
      return intBytes(so.type);
    case SO_ERROR:
      return errorBytes(so);
    case SO_SNDBUF:
      return intBytes(so.snd.hiwat);
    case SO_RCVBUF:
      return intBytes(so.rcv.hiwat);
    case SO_SNDLOWAT:
      return intBytes(so.snd.lowat);
    case SO_RCVLOWAT:
      return intBytes(so.rcv.lowat);
    case SO_OVERFLOWED:
      return intBytes(so.rcv.overflowed);
    case SO_SNDTIMEO:
      return timeoutBytes(so.snd);
    case SO_RCVTIMEO:
      return timeoutBytes(so.rcv);
  }
  throw ERR.ENOPROTOOPT;
}

function errorBytes(so: Socket): Uint8Array {
  const value = new Uint8Array(INT_LEN);
  putU32le(value, 0, so.error?.errno ?? 0);
  so.error = undefined;
  return value;
}

function timeoutBytes(sb: Sockbuf): Uint8Array {
  if (sb.timeoNs === Infinity) return timevalBytes(0, 0);
  return timevalBytes(Math.floor(sb.timeoNs / NS), Math.floor((sb.timeoNs % NS) / 1000));
}
