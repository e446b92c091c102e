/** An address of an interface. */
import { type Ifnet } from './ifnet.js';
import { type Nexthop, addrBits, prefixOf } from './nexthop.js';

/** Duplicate address detection has not ended: not to be used yet. */
export const IFA_TENTATIVE = 0x01;
/** Somebody else has it. */
export const IFA_DUPLICATED = 0x02;
/** Not for new connections. */
export const IFA_DEPRECATED = 0x04;
/** Nobody gave it by hand. */
export const IFA_AUTOCONF = 0x08;
/** It is to change from time to time (RFC 8981). */
export const IFA_TEMPORARY = 0x10;
export const IFA_ANYCAST = 0x20;

export class Ifaddr {
  readonly family: number;
  /** The prefix that it lies in: whoever begins with it is on the link. */
  readonly prefix: Nexthop;
  /** IFA_*. */
  flags = 0;
  /** Monotonic ns until which it is preferred, and valid. */
  preferredUntil = Infinity;
  validUntil = Infinity;

  constructor(
    readonly ifp: Ifnet,
    readonly addr: Nexthop,
    readonly prefixLen: number,
    /** The other end of a point-to-point link. */
    public dest: Nexthop | undefined = undefined,
    public broadcast: Nexthop | undefined = undefined,
  ) {
    this.family = addr.family;
    this.prefix = prefixOf(addr, prefixLen);
  }

  /** Whether the interface's others are found by prefix: not on loopback, nor where there is one other end. */
  get onLink(): boolean {
    return this.dest === undefined && this.prefixLen < addrBits(this.family);
  }
}
