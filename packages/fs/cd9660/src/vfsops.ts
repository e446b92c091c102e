/**
 * ISO 9660 as a file system type: mount, figures, file handles.
 *
 * A mount of an asynchronous device sleeps for its blocks and goes on with the same Mount: what it has so far is in mp.data.
 */
import { getU64le, putU64le } from '@anykernel/lib-bytes';
import { ERR, MNT_RDONLY, NAME_MAX, type Statvfs } from '@anykernel/lib-sys';
import type { Lwp } from '@anykernel/rumpkern';
import { Bcache, type Disk, type Mount, type Peek, type Vfsops, type Vnode, openDisk, probeBy } from '@anykernel/rumpvfs';
import { CdFs, type Wishes } from './fs.js';
import { Node, VTON, loadVnode, vnodeOf } from './node.js';
import {
  DESCRIPTORS_MAX, FIRST_DESCRIPTOR, SECTOR, VD_END, VD_PRIMARY, VD_SUPPLEMENTARY, type VolumeInfo, descriptorType, parseRecord, parseVolume,
} from './ondisk.js';
import { Rock, parseRock, suspSkip } from './rockridge.js';
import { foundDir } from './dir.js';
import { IOSIZE, addDir, opsOf } from './vnops.js';

/** What mount(2) takes for cd9660; everything but the device may be left out. Switches are 0 and 1. */
export interface Cd9660Args {
  /** The block device: a path in the kernel's name space. */
  readonly fspec: string;
  /** Rock Ridge is used where it is: 1. */
  readonly rrip?: number;
  /** Joliet is used where Rock Ridge is not: 1. */
  readonly joliet?: number;
  /** Versions of names are shown: 0. */
  readonly gens?: number;
  /** Names of a plain ISO 9660 are shown in capitals, as they are: 0. */
  readonly nocasetrans?: number;
  /** The sector that the session begins with: 0. */
  readonly session?: number;
}

const ARGS: readonly string[] = ['fspec', 'rrip', 'joliet', 'gens', 'nocasetrans', 'session'] satisfies (keyof Cd9660Args)[];
const SESSION_MAX = 2 ** 32 - 1;

interface Asked extends Wishes {
  readonly rrip: boolean;
  readonly joliet: boolean;
  readonly session: number;
}

/** A mount on its way: the device is open, and perhaps some of it has been read. */
class Opening {
  bcache: Bcache | undefined = undefined;
  fs: CdFs | undefined = undefined;
  constructor(
    readonly disk: Disk,
    readonly asked: Asked,
  ) {}
}

export function cdVfsops(): Vfsops {
  return { name: 'cd9660', probe: probeBy(probe), mount, unmount, root, statvfs, sync: () => undefined, loadvnode: (mp, ino) => loadVnode(mp.data as CdFs, ino), vptofh, fhtovp };
}

function probe(peek: Peek): boolean {
  return descriptorType(peek(FIRST_DESCRIPTOR * SECTOR, SECTOR)) >= 0;
}

// -- mount

/** It is always mounted read-only. EINVAL: no fspec, an argument that makes no sense, or no ISO 9660. The errors of openDisk(). EROFS: an update to write. */
function mount(mp: Mount, args: object, l: Lwp, update: boolean): void {
  if (update) {
    if ((mp.flags & MNT_RDONLY) === 0) throw ERR.EROFS;
    return;
  }
  // Started again after a sleep in the layer: this part is done.
  if (mp.data instanceof CdFs) return;
  const opening = mp.data instanceof Opening ? mp.data : open(mp, args, l);
  mp.data = load(mp, opening);
  mp.flags |= MNT_RDONLY;
}

/** A whole number up to `max`, or `otherwise` when it is left out. EINVAL. */
function arg(value: unknown, max: number, otherwise: number): number {
  if (value === undefined) return otherwise;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > max) throw ERR.EINVAL;
  return value;
}

