/** net.local: sizes of buffers, lists of sockets, and counts of descriptors in flight. */
import { AF_LOCAL, ERR, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_STREAM, type SysctlValue } from '@anykernel/lib-sys';
import type { Kernel } from '@anykernel/rumpkern';
import { pcblist } from '@anykernel/rumpnet';
import type { Local } from './state.js';

/** Returns what takes the values out again. */
export function attachLocalSysctl(k: Kernel, state: Local): (() => void)[] {
  const size = (name: string, description: string, get: () => number, set: (len: number) => void): (() => void) =>
    k.sysctl.attach(`net.local.${name}`, {
      type: 'int',
      description,
      get,
      set: (value: SysctlValue) => {
        if (typeof value !== 'number' || value <= 0 || value > state.net.sbmax) throw ERR.EINVAL;
        set(value);
      },
    });
  const list = (name: string, type: number): (() => void) =>
    k.sysctl.attach(`net.local.${name}.pcblist`, { type: 'struct', description: 'sockets', rest: true, get: () => pcblist(state.net, AF_LOCAL, type) });
  return [
    list('stream', SOCK_STREAM),
    list('dgram', SOCK_DGRAM),
    list('seqpacket', SOCK_SEQPACKET),
    size('stream.sendspace', 'bytes in flight on a stream', () => state.streamSpace, (len) => void (state.streamSpace = len)),
    size('dgram.sendspace', 'longest datagram', () => state.dgramSendspace, (len) => void (state.dgramSendspace = len)),
    size('dgram.recvspace', 'bytes of datagrams that wait', () => state.dgramRecvspace, (len) => void (state.dgramRecvspace = len)),
    k.sysctl.attach('net.local.inflight', { type: 'int', description: 'descriptors in flight', get: () => state.rights.count }),
  ];
}
