/** A kernel on a bus, and another one on it that sees everything and says what it is told to: the wire of the first. */
import type { IfnetSubject } from '@anykernel/conformance-ifnet';
import { Sim } from '@anykernel/host-sim';
import { IFF_UP } from '@anykernel/lib-sys';
import { net } from '@anykernel/net';
import { boot } from '@anykernel/rumpkern';
import { SHMIF_HALF, type ShmifHalf, shmif } from '@anykernel/shmif';

/** `native`: kernels of ours alone are on the bus. */
export function crowd(native: boolean): IfnetSubject {
  const sim = new Sim();
  const open: ShmifHalf['open'] = (name) => {
    const end = sim.buses.open(name);
    return { memory: end.memory, native, ring: () => end.ring(), listen: (fn) => end.listen(fn), close: () => end.close() };
  };
  const halves = [{ ...SHMIF_HALF, impl: { open } }];
  const k = boot(sim.host({ halves }), [shmif]);
  const peer = boot(sim.host({ halves }), [shmif]);
  const ear = peer.modules.use(shmif).create('lan');
  const frames: Uint8Array[] = [];
  ear.promisc = 1;
  ear.taps.push((m, out) => void (!out && frames.push(ear.mbufs.toBytes(m))));
  peer.run(() => peer.modules.use(net).setFlags(ear, ear.flags | IFF_UP));
  const drivers = k.modules.use(shmif);
  return {
    k,
    kind: 'shmif',
    prepare: (ifp) => drivers.driverOf(ifp)?.link('lan'),
    wire: {
      sent: () => frames.splice(0),
      deliver: (frame) =>
        peer.run(() => {
          const m = ear.mbufs.getlong(frame.length);
          ear.mbufs.copyback(m, 0, frame);
          ear.transmit(m);
        }),
    },
    advance: () => void sim.runUntilIdle(),
    close() {
      k.halt();
      peer.halt();
    },
  };
}
