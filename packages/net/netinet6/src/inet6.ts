/** IPv6 of one kernel: the network layer, registered with netinet's transport protocols, and its sockets. */
import { IPPROTO_TCP, IPPROTO_UDP } from '@anykernel/lib-sys';
import type { Inet } from '@anykernel/netinet';
import type { Kernel } from '@anykernel/rumpkern';
import type { Domain, Rumpnet } from '@anykernel/rumpnet';
import { Ip6 } from './ip6.js';
import { inet6Domain } from './sock/domain.js';
import { inet6Sysctl } from './sysctl.js';

export class Inet6 {
  readonly ip6: Ip6;
  readonly #undo: (() => void)[] = [];
  #domain: Domain | undefined;

  constructor(readonly inet: Inet) {
    this.ip6 = new Ip6(inet);
  }

  attach(k: Kernel, rumpnet: Rumpnet): void {
    const { ip6, inet } = this;
    this.#undo.push(inet.addFamily(ip6));
    ip6.protocols[IPPROTO_UDP] = (m, flow) => inet.udp.input(m, flow);
    ip6.protocols[IPPROTO_TCP] = (m, flow) => inet.tcp.input(m, flow);
    ip6.attach();
    rumpnet.attachDomain((this.#domain = inet6Domain(ip6)));
    this.#undo.push(...inet6Sysctl(k, ip6));
  }

  /** EBUSY: there are sockets. */
  detach(rumpnet: Rumpnet): void {
    if (this.#domain !== undefined) rumpnet.detachDomain(this.#domain);
    for (const undo of this.#undo.splice(0)) undo();
    this.ip6.release();
  }
}
