/**
 * zisofs: files whose blocks are packed, each for itself, with a table of where they are. Blocks that were unpacked last are kept.
 *
 * The tables and the lengths in them are looked at before they are used: a block is never larger than the format allows, and unpacks to no more than
 * its size.
 *
 * Source: "Description of the zisofs Format" (T. Schmitt, 2009), and of its second version (2020).
 */
import { getU32le, getU64le } from '@anykernel/lib-bytes';
import type { Kernel } from '@anykernel/rumpkern';
import { Uio } from '@anykernel/rumpkern';
import type { Uobj } from '@anykernel/rumpvfs';
import { inflate } from './inflate.js';
import type { Node } from './node.js';

/** log2 of the size of blocks: 32 KiB to 128 KiB, in the second version to 1 MiB. */
const BSHIFT_MIN = 15;
const BSHIFT_MAX = 17;
const BSHIFT_MAX2 = 20;
/** Blocks that are kept. */
const KEPT = 4;

const MAGIC: readonly number[] = [0x37, 0xe4, 0x53, 0x96, 0xc9, 0xdb, 0xd6, 0x07];
const MAGIC2: readonly number[] = [0xef, 0x22, 0x55, 0xa1, 0xbc, 0x1b, 0x95, 0xa0];

interface Unpacked {
  readonly node: Node;
  readonly index: number;
  readonly data: Uint8Array;
}

/** What a packed file says of itself. */
interface Layout {
  readonly headerLen: number;
  /** Bytes of a pointer. */
  readonly width: number;
  readonly bshift: number;
  readonly size: number;
}

/** The blocks of a volume that were unpacked last. */
export class UnpackCache {
  readonly #k: Kernel;
  #kept: Unpacked[] = [];

  constructor(k: Kernel) {
    this.#k = k;
  }

  /** Block `index` of a packed file. `raw` are the bytes as they are on the device, of which there are `rawSize`. EIO, ENOMEM; sleeps. */
  block(node: Node, layout: Layout, index: number, raw: Uobj, rawSize: number): Uint8Array {
    const i = this.#kept.findIndex((u) => u.node === node && u.index === index);
    if (i >= 0) return (this.#kept[i] as Unpacked).data;
    const data = unpackBlock(node, layout, index, raw, rawSize);
    this.#k.mem.charge(data.length);
    this.#kept.push({ node, index, data });
    if (this.#kept.length > KEPT) this.#k.mem.uncharge((this.#kept.shift() as Unpacked).data.length);
    return data;
  }

  forget(node: Node): void {
    this.#drop((u) => u.node === node);
  }

  close(): void {
    this.#drop(() => true);
  }

  #drop(which: (u: Unpacked) => boolean): void {
    for (const u of this.#kept) if (which(u)) this.#k.mem.uncharge(u.data.length);
    this.#kept = this.#kept.filter((u) => !which(u));
  }
}

/** Bytes [off, off+len) of a file as it is on the device. EIO; sleeps. */
function rawBytes(raw: Uobj, off: number, len: number, size: number): Uint8Array {
  const b = new Uint8Array(len);
  const uio = new Uio().init(b, off, 'read');
  raw.read(uio, size);
  return b;
}

/** What a packed file says of itself: its Rock Ridge entry, which its first bytes must agree with. EIO: they do not. Sleeps. */
export function layoutOf(node: Node, raw: Uobj, rawSize: number): Layout {
  const z = node.rock.zisofs as NonNullable<typeof node.rock.zisofs>;
  const second = z.algorithm === 'PZ';
  const fits = z.bshift >= BSHIFT_MIN && z.bshift <= (second ? BSHIFT_MAX2 : BSHIFT_MAX) && z.headerLen >= (second ? 24 : 16) && z.headerLen <= 1020;
  if (!fits || rawSize < z.headerLen) node.fs.corrupt(`the packed file at byte ${node.ino} has a header that makes no sense`);
  const head = rawBytes(raw, 0, second ? 24 : 16, rawSize);
  const size = second ? getU64le(head, 12) : getU32le(head, 8);
  if ((second ? MAGIC2 : MAGIC).some((byte, i) => head[i] !== byte) || size !== z.size || !Number.isSafeInteger(size)) {
    node.fs.corrupt(`the packed file at byte ${node.ino} has a header that makes no sense`);
  }
  return { headerLen: z.headerLen, width: second ? 8 : 4, bshift: z.bshift, size };
}

/** Whether the file is packed in a way that is known here. */
export function isPacked(node: Node): boolean {
  const z = node.rock.zisofs;
  return z !== undefined && (z.algorithm === 'pz' || z.algorithm === 'PZ');
}

function unpackBlock(node: Node, layout: Layout, index: number, raw: Uobj, rawSize: number): Uint8Array {
  const { width, headerLen, bshift, size } = layout;
  const bsize = 2 ** bshift;
  const table = headerLen + index * width;
  if (table + 2 * width > rawSize) node.fs.corrupt(`the packed file at byte ${node.ino} is cut off`);
  const pointers = rawBytes(raw, table, 2 * width, rawSize);
  const [from, to] = width === 8 ? [getU64le(pointers, 0), getU64le(pointers, 8)] : [getU32le(pointers, 0), getU32le(pointers, 4)];
  const want = Math.min(bsize, size - index * bsize);
  const data = new Uint8Array(want);
  // A block of zeros takes no room.
  if (from === to) return data;
  // zlib's own bound on what packing can make of a block.
  const most = bsize + (bsize >> 12) + (bsize >> 14) + (bsize >> 25) + 13;
  if (!(from < to) || to > rawSize || to - from > most + 64) node.fs.corrupt(`the packed file at byte ${node.ino} has a block at ${from} to ${to}`);
  if (inflate(rawBytes(raw, from, to - from, rawSize), data) !== want) node.fs.corrupt(`the packed file at byte ${node.ino} cannot be unpacked at block ${index}`);
  return data;
}
