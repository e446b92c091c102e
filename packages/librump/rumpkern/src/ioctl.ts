/** The int of an ioctl: four bytes, little-endian, in the caller's buffer. */
import { ERR } from '@anykernel/lib-sys';

/** EFAULT: the buffer is missing or too short. */
export function getInt(data: Uint8Array | undefined): number {
  const d = intOf(data);
  return d[0] | (d[1] << 8) | (d[2] << 16) | (d[3] << 24);
}

/** Fills the buffer; returns 0, as an ioctl does. EFAULT. */
export function putInt(data: Uint8Array | undefined, value: number): 0 {
  const d = intOf(data);
  d[0] = value;
  d[1] = value >>> 8;
  d[2] = value >>> 16;
  d[3] = value >>> 24;
  return 0;
}

function intOf(data: Uint8Array | undefined): Uint8Array {
  if (data === undefined || data.length < 4) throw ERR.EFAULT;
  return data;
}
