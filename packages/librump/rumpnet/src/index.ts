/**
 * The net faction: mbufs, sockets, and the system calls on them.
 */
export {
  CSUM_NONE, CSUM_PARTIAL, CSUM_VALID, Ext, GSO_NONE, GSO_TCPV4, GSO_TCPV6, MAXHDR, MSIZE, MT_CONTROL, MT_DATA, MT_HEADER, MT_OOBDATA, MT_SONAME, M_BCAST, M_EOR,
  M_LOOP, M_MCAST, M_PROTO1, M_PROTO2, M_PROTO3, Mbuf, Pktq, lastOf, lengthOf,
} from './mbuf.js';
export { MCLBYTES, MSMALL } from './mbufstore.js';
export { Mbufs, mbufsOf, moveHeader } from './mbufs.js';
export { Rumpnet, rumpnet } from './component.js';
