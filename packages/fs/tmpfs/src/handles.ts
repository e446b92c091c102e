/** File handles: bytes that name a file of a mount for ever. */
import { ERR } from '@anykernel/lib-sys';
import type { Mount, Vfsops, Vnode } from '@anykernel/rumpvfs';
import { nodeOf, tmountOfMount } from './of.js';

/** Bytes of a handle: node number and generation, 32 bits each, little-endian. */
const HANDLE_LEN = 8;

function vptofh(vp: Vnode): Uint8Array {
  const node = nodeOf(vp);
  const fh = new Uint8Array(HANDLE_LEN);
  const view = new DataView(fh.buffer);
  view.setUint32(0, node.ino, true);
  view.setUint32(4, node.gen, true);
  return fh;
}

/** EINVAL: not a handle of tmpfs. ESTALE: the file is gone. */
function fhtovp(mp: Mount, fh: Uint8Array): Vnode {
  if (fh.length !== HANDLE_LEN) throw ERR.EINVAL;
  const view = new DataView(fh.buffer, fh.byteOffset, fh.length);
  const tm = tmountOfMount(mp);
  const node = tm.slots[view.getUint32(0, true)];
  if (node === undefined || node.gen >>> 0 !== view.getUint32(4, true) || node.nlink === 0) throw ERR.ESTALE;
  return tm.vnode(node);
}

export const handles: Pick<Vfsops, 'vptofh' | 'fhtovp'> = { vptofh, fhtovp };
