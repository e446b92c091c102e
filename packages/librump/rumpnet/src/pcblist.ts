/** The sockets of a protocol as sysctl(7) tells of them, for protocols that have no more to say. */
import { Errno, KINFO_PCB_LEN, Stat, emitKinfoPcb } from '@anykernel/lib-sys';
import type { Rumpnet } from './rumpnet.js';

const NO_NAME = new Uint8Array(0);

/** struct kinfo_pcb of each socket of a family and a type. */
export function pcblist(net: Rumpnet, family: number, type: number): Uint8Array {
  const sockets = [...net.each(family)].filter((so) => so.type === type && so.pcb !== undefined);
  const all = new Uint8Array(sockets.length * KINFO_PCB_LEN);
  const st = new Stat();
  sockets.forEach((so, i) => {
    st.ino = 0;
    so.proto.usrreqs.stat(so, st);
    emitKinfoPcb(all, i * KINFO_PCB_LEN, {
      socket: so.id,
      family,
      type,
      protocol: so.proto.protocol,
      state: so.state,
      tcpState: 0,
      recvq: so.rcv.cc,
      sendq: (so.snd.via ?? so.snd).cc,
      local: nameOf(() => so.proto.usrreqs.sockaddr(so)),
      peer: nameOf(() => so.proto.usrreqs.peeraddr(so)),
      inode: st.ino,
      // Who receives at once what it sends.
      conn: so.snd.via?.so.id ?? 0,
    });
  });
  return all;
}

/** Some sockets have no name to tell. */
function nameOf(ask: () => Uint8Array): Uint8Array {
  try {
    return ask();
  } catch (e) {
    if (!(e instanceof Errno)) throw e;
    return NO_NAME;
  }
}
