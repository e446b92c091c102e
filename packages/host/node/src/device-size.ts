/**
 * How large a device is. fstat() says 0, and Node has no ioctl().
 *
 * Linux tells it in /sys, by device number, in units of 512 bytes whatever the device's own sector is. Elsewhere the last sector is searched
 * for: reads at doubling offsets until one moves nothing, then bisection; some fifty reads of one sector.
 */
import { readFileSync, readSync } from './builtin.js';

const SECTOR = 512;

/** Bytes of the open device `fd` whose number is `rdev`. */
export function deviceSize(fd: number, rdev: number): number {
  return sysfsSize(rdev) ?? probe((off) => readable(fd, off));
}

/** What /sys says, or undefined. */
export function sysfsSize(rdev: number): number | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    const sectors = Number(readFileSync(`/sys/dev/block/${major(rdev)}:${minor(rdev)}/size`, 'latin1'));
    return Number.isSafeInteger(sectors) ? sectors * SECTOR : undefined;
  } catch {
    return undefined;
  }
}

/** The length, given whether the sector at an offset can be read. */
export function probe(canRead: (off: number) => boolean): number {
  if (!canRead(0)) return 0;
  let good = 0;
  let bad = 1;
  while (bad < Number.MAX_SAFE_INTEGER / SECTOR / 2 && canRead(bad * SECTOR)) {
    good = bad;
    bad *= 2;
  }
  while (bad - good > 1) {
    const middle = good + Math.floor((bad - good) / 2);
    if (canRead(middle * SECTOR)) good = middle;
    else bad = middle;
  }
  return bad * SECTOR;
}

function readable(fd: number, off: number): boolean {
  try {
    return readSync(fd, new Uint8Array(SECTOR), 0, SECTOR, off) === SECTOR;
  } catch {
    return false;
  }
}

// glibc's makedev(3): the numbers are interleaved, and larger than 32 bits.
const major = (rdev: number): number => (Math.floor(rdev / 2 ** 32) & ~0xfff) | ((rdev >>> 8) & 0xfff);
const minor = (rdev: number): number => (Math.floor(rdev / 2 ** 12) & ~0xff) | (rdev & 0xff);
