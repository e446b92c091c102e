/**
 * The figures of a mounted file system, as statvfs(2) fills them.
 *
 * `blocks`, `bfree`, `bavail`, `bresvd` count units of `frsize` bytes; `bsize` is the block size of the file system and `iosize` the
 * preferred size of I/O, in bytes. `bavail` is what is left for users, `bfree` includes what is reserved for the superuser.
 * Names are byte strings. `flag` holds the MNT_* bits that the mount keeps (mount.ts).
 */
export class Statvfs {
  flag: number = 0;
  bsize: number = 0;
  frsize: number = 0;
  iosize: number = 0;
  blocks: number = 0;
  bfree: number = 0;
  bavail: number = 0;
  bresvd: number = 0;
  files: number = 0;
  ffree: number = 0;
  favail: number = 0;
  fresvd: number = 0;
  syncreads: number = 0;
  syncwrites: number = 0;
  asyncreads: number = 0;
  asyncwrites: number = 0;
  fsid: number = 0;
  namemax: number = 0;
  owner: number = 0;
  fstypename: string = '';
  mntonname: string = '';
  mntfromname: string = '';
}
