/**
 * Lists of sockets by sysctl(7) (net.inet.tcp.pcblist and its kind): struct kinfo_pcb, NetBSD/amd64's, 640 bytes each, little-endian.
 *
 * Control block u64, protocol's control block u64, socket u64; family, type, protocol, flags, socket state (SS_*), protocol state, 32 bits each; TCP state i32, TCP flags u32;
 * bytes to receive, and to send u64; own and peer's address, 264 bytes each; inode, vnode, peer's control block, references u64. The first three are numbers that tell sockets apart.
 */
import { getI32le, getU32le, getU64le, putU32le, putU64le } from '@anykernel/lib-bytes';

export const KINFO_PCB_LEN = 640;

const AT_LOCAL = 72;
const AT_PEER = 336;
const AT_INODE = 600;
const AT_CONN = 616;
const SOCKADDR_MAX = 255;

/** One socket. */
export interface KinfoPcb {
  /** Tells it from others. */
  readonly socket: number;
  readonly family: number;
  readonly type: number;
  readonly protocol: number;
  /** SS_*. */
  readonly state: number;
  /** TCPS_*; 0 for other protocols. */
  readonly tcpState: number;
  /** Bytes that wait to be received, and to be sent or acknowledged. */
  readonly recvq: number;
  readonly sendq: number;
  /** sockaddrs. */
  readonly local: Uint8Array;
  readonly peer: Uint8Array;
  /** The number that fstat(2) says. */
  readonly inode: number;
  /** The peer's `socket`, where it is in this kernel and known; 0: none. */
  readonly conn: number;
}

/** Writes one at `at` of `b`, in place; the place is zero. */
export function emitKinfoPcb(b: Uint8Array, at: number, one: KinfoPcb): void {
  for (let i = 0; i < 24; i += 8) putU64le(b, at + i, one.socket);
  [one.family, one.type, one.protocol, 0, one.state, 0, one.tcpState, 0].forEach((value, i) => putU32le(b, at + 24 + 4 * i, value >>> 0));
  putU64le(b, at + 56, one.recvq);
  putU64le(b, at + 64, one.sendq);
  b.set(one.local.subarray(0, SOCKADDR_MAX), at + AT_LOCAL);
  b.set(one.peer.subarray(0, SOCKADDR_MAX), at + AT_PEER);
  putU64le(b, at + AT_INODE, one.inode);
  putU64le(b, at + AT_CONN, one.conn);
}

/** All of them. What is left over at the end is passed over. */
export function parseKinfoPcbs(b: Uint8Array): KinfoPcb[] {
  const all: KinfoPcb[] = [];
  for (let at = 0; at + KINFO_PCB_LEN <= b.length; at += KINFO_PCB_LEN) {
    const sa = (off: number): Uint8Array => b.slice(at + off, at + off + b[at + off]!);
    all.push({
      socket: getU64le(b, at),
      family: getU32le(b, at + 24),
      type: getU32le(b, at + 28),
      protocol: getU32le(b, at + 32),
      state: getU32le(b, at + 40),
      tcpState: getI32le(b, at + 48),
      recvq: getU64le(b, at + 56),
      sendq: getU64le(b, at + 64),
      local: sa(AT_LOCAL),
      peer: sa(AT_PEER),
      inode: getU64le(b, at + AT_INODE),
      conn: getU64le(b, at + AT_CONN),
    });
  }
  return all;
}
