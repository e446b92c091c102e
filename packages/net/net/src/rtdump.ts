/** sysctl net.route.rtable: [family, what, argument] gives the routes (NET_RT_DUMP, NET_RT_FLAGS; with RTF_LLDATA the neighbours) or the interfaces and addresses (NET_RT_IFLIST) as messages. */
import { ERR, NET_RT_DUMP, NET_RT_FLAGS, NET_RT_IFLIST, RTA_IFA, RTA_IFP, RTF_LLDATA, RTM_GET, RTM_NEWADDR } from '@anykernel/lib-sys';
import type { Kernel } from '@anykernel/rumpkern';
import type { Net } from './netstate.js';
import { emitAddress, emitIfInfo, emitNeighbour, emitRoute } from './rtmsg.js';

/** Attaches the leaf; the result takes it out. */
export function attachRtDump(k: Kernel, net: Net): () => void {
  return k.sysctl.attach('net.route.rtable', {
    type: 'struct',
    num: 0,
    rest: true,
    description: 'routes, interfaces and addresses, as routing messages',
    get: (_l, rest) => dump(net, rest[0] ?? 0, rest[1] ?? NET_RT_DUMP, rest[2] ?? 0),
  });
}

/** EINVAL: not something to ask for. */
function dump(net: Net, family: number, what: number, argument: number): Uint8Array {
  switch (what) {
    case NET_RT_DUMP:
    case NET_RT_FLAGS:
      return join(routes(net, family, what === NET_RT_FLAGS ? argument : 0));
    case NET_RT_IFLIST:
      return join(interfaces(net, family, argument));
    default:
      throw ERR.EINVAL;
  }
}

function routes(net: Net, family: number, flags: number): Uint8Array[] {
  const all: Uint8Array[] = [];
  const reply = { type: RTM_GET, pid: 0, seq: 0, errno: 0, flags: 0, wanted: RTA_IFP | RTA_IFA };
  if ((flags & RTF_LLDATA) !== 0) {
    for (const [af, cache] of net.neighbours) if (family === 0 || af === family) for (const n of cache.list()) all.push(emitNeighbour(n, reply));
    return all;
  }
  for (const table of net.rtables) {
    if (family !== 0 && table.family !== family) continue;
    for (const rt of table) {
      if (flags === 0 || (rt.flags & flags) !== 0) all.push(emitRoute(rt, reply));
    }
  }
  return all;
}

function interfaces(net: Net, family: number, index: number): Uint8Array[] {
  const all: Uint8Array[] = [];
  for (const ifp of net.ifs) {
    if (index !== 0 && ifp.index !== index) continue;
    all.push(emitIfInfo(ifp));
    for (const ia of ifp.addrs) if (family === 0 || ia.family === family) all.push(emitAddress(RTM_NEWADDR, ia));
  }
  return all;
}

function join(messages: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(messages.reduce((len, m) => len + m.length, 0));
  let at = 0;
  for (const m of messages) {
    all.set(m, at);
    at += m.length;
  }
  return all;
}
