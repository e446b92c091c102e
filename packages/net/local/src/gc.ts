/**
 * Sockets in flight that nobody can reach any more: each is held by messages only, and these wait in sockets of the same kind.
 *
 * What can be reached is marked, beginning with sockets that somebody has open, and going on to those in messages that wait in them. The messages in what is
 * left are dropped, and their files close.
 */
import type { File } from '@anykernel/rumpkern';
import { MT_CONTROL, type Mbuf, type Socket, socketOf, sorflush } from '@anykernel/rumpnet';
import type { Local } from './state.js';
import { type Unpcb, unpcbOf } from './unpcb.js';

function isLocal(f: File, state: Local): boolean {
  return f.type === 'socket' && socketOf(f).domain === state.domain && socketOf(f).pcb !== undefined;
}

/** Drops the messages in sockets that cannot be reached. Returns how many sockets it looked at. */
export function collect(state: Local): number {
  const suspects = new Map<Unpcb, File>();
  for (const [f, count] of state.rights.inflight) if (f.count === count && isLocal(f, state)) suspects.set(unpcbOf(socketOf(f)), f);
  if (suspects.size === 0) return state.rights.inflight.size;
  const reached = new Set<Unpcb>();
  const queue: Unpcb[] = [];
  const reach = (pcb: Unpcb): void => {
    if (reached.has(pcb)) return;
    reached.add(pcb);
    queue.push(pcb);
  };
  for (const pcb of state.pcbs) if (!isSuspect(suspects, pcb)) reach(pcb);
  for (let pcb = queue.pop(); pcb !== undefined; pcb = queue.pop()) {
    eachInside(pcb.so, (f) => {
      if (isLocal(f, state)) reach(unpcbOf(socketOf(f)));
    });
    for (let so = pcb.so.q?.first; so !== undefined; so = so.qnext) if (so.pcb !== undefined) reach(unpcbOf(so));
  }
  for (const pcb of suspects.keys()) {
    if (reached.has(pcb)) continue;
    sorflush(pcb.so);
    for (let so = pcb.so.q?.first; so !== undefined; so = so.qnext) sorflush(so);
  }
  return state.pcbs.size;
}

/** Whether messages alone hold a socket; one that waits to be accepted is what its listener is. */
function isSuspect(suspects: ReadonlyMap<Unpcb, File>, pcb: Unpcb): boolean {
  const { head } = pcb.so;
  return suspects.has(pcb) || (head?.pcb !== undefined && suspects.has(unpcbOf(head)));
}

/** The files in messages that wait in a socket. */
function eachInside(so: Socket, fn: (f: File) => void): void {
  if (so.rcv.ctl === 0) return;
  for (let record = so.rcv.head; record !== undefined; record = record.nextpkt) {
    for (let m: Mbuf | undefined = record; m !== undefined; m = m.next) {
      if (m.type === MT_CONTROL && m.aux !== undefined) for (const f of m.aux as readonly File[]) fn(f);
    }
  }
}
