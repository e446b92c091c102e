/**
 * The net faction: mbufs, sockets, and the system calls on them.
 */
export {
  CSUM_NONE, CSUM_PARTIAL, CSUM_VALID, Ext, GSO_NONE, GSO_TCPV4, GSO_TCPV6, MAXHDR, MSIZE, MT_CONTROL, MT_DATA, MT_HEADER, MT_OOBDATA, MT_SONAME, M_BCAST, M_EOR,
  M_LOOP, M_MCAST, M_PROTO1, M_PROTO2, M_PROTO3, Mbuf, Pktq, lastOf, lengthOf,
} from './mbuf.js';
export { MCLBYTES, MSMALL } from './mbufstore.js';
export { Mbufs, mbufsOf, moveHeader } from './mbufs.js';
export { rumpnet, rumpnetOf } from './component.js';
export { Rumpnet } from './rumpnet.js';
export {
  type Domain, PR_ABRTACPTDIS, PR_ADDR, PR_ATOMIC, PR_CONNREQUIRED, PR_LASTHDR, PR_LISTEN, PR_RIGHTS, PR_WANTRCVD, type Protosw, type Usrreqs, prUnsupported,
} from './protosw.js';
export { SB_FIXED, SB_WAIT, Sockbuf } from './sockbuf.js';
export {
  SS_ASYNC, SS_CANTRCVMORE, SS_CANTSENDMORE, SS_ISABORTING, SS_ISCONNECTED, SS_ISCONNECTING, SS_ISDISCONNECTED, SS_ISDISCONNECTING, SS_NOFDREF, SS_RCVATMARK, Socket,
  Soqueue,
} from './socket.js';
export {
  soabort, socantrcvmore, socantsendmore, soerror, sofree, sohasoutofband, soisconnected, soisconnecting, soisdisconnected, soisdisconnecting, sonewconn, soreserve,
  sorflush, sorwakeup, sowwakeup,
} from './sockstate.js';
export { pcblist } from './pcblist.js';
export { Received, soreceive } from './soreceive.js';
export { sosend } from './sosend.js';
export { soclose, soconnect, solisten, soshutdown } from './soops.js';
export { sogetopt, sosetopt } from './sockopt.js';
export { soreadable, socketFd, socketFile, socketOf, sowritable } from './sofile.js';
