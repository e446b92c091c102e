/** netinet6: the Internet protocol, version 6. TCP and UDP are netinet's, which serves both families. */
import { type Component, component } from '@anykernel/lib-component';
import { net } from '@anykernel/net';
import { netinet } from '@anykernel/netinet';
import { rumpkern } from '@anykernel/rumpkern';
import { rumpnet } from '@anykernel/rumpnet';
import { Inet6 } from './inet6.js';

export { address, addressText, inZone, isLinkLocal, isMulticast, zoneOf } from './addr.js';
export { Inet6 } from './inet6.js';
export { type Extension, Ip6, Ip6Conf, type Ip6Protocol } from './ip6.js';
export { Icmp6, Icmp6Conf } from './icmp6.js';
export { If6 } from './if6.js';
export { Nd } from './nd/nd.js';
export { Radv, type RadvConf } from './nd/radv.js';
export { Routers } from './nd/router.js';
export { eui64 } from './nd/slaac.js';
export { Options6 } from './options6.js';
export { Policies, type Policy } from './policy.js';
export { commonPrefix, selectSource6, sortDestinations } from './select.js';
export { addAddress6 } from './sock/control.js';
export type { Icmp6Stats, Ip6Stats } from './stats.js';

/** The Internet protocol, version 6. */
export const netinet6: Component<Inet6, readonly [typeof rumpkern, typeof rumpnet, typeof net, typeof netinet]> = component({
  name: 'netinet6',
  class: 'net',
  provides: ['PF_INET6'],
  requires: [rumpkern, rumpnet, net, netinet],
  attach(k) {
    const inet6 = new Inet6(k.use(netinet));
    inet6.attach(k.use(rumpkern), k.use(rumpnet));
    return inet6;
  },
  /** EBUSY: there are sockets. */
  detach(k, inet6) {
    inet6.detach(k.use(rumpnet));
  },
});
