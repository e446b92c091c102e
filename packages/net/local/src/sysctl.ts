/** net.local: sizes of buffers, and counts of descriptors in flight. */
import { ERR, type SysctlValue } from '@anykernel/lib-sys';
import type { Kernel } from '@anykernel/rumpkern';
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
  return [
    size('stream.sendspace', 'bytes in flight on a stream', () => state.streamSpace, (len) => void (state.streamSpace = len)),
    size('dgram.sendspace', 'longest datagram', () => state.dgramSendspace, (len) => void (state.dgramSendspace = len)),
    size('dgram.recvspace', 'bytes of datagrams that wait', () => state.dgramRecvspace, (len) => void (state.dgramRecvspace = len)),
    k.sysctl.attach('net.local.inflight', { type: 'int', description: 'descriptors in flight', get: () => state.rights.count }),
  ];
}
