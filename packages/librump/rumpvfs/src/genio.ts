/**
 * Reading and writing files through the file data cache, for file systems on block devices.
 */
import { ERR } from '@anykernel/lib-sys';
import type { Uio } from '@anykernel/rumpkern';
import { CLUSTER_SIZE } from './cluster.js';
import type { Txn } from './txn.js';
import type { PagedUobj } from './pageduobj.js';
import type { Uobj } from './uobj.js';

/** Bytes for which blocks are allocated in one transaction. */
const STEP_MAX = 4 * CLUSTER_SIZE;
/** A step that does not fit on the device, or into memory, is tried in halves down to this. */
const STEP_MIN = 512;

/** A file being written. */
export interface GenfsFile {
  readonly uobj: PagedUobj;
  /** Bytes; as it is now. */
  readonly size: number;
  /** Inside a transaction: blocks for bytes [off, off+len), and a size that covers them. ENOSPC, EDQUOT, EIO; may sleep. */
  allocate(off: number, len: number): void;
}

/** Reads from uio.offset to the end of the request or of the file. */
export function genfsRead(uobj: Uobj, uio: Uio, size: number): void {
  if (uio.offset < size && uio.resid > 0) uobj.read(uio, size);
}

/**
 * Writes the whole uio in steps: memory and what is there already first, then blocks and size in a transaction, then the bytes, which
 * cannot fail. A write that ends early (ENOSPC, a sleep) has the size that its progress asks for.
 */
export function genfsWrite(file: GenfsFile, txn: Pick<Txn, 'run'>, uio: Uio): void {
  let step = STEP_MAX;
  while (uio.resid > 0) {
    const off = uio.offset;
    const len = Math.min(uio.resid, step - (off % step));
    const before = file.size;
    try {
      file.uobj.prepare(off, len, before);
      txn.run(() => file.allocate(off, len));
    } catch (e) {
      if ((e !== ERR.ENOSPC && e !== ERR.ENOMEM) || len <= STEP_MIN) throw e;
      step >>= 1;
      continue;
    }
    file.uobj.write(uio, len, before);
  }
}