function askedOf(args: object): Asked {
  for (const name of Object.keys(args)) if (!ARGS.includes(name)) throw ERR.EINVAL;
  const a = args as Record<keyof Cd9660Args, unknown>;
  return {
    rrip: arg(a.rrip, 1, 1) === 1,
    joliet: arg(a.joliet, 1, 1) === 1,
    gens: arg(a.gens, 1, 0) === 1,
    nocasetrans: arg(a.nocasetrans, 1, 0) === 1,
    session: arg(a.session, SESSION_MAX, 0),
  };
}

function open(mp: Mount, args: object, l: Lwp): Opening {
  const { fspec } = args as { fspec?: unknown };
  if (typeof fspec !== 'string') throw ERR.EINVAL;
  const asked = askedOf(args);
  const opening = new Opening(openDisk(mp.vfs, l, fspec, false), asked);
  mp.data = opening;
  return opening;
}

/** Reads what has to be in memory. Restarted, it goes on where it slept. */
function load(mp: Mount, opening: Opening): CdFs {
  opening.fs ??= makeFs(mp, opening);
  const { fs } = opening;
  fs.root ??= rootOf(fs);
  return fs;
}

function makeFs(mp: Mount, opening: Opening): CdFs {
  const { disk, asked } = opening;
  const { k } = mp.vfs;
  if (disk.size < (FIRST_DESCRIPTOR + 1) * SECTOR) refuse(mp, 'the device is too small');
  if (disk.secsize > SECTOR) refuse(mp, `sectors of ${disk.secsize} bytes`);
  opening.bcache ??= new Bcache(k, disk, SECTOR);
  const volumes = readVolumes(mp, opening.bcache, disk, asked.session);
  const primary = volumes.find((v) => v.encoding === 'iso') ?? refuse(mp, 'there is no primary volume descriptor');
  const skip = asked.rrip ? rockSkip(mp, opening.bcache, primary) : undefined;
  const info = skip !== undefined ? primary : chosen(volumes, primary, asked);
  if (info.bsize < disk.secsize) refuse(mp, `logical blocks of ${info.bsize} bytes, on a device whose sectors have ${disk.secsize}`);
  if (info.bsize !== SECTOR) {
    opening.bcache.close();
    opening.bcache = new Bcache(k, disk, info.bsize);
  }
  const fs = new CdFs(k, mp, disk, opening.bcache, info, asked, opsOf);
  fs.suspSkip = skip;
  return fs;
}

/** The hierarchies that the descriptors of a session lead to. What makes no sense is passed over, with a message. */
function readVolumes(mp: Mount, bcache: Bcache, disk: Disk, session: number): VolumeInfo[] {
  const volumes: VolumeInfo[] = [];
  for (let n = 0; n < DESCRIPTORS_MAX; n++) {
    const sector = session + FIRST_DESCRIPTOR + n;
    if ((sector + 1) * SECTOR > disk.size) break;
    const b = bcache.bread(sector).data;
    const type = descriptorType(b);
    if (type < 0 || type === VD_END) break;
    if (type !== VD_PRIMARY && type !== VD_SUPPLEMENTARY) continue;
    const info = parseVolume(b);
    if (typeof info !== 'string') volumes.push(info);
    else mp.vfs.k.printf(`cd9660: ${mp.fromName}: the descriptor in sector ${sector} is left out: ${info}`);
  }
  if (volumes.length === 0) refuse(mp, 'there is no ISO 9660 on it');
  return volumes;
}

/** Whether Rock Ridge is there: by what the root says of itself. */
function rockSkip(mp: Mount, bcache: Bcache, primary: VolumeInfo): number | undefined {
  const off = primary.root.extent * primary.bsize;
  const b = tryRead(mp, bcache, off);
  const self = b === undefined ? undefined : parseRecord(b, 0, b.length);
  if (b === undefined || self === undefined) return undefined;
  const skip = suspSkip(b, self.suOff, self.len);
  if (skip === undefined) return undefined;
  const from = Math.min(self.suOff + skip, self.len);
  const read = (block: number, at: number, len: number): Uint8Array | undefined => {
    const area = tryRead(mp, bcache, block * primary.bsize + at);
    return area === undefined || area.length < len ? undefined : area.subarray(0, len);
  };
  return parseRock(b, from, self.len, read).any ? skip : undefined;
}

