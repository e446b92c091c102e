/**
 * The vfs faction: paths, vnodes, mounts, the buffer and file data caches, and the system calls on files.
 */
export * from './vnode.js';
export * from './mount.js';
export { mountsOf } from './mounts.js';
export * from './barevfs.js';
export * from './vfs.js';
export * from './component.js';
export { bareVfs, startVfs } from './bare.js';
export * from './cwdi.js';
export * from './namei.js';
export * from './namecache.js';
export {
  genfsAccess, genfsBare, genfsCanChmod, genfsCanChown, genfsCanChtimes, genfsCheckFlags, genfsCheckOpen, modeToType, typeToMode,
} from './genfsbare.js';
export * from './genfs.js';
export * from './deadfs.js';
export * from './specfs.js';
export * from './fifofs.js';
export * from './vops.js';
export * from './vnfile.js';
export { fileops } from './fileops.js';
export { rumpfsOps } from './rumpfs.js';
export * from './etfs.js';
export { probeBy, probeType } from './probe.js';
export * from './disk.js';
export * from './opendisk.js';
export * from './buf.js';
export * from './bcache.js';
export * from './txn.js';
export * from './journal.js';
export * from './uobj.js';
export { uobjDiscard, uobjHas, uobjSeek } from './uobjholes.js';
export * from './pageduobj.js';
export * from './genio.js';
export * from './syncer.js';
export * from './fssync.js';
export * from './complaints.js';
