import { usrreqConformance } from '@anykernel/conformance-usrreq';
import { hostSim } from '@anykernel/host-sim';
import { AF_LOCAL, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_STREAM, sockaddrUn } from '@anykernel/lib-sys';
import { boot } from '@anykernel/rumpkern';
import { local } from '../src/index.js';

for (const [name, type] of [['stream', SOCK_STREAM], ['seqpacket', SOCK_SEQPACKET], ['dgram', SOCK_DGRAM]] as const) {
  usrreqConformance({
    name: `local ${name}`,
    family: AF_LOCAL,
    type,
    lacks: ['oob', 'autobind', 'rebind'],
    make() {
      const host = hostSim();
      const k = boot(host, [local]);
      let count = 0;
      return {
        k,
        address: () => sockaddrUn(`/tmp/sock${++count}`),
        advance: (ns) => void host.sim.advance(ns),
        close: () => k.halt(),
      };
    },
  });
}
