import { usrreqConformance } from '@anykernel/conformance-usrreq';
import { hostSim } from '@anykernel/host-sim';
import { AF_INET6, SOCK_DGRAM, SOCK_STREAM, inet6Parse, sockaddrIn6 } from '@anykernel/lib-sys';
import { boot } from '@anykernel/rumpkern';
import { netinet6 } from '../src/index.js';

const LOOPBACK = inet6Parse('::1') as Uint8Array;

for (const [name, type] of [
  ['TCP over IPv6', SOCK_STREAM],
  ['UDP over IPv6', SOCK_DGRAM],
] as const) {
  let port = 2000;
  usrreqConformance({
    name,
    family: AF_INET6,
    type,
    lacks: type === SOCK_STREAM ? ['socketpair'] : ['socketpair', 'oob'],
    make() {
      const host = hostSim({ seed: 1 });
      const k = boot(host, [netinet6]);
      return { k, address: () => sockaddrIn6(LOOPBACK, port++), advance: (ns) => void host.sim.advance(ns), close: () => k.halt() };
    },
  });
}
