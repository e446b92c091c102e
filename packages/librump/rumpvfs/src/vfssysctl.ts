/** The faction's values in the sysctl tree. */
import { syncerOf } from './syncer.js';
import type { Vfs } from './vfs.js';

export function attachVfsSysctl(vfs: Vfs): void {
  const { sysctl } = vfs.k;
  sysctl.attach('vfs.generic.fstypes', { type: 'string', get: () => [...vfs.types.keys()].join(' '), description: 'file system types' });
  sysctl.attach('vfs.sync.delay', {
    type: 'int',
    description: 'seconds between two rounds of the syncer',
    get: () => syncerOf(vfs).delay,
    set: (value) => {
      syncerOf(vfs).delay = Math.max(0, value as number);
    },
  });
  sysctl.attach('kern.maxvnodes', {
    type: 'int',
    description: 'vnodes that are kept in memory',
    get: () => vfs.maxvnodes,
    set: (value) => {
      vfs.maxvnodes = Math.max(1, value as number);
      vfs.namecache.limit = vfs.maxvnodes * 2;
    },
  });
}
