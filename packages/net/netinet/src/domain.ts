/** The domain of IPv4 sockets: TCP, UDP, raw, and their options. */
import { AF_INET, IPPROTO_IP, IPPROTO_TCP, IPPROTO_UDP, SOCK_DGRAM, SOCK_RAW, SOCK_STREAM, SOL_SOCKET } from '@anykernel/lib-sys';
import type { Lwp } from '@anykernel/rumpkern';
import {
  type Domain, PR_ABRTACPTDIS, PR_ADDR, PR_ATOMIC, PR_CONNREQUIRED, PR_LISTEN, PR_WANTRCVD, type Protosw, type Socket,
} from '@anykernel/rumpnet';
import type { Inet } from './inet.js';
import type { Inpcb } from './inpcb.js';
import { RawIp } from './ip/raw.js';
import { ipSockopt } from './ip/sockopt.js';
import { rawRequests } from './rawcb.js';
import { tcpSockopt } from './tcp/sockopt.js';
import { tcpcbOf, tcpUsrreqs } from './tcp/usrreqs.js';
import { inpcbOf, udpUsrreqs } from './udp/usrreqs.js';

export const TCP_PR_FLAGS: number = PR_CONNREQUIRED | PR_WANTRCVD | PR_LISTEN | PR_ABRTACPTDIS;

/** Options of a socket of a transport protocol; `inp`: its control block. */
function ipOptions(
  inet: Inet,
  inp: Inpcb,
  so: Socket,
  op: 'get' | 'set',
  level: number,
  name: number,
  value: Uint8Array,
  l: Lwp,
): Uint8Array | undefined {
  return level === IPPROTO_IP ? ipSockopt(inet.ip, inp, so, op, name, value, l) : undefined;
}

/** The domain of a kernel. */
export function inetDomain(inet: Inet): Domain {
  const { ip, tcp, udp } = inet;
  const raw = new RawIp(inet);
  ip.raw = (m, protocol, flow) => raw.table.first !== undefined && raw.input(m, protocol, flow);
  ip.rawSender = (protocol) => raw.sends(protocol);
  const protosw: Protosw[] = [
    {
      type: SOCK_STREAM,
      protocol: IPPROTO_TCP,
      flags: TCP_PR_FLAGS,
      usrreqs: tcpUsrreqs(tcp, ip),
      ctloutput: (so, op, level, name, value, l) =>
        level === IPPROTO_TCP || level === SOL_SOCKET
          ? tcpSockopt(tcp, so, op, level, name, value)
          : ipOptions(inet, tcpcbOf(so).inp, so, op, level, name, value, l),
    },
    {
      type: SOCK_DGRAM,
      protocol: IPPROTO_UDP,
      flags: PR_ATOMIC | PR_ADDR,
      usrreqs: udpUsrreqs(udp, ip),
      ctloutput: (so, op, level, name, value, l) => ipOptions(inet, inpcbOf(so), so, op, level, name, value, l),
    },
    {
      type: SOCK_RAW,
      protocol: 0,
      flags: PR_ATOMIC | PR_ADDR,
      usrreqs: rawRequests(raw),
      ctloutput: (so, op, level, name, value, l) => ipOptions(inet, inpcbOf(so), so, op, level, name, value, l),
    },
  ];
  return { family: AF_INET, name: 'internet', protosw };
}
