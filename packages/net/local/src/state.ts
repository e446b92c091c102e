/** Local sockets of one kernel: their control blocks, and the descriptors that are in flight between them. */
import type { Kernel } from '@anykernel/rumpkern';
import type { Domain, Rumpnet } from '@anykernel/rumpnet';
import type { Vfs } from '@anykernel/rumpvfs';
import { Rights } from './rights.js';
import type { Unpcb } from './unpcb.js';

export class Local {
  readonly k: Kernel;
  readonly net: Rumpnet;
  readonly vfs: Vfs;
  domain: Domain | undefined = undefined;
  /** All control blocks. */
  readonly pcbs: Set<Unpcb> = new Set<Unpcb>();
  readonly rights: Rights;
  readonly onDetach: (() => void)[] = [];
  /** Bytes of the buffers of new sockets. */
  streamSpace = 131_072;
  dgramSendspace = 65_536;
  dgramRecvspace = 262_144;
  #lastIno = 0;

  constructor(k: Kernel, net: Rumpnet, vfs: Vfs) {
    this.k = k;
    this.net = net;
    this.vfs = vfs;
    this.rights = new Rights(this);
  }

  /** A number for fstat(2). */
  nextIno(): number {
    return ++this.#lastIno;
  }
}
