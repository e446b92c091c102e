/** Options of local sockets: credentials with messages, waiting for accept, who the peer is. */
import { ERR, INT_LEN, LOCAL_CONNWAIT, LOCAL_CREDS, LOCAL_PEEREID, SOL_LOCAL, UNPCBID_LEN, intBytes } from '@anykernel/lib-sys';
import { getI32le, putU32le } from '@anykernel/lib-bytes';
import type { Socket } from '@anykernel/rumpnet';
import { UNP_CONNWAIT, UNP_WANTCRED, unpcbOf } from './unpcb.js';

const NONE = new Uint8Array(0);

/** EINVAL: the value is too short, or there never was a peer. */
export function localCtloutput(so: Socket, op: 'get' | 'set', level: number, name: number, value: Uint8Array): Uint8Array | undefined {
  if (level !== SOL_LOCAL) return undefined;
  const flag = name === LOCAL_CREDS ? UNP_WANTCRED : name === LOCAL_CONNWAIT ? UNP_CONNWAIT : 0;
  const pcb = unpcbOf(so);
  if (flag !== 0) {
    if (op === 'get') return intBytes((pcb.flags & flag) !== 0 ? 1 : 0);
    if (value.length < INT_LEN) throw ERR.EINVAL;
    pcb.flags = getI32le(value, 0) !== 0 ? pcb.flags | flag : pcb.flags & ~flag;
    return NONE;
  }
  if (name !== LOCAL_PEEREID || op === 'set') return undefined;
  if (pcb.peerid === undefined) throw ERR.EINVAL;
  const b = new Uint8Array(UNPCBID_LEN);
  putU32le(b, 0, pcb.peerid.pid);
  putU32le(b, 4, pcb.peerid.euid);
  putU32le(b, 8, pcb.peerid.egid);
  return b;
}
