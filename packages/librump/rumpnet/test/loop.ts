/**
 * A protocol for tests: streams within a kernel, between names of one byte, that take a while to end, and have urgent data.
 *
 * It is also what the least protocol looks like.
 */
import { type Component, component } from '@anykernel/lib-component';
import { ERR, SOCK_STREAM, SO_OOBINLINE } from '@anykernel/lib-sys';
import { Callout, type Lwp, rumpkern } from '@anykernel/rumpkern';
import {
  type Domain, type Mbuf, PR_ABRTACPTDIS, PR_CONNREQUIRED, PR_LISTEN, PR_WANTRCVD, SS_RCVATMARK, type Socket, prUnsupported, rumpnet, socantrcvmore, socantsendmore, sofree,
  sohasoutofband, soisconnected, soisdisconnected, soisdisconnecting, sonewconn, soreserve, sorwakeup, sowwakeup,
} from '../src/index.js';

export const AF_LOOP = 200;

class Pcb {
  name = 0;
  peer: Pcb | undefined;
  urgent: Mbuf | undefined;
  constructor(readonly so: Socket) {}
}

function pcbOf(so: Socket): Pcb {
  return so.pcb as Pcb;
}

export function address(name: number): Uint8Array {
  return Uint8Array.of(3, AF_LOOP, name);
}

/** How long the end of a connection takes, ns. */
export interface LoopState {
  lingerNs: number;
  readonly names: Map<number, Pcb>;
}

function nameOf(nam: Uint8Array): number {
  if (nam[1] !== AF_LOOP) throw ERR.EAFNOSUPPORT;
  if (nam.length !== 3) throw ERR.EINVAL;
  return nam[2]!;
}

function domainOf(state: LoopState): Domain {
  const gone = (so: Socket): void => {
    const pcb = pcbOf(so);
    state.names.delete(pcb.name);
    if (pcb.urgent !== undefined) so.net.mbufs.free(pcb.urgent);
    so.pcb = undefined;
    sofree(so);
  };
  const disconnect = (so: Socket): void => {
    const pcb = pcbOf(so);
    const { peer } = pcb;
    pcb.peer = undefined;
    if (peer !== undefined) {
      peer.peer = undefined;
      peer.so.snd.via = undefined;
      soisdisconnected(peer.so);
    }
    so.snd.via = undefined;
    if (state.lingerNs === 0) {
      soisdisconnected(so);
      return;
    }
    soisdisconnecting(so);
    new Callout(so.net.k, () => {
      soisdisconnected(so);
      if (so.pcb !== undefined && (so.state & 1) !== 0) gone(so);
    }, true).schedule(state.lingerNs);
  };
  const join = (a: Pcb, b: Pcb): void => {
    [a.peer, b.peer] = [b, a];
    a.so.snd.via = b.so.rcv;
    b.so.snd.via = a.so.rcv;
    soisconnected(a.so);
    soisconnected(b.so);
  };
  return {
    family: AF_LOOP,
    name: 'loop',
    protosw: [
      {
        type: SOCK_STREAM, protocol: 0, flags: PR_CONNREQUIRED | PR_LISTEN | PR_WANTRCVD | PR_ABRTACPTDIS,
        usrreqs: {
          ...prUnsupported,
          attach(so: Socket, proto: number, l: Lwp | undefined) {
            if (proto === 13) throw ERR.EPROTONOSUPPORT;
            if (l !== undefined) soreserve(so, 8192, 8192);
            so.pcb = new Pcb(so);
          },
          /** At once, or when the end has come: the callout does it. */
          detach(so: Socket) {
            so.state |= 1;
            if ((so.state & 8) === 0) gone(so);
          },
          abort(so: Socket) {
            const linger = state.lingerNs;
            state.lingerNs = 0;
            disconnect(so);
            state.lingerNs = linger;
            gone(so);
          },
          bind(so, nam) {
            const name = nameOf(nam);
            if (state.names.has(name)) throw ERR.EADDRINUSE;
            pcbOf(so).name = name;
            state.names.set(name, pcbOf(so));
          },
          listen: () => undefined,
          connect(so, nam) {
            const to = state.names.get(nameOf(nam));
            const so2 = to === undefined ? undefined : sonewconn(to.so, false);
            if (so2 === undefined) throw ERR.ECONNREFUSED;
            join(pcbOf(so), pcbOf(so2));
          },
          connect2: (so, so2) => join(pcbOf(so), pcbOf(so2)),
          disconnect,
          shutdown(so) {
            socantsendmore(so);
            const { peer } = pcbOf(so);
            if (peer !== undefined) socantrcvmore(peer.so);
          },
          accept: (so) => address(pcbOf(so).peer?.name ?? 0),
          sockaddr: (so) => address(pcbOf(so).name),
          peeraddr: (so) => address(pcbOf(so).peer?.name ?? 0),
          rcvd(so) {
            const { peer } = pcbOf(so);
            if (peer !== undefined) sowwakeup(peer.so);
          },
          send(so, m) {
            const peer = pcbOf(so).peer as Pcb;
            peer.so.rcv.appendstream(m);
            sorwakeup(peer.so);
          },
          /** The last byte is urgent: it comes by itself, or inline with SO_OOBINLINE. */
          sendoob(so, m) {
            const { so: to } = pcbOf(so).peer as Pcb;
            const last = so.net.mbufs.split(m, m.pktlen - 1)!;
            to.rcv.appendstream(m);
            to.oobmark = to.rcv.cc;
            if (to.oobmark === 0) to.state |= SS_RCVATMARK;
            if ((to.options & SO_OOBINLINE) !== 0) to.rcv.appendstream(last);
            else pcbOf(to).urgent = last;
            sohasoutofband(to);
            sorwakeup(to);
          },
          recvoob(so, flags) {
            const pcb = pcbOf(so);
            if (pcb.urgent === undefined) throw ERR.EINVAL;
            const m = pcb.urgent;
            if ((flags & 2) !== 0) return so.net.mbufs.copym(m, 0, 1)!;
            pcb.urgent = undefined;
            return m;
          },
        },
        ctloutput: (_so, op, level, name, value) => (level === 77 && name === 1 ? (op === 'get' ? Uint8Array.of(1, 2, 3) : value.slice(0, 0)) : undefined),
      },
    ],
  };
}

export const loop: Component<LoopState, readonly [typeof rumpkern, typeof rumpnet]> = component({
  name: 'loop',
  class: 'net',
  requires: [rumpkern, rumpnet],
  attach(kernel) {
    const state: LoopState = { lingerNs: 0, names: new Map() };
    kernel.use(rumpnet).attachDomain(domainOf(state));
    return state;
  },
  detach(kernel) {
    const net = kernel.use(rumpnet);
    net.detachDomain(net.domain(AF_LOOP)!);
  },
});
