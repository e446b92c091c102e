/** 64-bit numbers of the log, exact up to 2^53. */
const TWO32 = 0x1_0000_0000;

export function get64(view: DataView, off: number, le: boolean): number {
  return le ? view.getUint32(off + 4, true) * TWO32 + view.getUint32(off, true) : view.getUint32(off) * TWO32 + view.getUint32(off + 4);
}

export function set64(view: DataView, off: number, value: number, le: boolean): void {
  const high = Math.floor(value / TWO32);
  view.setUint32(le ? off : off + 4, value - high * TWO32, le);
  view.setUint32(le ? off + 4 : off, high, le);
}
