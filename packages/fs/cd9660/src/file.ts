/** The bytes of regular files: sections of blocks on the device, through the file data cache; and packed ones, unpacked block by block. */
import { ERR } from '@anykernel/lib-sys';
import type { Lwp, Uio } from '@anykernel/rumpkern';
import { type Disk, type Pager, type Run, type Uobj, type Vnode, genfsRead, pagedUobj } from '@anykernel/rumpvfs';
import { type Node, VTON } from './node.js';
import { isPacked, layoutOf } from './unpack.js';

/** A file as it is on the device. */
class CdFile implements Pager {
  readonly node: Node;
  readonly disk: Disk;
  readonly bshift: number;
  readonly uobj: Uobj;
  readonly writable = false;

  constructor(node: Node) {
    this.node = node;
    this.disk = node.fs.disk;
    this.bshift = node.fs.bshift;
    this.uobj = pagedUobj(node.fs.k, this);
  }

  bmap(lbn: number, run: Run): void {
    mapBlock(this.node, lbn, run);
  }
}

/** Where block `lbn` is. Beyond the end it is nowhere. EIO: the device does not have it. */
function mapBlock(node: Node, lbn: number, run: Run): void {
  const { fs } = node;
  run.blkno = -1;
  run.count = 1;
  let first = 0;
  for (const { block, size } of node.sections) {
    const count = Math.ceil(size / fs.bsize);
    if (lbn < first + count) {
      const skip = lbn - first;
      if (block + skip >= fs.blocks) fs.corrupt(`the file at byte ${node.ino} lies at block ${block + skip}, and the device has ${fs.blocks}`);
      run.blkno = block + skip;
      run.count = Math.min(count - skip, fs.blocks - run.blkno);
      return;
    }
    first += count;
  }
}

function rawOf(vp: Vnode, node: Node): Uobj {
  if (vp.uobj === undefined) vp.uobj = new CdFile(node).uobj;
  return vp.uobj;
}

/** EOPNOTSUPP: the data are in a form that is not known here. EIO; sleeps. */
export function read(vp: Vnode, uio: Uio, _ioflag: number, _l: Lwp): void {
  const node = VTON(vp);
  if (uio.resid === 0) return;
  if (node.obstacle !== undefined) {
    node.fs.complain(`the file at byte ${node.ino} cannot be read: ${node.obstacle}`);
    throw ERR.EOPNOTSUPP;
  }
  const raw = rawOf(vp, node);
  if (isPacked(node)) readPacked(node, raw, uio);
  else genfsRead(raw, uio, node.size);
}

function readPacked(node: Node, raw: Uobj, uio: Uio): void {
  const layout = layoutOf(node, raw, node.size);
  const bsize = 2 ** layout.bshift;
  while (uio.resid > 0 && uio.offset < layout.size) {
    const index = Math.floor(uio.offset / bsize);
    const data = node.fs.unpacked.block(node, layout, index, raw, node.size);
    const skip = uio.offset - index * bsize;
    uio.move(data, skip, data.length - skip);
  }
}

/** Bytes of a file as they are read. */
export function sizeOf(node: Node): number {
  return isPacked(node) && node.rock.zisofs !== undefined ? node.rock.zisofs.size : node.size;
}

export function bmapOf(vp: Vnode, lbn: number, run: Run): void {
  mapBlock(VTON(vp), lbn, run);
}
