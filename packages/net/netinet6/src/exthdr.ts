/** Options of hop-by-hop and destination headers (RFC 8200 4.2): those that we know, and what is done about those that we do not. */
import { ICMP6_PARAMPROB_OPTION, ICMP6_PARAM_PROB, IP6OPT_PAD1, IP6OPT_PADN, IP6OPT_ROUTER_ALERT } from '@anykernel/lib-wire';
import type { Ifnet } from '@anykernel/net';
import type { Mbuf } from '@anykernel/rumpnet';
import { isMulticast } from './addr.js';
import type { Ip6 } from './ip6.js';

/** Options of one header: more than anybody needs are an attack (RFC 8504 5.3). */
const OPTIONS_MAX = 32;

/** Looks at the options of the header of `len` bytes at `at`. undefined: the packet is gone. */
export function optionsIn(ip6: Ip6, m: Mbuf, at: number, len: number, ifp: Ifnet): Mbuf | undefined {
  const { buf, off } = m;
  const end = at + len;
  let count = 0;
  for (let opt = at + 2; opt < end; ) {
    const type = buf[off + opt];
    if (type === IP6OPT_PAD1) {
      opt++;
      continue;
    }
    const size = opt + 2 > end ? -1 : buf[off + opt + 1];
    if (size < 0 || opt + 2 + size > end || ++count > OPTIONS_MAX) {
      ip6.stats.badoptions++;
      ip6.mbufs.free(m);
      return undefined;
    }
    if (type !== IP6OPT_PADN && type !== IP6OPT_ROUTER_ALERT && !mayPass(ip6, m, type, opt, ifp)) return undefined;
    opt += 2 + size;
  }
  return m;
}

/** The upper two bits of an unknown type say what is to be done. False: the packet is gone. */
function mayPass(ip6: Ip6, m: Mbuf, type: number, opt: number, ifp: Ifnet): boolean {
  const action = type >>> 6;
  if (action === 0) return true;
  ip6.stats.badoptions++;
  if (action === 2 || (action === 3 && !isMulticast(ip6.header.d0))) ip6.icmp.error(m, ICMP6_PARAM_PROB, ICMP6_PARAMPROB_OPTION, opt, ifp.index);
  else ip6.mbufs.free(m);
  return false;
}
