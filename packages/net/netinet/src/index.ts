/** netinet: the Internet protocols, version 4: IP, ICMP, UDP, TCP. The transport protocols serve IPv6 as well (netinet6). */
import { type Component, component } from '@anykernel/lib-component';
import { INADDR_LOOPBACK } from '@anykernel/lib-sys';
import { net } from '@anykernel/net';
import { rumpkern } from '@anykernel/rumpkern';
import { rumpnet } from '@anykernel/rumpnet';
import { arpSysctl } from './arp/sysctl.js';
import { inetDomain } from './domain.js';
import { Inet } from './inet.js';
import { addAddress } from './ip/control.js';
import { inetSysctl } from './sysctl.js';

export { TCP_PR_FLAGS } from './domain.js';
export { Addr, FAM_V4, FAM_V6, type Family, SendArgs } from './family.js';
export { addrsInto, type Ends, Flow, isMapped, localAny, sameForeign, sameLocal, V4MAPPED } from './flow.js';
export { Inet, InetConf } from './inet.js';
export {
  INP_BINDANY,
  INP_CONNECTED,
  INP_HDRINCL,
  INP_HIGHPORT,
  INP_LOWPORT,
  INP_RECVDSTADDR,
  INP_RECVIF,
  INP_RECVOPTS,
  INP_RECVPKTINFO,
  INP_RECVRETOPTS,
  INP_RECVTTL,
  Inpcb,
} from './inpcb.js';
export { addAddress } from './ip/control.js';
export { Arp, type ArpStats } from './arp/arp.js';
export { Ip } from './ip/ip.js';
export { timestamp } from './ip/ancillary.js';
export { ipSockopt } from './ip/sockopt.js';
export {
  answerTo,
  anySource,
  changeSource,
  FilterChange,
  filterForProgram,
  filterOfProgram,
  hears,
  hearsNothing,
  joinAsked,
  merged,
  noSource,
  replaceSources,
  type SourceChange,
  type SourceFilter,
  type SourceRecord,
} from './ip/srcfilter.js';
export { ipGroupSockopt } from './ip/sockopt.js';
export { pcbRecords, pcblistLeaf, statsLeaf } from './pcblist.js';
export { pcbBind, pcbDisconnect, pcbSetPort, setForeign, setLocal } from './pcbbind.js';
export { PcbTable } from './pcbtable.js';
export { Partial, Pieces, type PieceOptions } from './pieces.js';
export { rawDeliver, rawRequests, type RawSockets } from './rawcb.js';
export type { CongCtl } from './tcp/cong.js';
export { tcpSockopt } from './tcp/sockopt.js';
export { Tcp, TcpConf } from './tcp/tcp.js';
export { Tcpcb } from './tcp/tcpcb.js';
export { tcpcbOf, tcpUsrreqs } from './tcp/usrreqs.js';
export { Udp, UdpConf } from './udp/udp.js';
export { inpcbOf, udpUsrreqs } from './udp/usrreqs.js';

/** The Internet protocols. */
export const netinet: Component<Inet, readonly [typeof rumpkern, typeof rumpnet, typeof net]> = component({
  name: 'netinet',
  class: 'net',
  provides: ['PF_INET'],
  requires: [rumpkern, rumpnet, net],
  attach(k) {
    const inet = new Inet(k.use(net), k.use(rumpnet));
    inet.ip.attach();
    inet.attachProtocols();
    inet.undo.push(inet.arp.attach(), ...arpSysctl(k.use(rumpkern), inet.arp));
    k.use(rumpnet).attachDomain((inet.domain = inetDomain(inet)));
    inet.undo.push(...inetSysctl(k.use(rumpkern), inet));
    addAddress(inet.ip, inet.net.lo0, INADDR_LOOPBACK, 8, undefined);
    return inet;
  },
  /** EBUSY: there are sockets. */
  detach(k, inet) {
    if (inet.domain !== undefined) k.use(rumpnet).detachDomain(inet.domain);
    inet.release();
  },
});