/** The sector with byte `off`, from there on; undefined: it is not on the device. */
function tryRead(mp: Mount, bcache: Bcache, off: number): Uint8Array | undefined {
  const sector = Math.floor(off / SECTOR);
  if ((sector + 1) * SECTOR > bcache.disk.size) {
    mp.vfs.k.printf(`cd9660: ${mp.fromName}: what the root directory says is not on the device`);
    return undefined;
  }
  return bcache.bread(sector).data.subarray(off % SECTOR);
}

/** Without Rock Ridge: Joliet's names, or the long ones of ISO 9660:1999, or the plain ones. */
function chosen(volumes: readonly VolumeInfo[], primary: VolumeInfo, asked: Asked): VolumeInfo {
  const joliet = asked.joliet ? volumes.find((v) => v.encoding === 'joliet') : undefined;
  return joliet ?? volumes.find((v) => v.encoding === 'enhanced') ?? primary;
}

function rootOf(fs: CdFs): Node {
  const { root } = fs.info;
  const block = root.extent + root.xattrLen;
  const place = block * fs.bsize;
  let rock = new Rock();
  if (fs.suspSkip !== undefined) {
    const b = fs.sectorAt(place, place + SECTOR).slice();
    const self = parseRecord(b, 0, b.length);
    if (self !== undefined) rock = parseRock(b, Math.min(self.suOff + fs.suspSkip, self.len), self.len, () => undefined);
  }
  const node = new Node(fs, place, undefined, { first: root, sections: [{ block, size: root.size }], rock, obstacle: undefined });
  fs.nodes.set(node.ino, node);
  return node;
}

function refuse(mp: Mount, why: string): never {
  mp.vfs.k.printf(`cd9660: ${mp.fromName}: ${why}`);
  throw ERR.EINVAL;
}

function unmount(mp: Mount): void {
  const { data } = mp;
  const fs = data instanceof Opening ? data.fs : (data as CdFs);
  fs?.indexes.close();
  fs?.unpacked.close();
  const bcache = data instanceof Opening ? data.bcache : (data as CdFs).bcache;
  bcache?.close();
  (data instanceof Opening ? data.disk : (data as CdFs).disk).close(mp.vfs.k.curlwp);
  mp.data = undefined;
}

// -- the rest

function root(mp: Mount): Vnode {
  return vnodeOf((mp.data as CdFs).root);
}

/** Everything is in use. */
function statvfs(mp: Mount, sb: Statvfs): void {
  const fs = mp.data as CdFs;
  sb.bsize = sb.frsize = fs.bsize;
  sb.iosize = IOSIZE;
  sb.blocks = fs.info.blocks;
  sb.bfree = sb.bavail = sb.bresvd = 0;
  sb.files = sb.ffree = sb.favail = sb.fresvd = 0;
  sb.namemax = NAME_MAX;
}

/** Bytes of a file handle: the number, 64 bits, little-endian. */
const HANDLE_LEN = 8;

function vptofh(vp: Vnode): Uint8Array {
  const fh = new Uint8Array(HANDLE_LEN);
  putU64le(fh, 0, VTON(vp).ino);
  return fh;
}

/** A directory can be found by its number, another file as long as it is in memory. EINVAL: not a handle of cd9660. ESTALE: the file is not there. */
function fhtovp(mp: Mount, fh: Uint8Array): Vnode {
  if (fh.length !== HANDLE_LEN) throw ERR.EINVAL;
  const fs = mp.data as CdFs;
  const ino = getU64le(fh, 0);
  const there = fs.nodes.get(ino);
  if (there !== undefined) return vnodeOf(there);
  if (!Number.isSafeInteger(ino) || ino % fs.bsize !== 0) throw ERR.ESTALE;
  const found = foundDir(fs, ino / fs.bsize);
  if (found === undefined || found.first.size === 0) throw ERR.ESTALE;
  return vnodeOf(addDir(fs, ino / fs.bsize, found));
}
