/** The domain of IPv6 sockets: TCP and UDP of netinet, raw sockets, and their options. */
import { AF_INET6, ERR, IPPROTO_ICMPV6, IPPROTO_IP, IPPROTO_IPV6, IPPROTO_TCP, IPPROTO_UDP, SOCK_DGRAM, SOCK_RAW, SOCK_STREAM, SOL_SOCKET } from '@anykernel/lib-sys';
import { FAM_V4, type Inpcb, TCP_PR_FLAGS, inpcbOf, ipGroupSockopt, isMapped, rawRequests, tcpSockopt, tcpUsrreqs, tcpcbOf, udpUsrreqs } from '@anykernel/netinet';
import { type Domain, PR_ADDR, PR_ATOMIC, type Protosw, type Socket, type Usrreqs } from '@anykernel/rumpnet';
import type { Ip6 } from '../ip6.js';
import { leaveAll6 } from './members.js';
import { RawIp6 } from './raw.js';
import { icmp6Sockopt, ip6Sockopt } from './sockopt.js';

export function inet6Domain(ip6: Ip6): Domain {
  const { inet } = ip6;
  const { tcp, udp } = inet;
  const raw = new RawIp6(ip6);
  ip6.raw = (m, off, protocol, flow) => raw.table.first !== undefined && raw.input(m, off, protocol, flow);
  const protosw: Protosw[] = [
    {
      type: SOCK_STREAM,
      protocol: IPPROTO_TCP,
      flags: TCP_PR_FLAGS,
      usrreqs: dual(ip6, tcpUsrreqs(tcp, ip6), (so) => tcpcbOf(so).inp),
      ctloutput(so, op, level, name, value, l) {
        if (level === IPPROTO_TCP || level === SOL_SOCKET) return tcpSockopt(tcp, so, op, level, name, value);
        return level === IPPROTO_IPV6 ? ip6Sockopt(ip6, tcpcbOf(so).inp, so, op, name, value, l) : undefined;
      },
    },
    {
      type: SOCK_DGRAM,
      protocol: IPPROTO_UDP,
      flags: PR_ATOMIC | PR_ADDR,
      usrreqs: leaving(ip6, dual(ip6, udpUsrreqs(udp, ip6), inpcbOf)),
      ctloutput(so, op, level, name, value, l) {
        const inp = inpcbOf(so);
        // Who takes IPv4, too, is in groups of IPv4, too.
        if (level === IPPROTO_IP && (inp.takes & FAM_V4) !== 0) return ipGroupSockopt(inet.ip, inp, op, name, value);
        return level === IPPROTO_IPV6 ? ip6Sockopt(ip6, inp, so, op, name, value, l) : undefined;
      },
    },
    {
      type: SOCK_RAW,
      protocol: 0,
      flags: PR_ATOMIC | PR_ADDR,
      usrreqs: rawRequests(raw),
      ctloutput(so, op, level, name, value, l) {
        if (level === IPPROTO_ICMPV6) return icmp6Sockopt(inpcbOf(so), op, name, value);
        return level === IPPROTO_IPV6 ? ip6Sockopt(ip6, inpcbOf(so), so, op, name, value, l) : undefined;
      },
    },
  ];
  return { family: AF_INET6, name: 'internet6', protosw };
}

/** bind(2) to an IPv4 address makes a socket one of IPv4 alone (RFC 4038 4.2). EADDRNOTAVAIL: it takes IPv6 only. */
function dual(ip6: Ip6, usrreqs: Usrreqs, inpOf: (so: Socket) => Inpcb): Usrreqs {
  return {
    ...usrreqs,
    bind(so, nam, l) {
      const inp = inpOf(so);
      const a = ip6.inet.parseName(inp, nam);
      const mapped = isMapped(a.w0, a.w1, a.w2);
      if (mapped && (inp.takes & FAM_V4) === 0) throw ERR.EADDRNOTAVAIL;
      usrreqs.bind(so, nam, l);
      if (!mapped) return;
      inp.takes = FAM_V4;
      inp.family = ip6.inet.ip;
    },
  };
}

/** Memberships end with the socket. */
function leaving(ip6: Ip6, usrreqs: Usrreqs): Usrreqs {
  const leave = (so: Socket): void => {
    if (so.pcb !== undefined) leaveAll6(ip6, inpcbOf(so));
  };
  return {
    ...usrreqs,
    detach(so) {
      leave(so);
      usrreqs.detach(so);
    },
    abort(so) {
      leave(so);
      usrreqs.abort(so);
    },
  };
}
