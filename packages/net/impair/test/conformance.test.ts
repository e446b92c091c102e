import { ifnetConformance } from '@anykernel/conformance-ifnet';
import { Sim } from '@anykernel/host-sim';
import { IFF_UP } from '@anykernel/lib-sys';
import { impair } from '@anykernel/impair';
import { net } from '@anykernel/net';
import { boot } from '@anykernel/rumpkern';
import { shmif } from '@anykernel/shmif';

/** An interface in weather that loses nothing and changes no order. */
ifnetConformance({
  name: 'shmif with a delay',
  make() {
    const sim = new Sim();
    const k = boot(sim.host(), [shmif, impair]);
    const peer = boot(sim.host(), [shmif]);
    const ear = peer.modules.use(shmif).create('lan');
    const frames: Uint8Array[] = [];
    const stops: (() => void)[] = [];
    ear.promisc = 1;
    ear.taps.push((m, out) => void (!out && frames.push(ear.mbufs.toBytes(m))));
    peer.run(() => peer.modules.use(net).setFlags(ear, ear.flags | IFF_UP));
    return {
      k,
      kind: 'shmif',
      prepare(ifp) {
        k.modules.use(shmif).driverOf(ifp)?.link('lan');
        stops.push(k.modules.use(impair).on(ifp.name, { seed: 1, direction: 'both', delayMs: 5, rate: 1e9, queueBytes: 1e9 }));
      },
      wire: {
        sent: () => frames.splice(0),
        deliver: (frame) =>
          peer.run(() => {
            const m = ear.mbufs.getlong(frame.length);
            ear.mbufs.copyback(m, 0, frame);
            ear.transmit(m);
          }),
      },
      advance: () => void sim.advance(200e6),
      close() {
        for (const stop of stops) stop();
        k.halt();
        peer.halt();
      },
    };
  },
});
