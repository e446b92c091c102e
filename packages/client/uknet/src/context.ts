/** What all sockets of one `uknet` have in common. */
import type { Proc } from '@anykernel/rumpkern';
import type { Lookup } from '@anykernel/resolver';
import type { Poller } from './poller.js';

export interface NetContext {
  readonly p: Proc;
  readonly poller: Poller;
  /** Finds the addresses of names. */
  readonly lookup: Lookup;
}
