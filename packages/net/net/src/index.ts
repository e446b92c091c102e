/** net: interfaces, loopback, Ethernet, routing. */
import { type Component, component } from '@anykernel/lib-component';
import { rumpkern } from '@anykernel/rumpkern';
import { rumpnet } from '@anykernel/rumpnet';
import { ifioctl } from './control.js';
import { Net } from './netstate.js';
import { attachRtDump } from './rtdump.js';
import { Rtsock } from './rtsock.js';

export { type IfDriver, type IfInit, IFQ_MAXLEN, Ifnet, type Interposer, type Tap } from './ifnet.js';
export { IFA_ANYCAST, IFA_AUTOCONF, IFA_DEPRECATED, IFA_DUPLICATED, IFA_TEMPORARY, IFA_TENTATIVE, Ifaddr } from './ifaddr.js';
export { Nexthop, addrBits, bytesOf, nexthopOf, prefixOf, wordMask } from './nexthop.js';
export { Rtable } from './rtable.js';
export { Rtentry } from './rtentry.js';
export { type AddrEvent, type Cloner, type IfEvent, Net, type Resolver } from './netstate.js';
export { Neighbour, type NeighbourConf, type NeighbourProtocol, type NeighbourState, type NeighbourTimes, Neighbours } from './neighbour.js';
export { type Input, Netisr } from './netisr.js';
export { type RtMessage, addressIn, emitRtMessage, maskLength, maskOf, parseRtMessage, sockaddrOf } from './rtmsg.js';
export { Pfil, type PfilDir, type PfilHook } from './pfil.js';
export { ETHERMTU, type EtherInit, etherIf, etherMulticast, etherSend, multicastAdd, multicastDel, promiscuous, wantsAll } from './ether.js';
export { IFLINKSTR_QUERYLEN, IFLINKSTR_UNSET, type LinkedDriver, LinkedIfs, linkstrIoctl } from './linked.js';
export { LOMTU, loopCreate } from './loop.js';
export { Seldom } from './seldom.js';
export { SIOCGIFCONF, SIOCIFGCLONERS, ifioctl } from './control.js';
export { Gro } from './gro.js';
export { completeChecksum, offloadValid, segment, sumChain } from './offload.js';

/** The interface layer. */
export const net: Component<Net, readonly [typeof rumpkern, typeof rumpnet]> = component({
  name: 'net',
  class: 'net',
  requires: [rumpkern, rumpnet],
  attach(k) {
    const state = new Net(k.use(rumpkern));
    const rtsock = new Rtsock(state, k.use(rumpnet));
    const undump = attachRtDump(k.use(rumpkern), state);
    state.onRelease.push(() => rtsock.release(), undump);
    k.use(rumpnet).ifioctl = (so, cmd, data, l) => ifioctl(state, cmd, data, l, () => so.proto.usrreqs.ioctl(so, cmd, data, l));
    return state;
  },
  detach(k, state) {
    state.release();
    k.use(rumpnet).ifioctl = undefined;
  },
});
