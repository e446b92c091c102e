/** Open, close, sizes, ioctl. */
import { describe, expect, test } from '@jest/globals';
import { DIOCGMEDIASIZE, DIOCGSECTORSIZE, ERR, _IO } from '@anykernel/lib-sys';
import { FREAD, FWRITE } from '@anykernel/rumpkern';
import { type Driver, errnoOf, pattern } from './subject.js';

/** A command that no driver has. */
const NOBODYS = _IO('~', 255);

export function openTests(get: () => Driver): void {
  describe('opening and closing', () => {
    test('a device can be opened again and again, and after it was closed', () => {
      const d = get();
      d.open();
      d.open();
      d.close();
      d.close();
      d.open();
      d.close();
    });

    test('a unit that is not there is ENXIO', async () => {
      const d = get();
      for (const flag of [FREAD, FREAD | FWRITE]) expect(await errnoOf(() => d.open(d.subject.absent, flag))).toBe(ERR.ENXIO);
    });

    test('what can only be read is EROFS for who wants to write, and can be read', async () => {
      const d = get();
      const dev = d.subject.readonly;
      if (dev === undefined) {
        // Without such a device the driver refuses nobody.
        d.open();
        d.close();
        return;
      }
      expect(await errnoOf(() => d.open(dev, FREAD | FWRITE))).toBe(ERR.EROFS);
      d.open(dev, FREAD);
      d.close(dev, FREAD);
    });

    test('what was written is there after the device was closed and opened', async () => {
      const d = get();
      const data = pattern(d.secsize * 2, 1);
      d.open();
      await d.write([data], d.secsize);
      d.close();
      d.open();
      const got = new Uint8Array(data.length);
      await d.read([got], d.secsize);
      expect(got).toEqual(data);
      d.close();
    });
  });
}

export function commandTests(get: () => Driver): void {
  describe('sizes and commands', () => {
    test('the size is that of the device, and the sector size a power of two from 512 on', () => {
      const d = get();
      d.open();
      expect(d.size).toBeGreaterThanOrEqual(65536);
      expect([512, 1024, 2048, 4096, 8192, 16384, 32768, 65536]).toContain(d.secsize);
      d.close();
    });

    test('a command that is nobody\'s is ENOTTY', async () => {
      const d = get();
      d.open();
      expect(await errnoOf(() => d.ioctl(NOBODYS))).toBe(ERR.ENOTTY);
      d.close();
    });

    test('DIOCGMEDIASIZE and DIOCGSECTORSIZE agree with the sizes; a missing buffer is EFAULT', async () => {
      const d = get();
      d.open();
      const data = new Uint8Array(8);
      d.ioctl(DIOCGMEDIASIZE, data);
      expect(Number(new DataView(data.buffer).getBigUint64(0, true))).toBe(d.size);
      d.ioctl(DIOCGSECTORSIZE, data);
      expect(new DataView(data.buffer).getUint32(0, true)).toBe(d.secsize);
      expect(await errnoOf(() => d.ioctl(DIOCGMEDIASIZE))).toBe(ERR.EFAULT);
      d.close();
    });
  });
}
