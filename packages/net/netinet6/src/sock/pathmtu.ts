/** IPV6_RECVPATHMTU (RFC 3542 11.3): a socket hears that a path is too small for what it has sent, by an empty datagram with the MTU beside it. */
import { putU32le } from '@anykernel/lib-bytes';
import { IP6_MTUINFO_LEN, IPPROTO_IPV6, IPV6_PATHMTU, cmsgBytes } from '@anykernel/lib-sys';
import { type Ends, INP_CONNECTED, type Inpcb, sameForeign } from '@anykernel/netinet';
import { MT_CONTROL, sorwakeup } from '@anykernel/rumpnet';
import type { Ip6 } from '../ip6.js';
import { Options6, RECV_PATHMTU } from '../options6.js';

/** The path to the foreign end carries `mtu` bytes: told to `inp`, if it has asked. */
export function tellPathMtu(ip6: Ip6, inp: Inpcb, ends: Ends, mtu: number): void {
  const { so, options6 } = inp;
  if (so === undefined || !(options6 instanceof Options6) || (options6.recv & RECV_PATHMTU) === 0) return;
  const name = ip6.sockaddr(ends.f0, ends.f1, ends.f2, ends.f3, ends.fport);
  const info = new Uint8Array(IP6_MTUINFO_LEN);
  info.set(name);
  putU32le(info, 28, mtu);
  const bytes = cmsgBytes({ level: IPPROTO_IPV6, type: IPV6_PATHMTU, data: info });
  const control = ip6.mbufs.tryGet(bytes.length, 0);
  const m = ip6.mbufs.tryGet(0);
  if (control !== undefined && m !== undefined) {
    control.type = MT_CONTROL;
    control.buf.set(bytes, control.off);
    if (so.rcv.appendaddr(name, m, control)) {
      sorwakeup(so);
      return;
    }
  }
  if (m !== undefined) ip6.mbufs.free(m);
  if (control !== undefined) ip6.mbufs.free(control);
}

/** The same for all sockets of UDP that may have sent the datagram. */
export function tellPathMtuUdp(ip6: Ip6, ends: Ends, mtu: number): void {
  const port = ip6.inet.udp.table.ports.get(ends.lport);
  for (let inp = port?.first; inp !== undefined; inp = inp.pnext)
    if ((inp.flags & INP_CONNECTED) === 0 || (inp.fport === ends.fport && sameForeign(inp, ends))) tellPathMtu(ip6, inp, ends, mtu);
}
