import { usrreqConformance } from '@anykernel/conformance-usrreq';
import { hostSim } from '@anykernel/host-sim';
import { AF_INET, SOCK_DGRAM, SOCK_STREAM, sockaddrIn } from '@anykernel/lib-sys';
import { boot } from '@anykernel/rumpkern';
import { netinet } from '../src/index.js';

for (const [name, type] of [
  ['TCP', SOCK_STREAM],
  ['UDP', SOCK_DGRAM],
] as const) {
  let port = 2000;
  usrreqConformance({
    name,
    family: AF_INET,
    type,
    lacks: type === SOCK_STREAM ? ['socketpair'] : ['socketpair', 'oob'],
    make() {
      const host = hostSim({ seed: 1 });
      const k = boot(host, [netinet]);
      return { k, address: () => sockaddrIn(0x7f00_0001, port++), advance: (ns) => void host.sim.advance(ns), close: () => k.halt() };
    },
  });
}
