/** The device: each open is a descriptor of its own; what all of them share, and how frames are sent. */
import { getU32le } from '@anykernel/lib-bytes';
import { AF_INET, AF_INET6, DLT_EN10MB, DLT_NULL, ERR, errnoByNumber } from '@anykernel/lib-sys';
import { etherIsBroadcast } from '@anykernel/lib-wire';
import { type IfEvent, type Ifnet, type Net, Nexthop } from '@anykernel/net';
import { type Cdevsw, type File, type Kernel, makedev } from '@anykernel/rumpkern';
import { M_BCAST, M_MCAST, type Mbuf } from '@anykernel/rumpnet';
import { Descriptor } from './descriptor.js';
import { bpfFile } from './file.js';
import { Machine } from './filter.js';

const BPF_MAJOR = 23;
/** Bytes of the largest buffer that a program may ask for, to begin with. */
const MAXBUFSIZE = 1 << 20;

export class Bpf {
  readonly k: Kernel;
  readonly net: Net;
  readonly machine: Machine = new Machine();
  readonly now = { sec: 0, nsec: 0 };
  /** net.bpf.stats, of all descriptors. */
  readonly stats = { recv: 0, drop: 0, capt: 0 };
  maxBufsize = MAXBUFSIZE;
  readonly #open = new Set<Descriptor>();
  readonly #undo: (() => void)[] = [];
  #scratch = new Uint8Array(0);

  constructor(k: Kernel, net: Net) {
    this.k = k;
    this.net = net;
    const majors = k.devsw.attach(undefined, this.#driver(), undefined, BPF_MAJOR);
    k.devsw.announce('bpf', 'chr', makedev(BPF_MAJOR, 0), 0o600);
    const hook = (ifp: Ifnet, event: IfEvent): void => {
      if (event === 'detach') for (const d of this.#open) if (d.ifp === ifp) d.gone();
    };
    net.onIf.push(hook);
    this.#undo.push(
      () => k.devsw.retract('bpf'),
      () => k.devsw.detach(majors),
      () => net.onIf.splice(net.onIf.indexOf(hook), 1),
    );
    this.#sysctl();
  }

  #driver(): Cdevsw {
    const never = (): never => {
      throw ERR.ENXIO;
    };
    return {
      name: 'bpf', open: never, close: never, read: never, write: never, ioctl: never, poll: never, kqfilter: never,
      clone: (dev, flag, l): File => {
        const d = new Descriptor(this);
        this.#open.add(d);
        return bpfFile(this, d, dev, flag, l);
      },
    };
  }

  #sysctl(): void {
    const { sysctl } = this.k;
    this.#undo.push(
      sysctl.attach('net.bpf.maxbufsize', {
        type: 'int',
        get: () => this.maxBufsize,
        set: (value) => {
          if (typeof value !== 'number' || value < 4096 || value > 16 * MAXBUFSIZE) throw ERR.EINVAL;
          this.maxBufsize = value;
        },
      }),
    );
    for (const name of ['recv', 'drop', 'capt'] as const)
      this.#undo.push(sysctl.attach(`net.bpf.stats.${name}`, { type: 'quad', get: () => this.stats[name] }));
  }

  closed(d: Descriptor): void {
    d.close();
    this.#open.delete(d);
  }

  /** The packet's bytes in one piece, `at` bytes from the front; used until the next one. */
  linear(m: Mbuf, at: number): Uint8Array {
    if (this.#scratch.length < at + m.pktlen) this.#scratch = new Uint8Array(at + m.pktlen);
    this.net.mbufs.copydata(m, 0, m.pktlen, this.#scratch, at);
    return this.#scratch;
  }

  /** A frame to an interface, in the form of link layer `dlt`; it is the caller's no more. ENOBUFS. EAFNOSUPPORT: in front of it is no family. */
  send(ifp: Ifnet, frame: Uint8Array, dlt: number, how: { readonly headerComplete: boolean; readonly feedback: boolean }): void {
    if (dlt !== DLT_EN10MB) {
      sendPacket(ifp, frame, dlt);
      return;
    }
    if (!how.headerComplete) frame.set(ifp.lladdr, 6);
    const m = ifp.mbufs.fromBytes(frame);
    if ((frame[0] & 1) !== 0) m.flags |= etherIsBroadcast(frame, 0) ? M_BCAST : M_MCAST;
    const copy = how.feedback ? ifp.mbufs.copym(m, 0, m.pktlen) : undefined;
    ifp.transmit(m);
    if (copy !== undefined) ifp.input(copy);
  }

  /** EBUSY: somebody has it open. */
  release(): void {
    if (this.#open.size > 0) throw ERR.EBUSY;
    for (const undo of this.#undo.splice(0)) undo();
  }
}

/** A packet from its network header on, behind its family where the link layer has one. */
function sendPacket(ifp: Ifnet, frame: Uint8Array, dlt: number): void {
  const nh = new Nexthop();
  nh.family = dlt === DLT_NULL ? getU32le(frame, 0) : frame[0] >>> 4 === 6 ? AF_INET6 : AF_INET;
  if (nh.family !== AF_INET && nh.family !== AF_INET6) throw ERR.EAFNOSUPPORT;
  const errno = ifp.output(ifp, ifp.mbufs.fromBytes(dlt === DLT_NULL ? frame.subarray(4) : frame), nh);
  if (errno !== 0) throw errnoByNumber(errno) ?? ERR.EIO;
}
