/** The control block of a local socket: its name, its peer, and who made it. */
import { AF_LOCAL } from '@anykernel/lib-sys';
import type { Lwp } from '@anykernel/rumpkern';
import type { Socket } from '@anykernel/rumpnet';
import type { Vnode } from '@anykernel/rumpvfs';

/** The next message, or each, comes with the credentials of its sender. */
export const UNP_WANTCRED = 1;
/** connect(2) waits for accept(2). */
export const UNP_CONNWAIT = 2;

/** The address of a socket without a name. */
const NO_NAME: Uint8Array = Uint8Array.of(2, AF_LOCAL);

/** Who is at an end of a connection. */
export interface Peerid {
  readonly pid: number;
  readonly euid: number;
  readonly egid: number;
}

export function peeridOf(l: Lwp): Peerid {
  const { pid, cred } = l.proc;
  return { pid, euid: cred.euid, egid: cred.egid };
}

export class Unpcb {
  /** The node that it is bound to, held. */
  vp: Vnode | undefined = undefined;
  /** Its address. */
  addr: Uint8Array = NO_NAME;
  /** To whom it sends. */
  conn: Unpcb | undefined = undefined;
  /** Datagram sockets that are connected to it. */
  refs: Set<Unpcb> | undefined = undefined;
  /** UNP_*. */
  flags = 0;
  /** Who has connected to it, or whom it has connected to. */
  peerid: Peerid | undefined = undefined;
  /** Who listens. */
  listener: Peerid | undefined = undefined;

  constructor(
    readonly so: Socket,
    readonly ino: number,
  ) {}
}

export function unpcbOf(so: Socket): Unpcb {
  return so.pcb as Unpcb;
}
