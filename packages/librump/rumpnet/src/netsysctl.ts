/** kern.sbmax, kern.somaxconn: the limits of sockets; kern.mbuf: sizes, the limit, and counts. */
import { putU32le } from '@anykernel/lib-bytes';
import { ERR, type SysctlValue } from '@anykernel/lib-sys';
import type { Kernel } from '@anykernel/rumpkern';
import { MSIZE } from './mbuf.js';
import type { Mbufs } from './mbufs.js';
import { MCLBYTES } from './mbufstore.js';
import type { Rumpnet } from './rumpnet.js';

/** Bytes of kern.mbuf.stats. */
const MBSTAT_LEN = 32;

/** EINVAL: not a number above zero. */
function positive(value: SysctlValue): number {
  if (typeof value !== 'number' || !(value > 0)) throw ERR.EINVAL;
  return value;
}

export function attachNetSysctl(k: Kernel, net: Rumpnet): void {
  k.sysctl.attach('kern.sbmax', {
    type: 'int',
    description: 'most bytes of a socket buffer',
    get: () => net.sbmax,
    set: (value) => {
      net.sbmax = positive(value);
    },
  });
  k.sysctl.attach('kern.somaxconn', {
    type: 'int',
    description: 'longest queue of connections',
    get: () => net.somaxconn,
    set: (value) => {
      net.somaxconn = positive(value);
    },
  });
  attachMbufSysctl(k, net.mbufs);
}

function attachMbufSysctl(k: Kernel, mbufs: Mbufs): void {
  const { store } = mbufs;
  k.sysctl.attach('kern.mbuf.msize', { type: 'int', num: 1, description: 'bytes of an mbuf', get: () => MSIZE });
  k.sysctl.attach('kern.mbuf.mclbytes', { type: 'int', num: 2, description: 'bytes of a cluster', get: () => MCLBYTES });
  k.sysctl.attach('kern.mbuf.nmbclusters', {
    type: 'int',
    num: 3,
    description: 'most storage in use at once, in clusters',
    get: () => Math.floor(store.limit / MCLBYTES),
    set: (value) => {
      // It does not shrink below what a system call and a packet need at once.
      if (typeof value !== 'number' || value < 64) throw ERR.EINVAL;
      store.limit = value * MCLBYTES;
    },
  });
  k.sysctl.attach('kern.mbuf.stats', { type: 'struct', num: 6, description: 'counts', get: () => stats(mbufs) });
}

/** u32 each: mbufs in use, mbufs made, bytes in use, the most bytes, chunks of small pieces, chunks of clusters, requests not met, drains. */
function stats(mbufs: Mbufs): Uint8Array {
  const { store } = mbufs;
  const b = new Uint8Array(MBSTAT_LEN);
  [mbufs.used, mbufs.made, store.used, store.peak, store.small.slabs, store.clusters.slabs, mbufs.drops, mbufs.drains].forEach((n, i) => putU32le(b, 4 * i, n));
  return b;
}
