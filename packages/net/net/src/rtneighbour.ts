/** Neighbours through the routing socket: messages with RTF_LLDATA, as arp(8) and ndp(8) send them. */
import { ERR, RTA_GATEWAY, RTF_ANNOUNCE, RTM_ADD, RTM_CHANGE, RTM_DELETE, RTM_GET, parseSockaddrDl } from '@anykernel/lib-sys';
import type { Ifnet } from './ifnet.js';
import type { Neighbour } from './neighbour.js';
import type { Net } from './netstate.js';
import type { Nexthop } from './nexthop.js';
import type { RtMessage } from './rtmsg.js';

/**
 * Does what a message asks. EAFNOSUPPORT: the family has no neighbours. ENETUNREACH: nobody of that address is on a link. ESRCH: there is no such neighbour.
 * EINVAL: no link address. EEXIST. EOPNOTSUPP.
 */
export function neighbourAct(net: Net, msg: RtMessage, dst: Nexthop): Neighbour {
  const cache = net.neighbours.get(dst.family);
  if (cache === undefined) throw ERR.EAFNOSUPPORT;
  const ifp = linkOf(net, dst);
  const have = cache.find(ifp, dst);
  switch (msg.type) {
    case RTM_GET:
      return have ?? refuse();
    case RTM_DELETE: {
      const n = have ?? refuse();
      cache.remove(n);
      return n;
    }
    case RTM_ADD:
    case RTM_CHANGE: {
      if (msg.type === RTM_ADD && have?.state === 'permanent') throw ERR.EEXIST;
      if (msg.type === RTM_CHANGE && have === undefined) throw ERR.ESRCH;
      const link = parseSockaddrDl(msg.addrs.get(RTA_GATEWAY) ?? new Uint8Array(0));
      if (link === undefined || link.addr.length !== ifp.lladdr.length) throw ERR.EINVAL;
      const n = cache.create(ifp, dst);
      n.published = (msg.flags & RTF_ANNOUNCE) !== 0;
      cache.permanent(n, link.addr, msg.expire === 0 ? Infinity : Math.max(0, msg.expire * 1000 - net.k.mono() / 1e6));
      return n;
    }
    default:
      throw ERR.EOPNOTSUPP;
  }
}

function refuse(): never {
  throw ERR.ESRCH;
}

/** The interface on whose link an address is. */
function linkOf(net: Net, dst: Nexthop): Ifnet {
  const rt = net.rtable(dst.family).lookup(dst.w0, dst.w1, dst.w2, dst.w3);
  if (rt === undefined || rt.gateway !== undefined || rt.ifp.lladdr.length === 0) throw ERR.ENETUNREACH;
  return rt.ifp;
}
