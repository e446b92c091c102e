/** A route: where packets for a prefix go. */
import { RTF_BLACKHOLE, RTF_REJECT } from '@anykernel/lib-sys';
import type { Ifaddr } from './ifaddr.js';
import type { Ifnet } from './ifnet.js';
import type { Nexthop } from './nexthop.js';

export class Rtentry {
  /** The path's MTU in bytes; 0: the interface's. */
  mtu = 0;
  hopcount = 0;
  /** What TCP has learnt of the path: microseconds, bytes; 0: nothing yet. */
  rttUs = 0;
  rttvarUs = 0;
  ssthresh = 0;
  /** Monotonic ns when it goes; Infinity: it stays. */
  expireAt = Infinity;
  /** Packets sent along it. */
  use = 0;
  /** RTV_*: metrics which the protocols leave alone. */
  locks = 0;

  constructor(
    /** The prefix: its bits after `prefixLen` are zero. */
    readonly dst: Nexthop,
    readonly prefixLen: number,
    /** A router, or undefined: who is there is reached on the link itself. */
    public gateway: Nexthop | undefined,
    public ifp: Ifnet,
    /** The address that packets along it have by default. */
    public ifa: Ifaddr | undefined,
    /** RTF_*. */
    public flags: number,
  ) {}

  /** Bytes that a packet along it may have. */
  get pathMtu(): number {
    return this.mtu !== 0 && this.mtu < this.ifp.mtu ? this.mtu : this.ifp.mtu;
  }

  /** Packets along it are refused, or lost. */
  get closed(): boolean {
    return (this.flags & (RTF_REJECT | RTF_BLACKHOLE)) !== 0;
  }
}
