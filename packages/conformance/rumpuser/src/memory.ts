/** The version, and memory. */
import { describe, expect, test } from '@jest/globals';
import { ERR, type HostConformance, eachSubject, thrown } from './subject.js';

const isZero = (mem: Uint8Array): boolean => mem.every((byte) => byte === 0);

export function memoryTests(conformance: HostConformance): void {
  describe('memory', () => {
    const get = eachSubject(conformance);

    test('the host speaks version 1 of the hypercalls', () => {
      expect(get().host.version).toBe(1);
    });

    test.each([1, 511, 4096, 65536, 1 << 20])('malloc gives %d bytes, all zero', (len) => {
      const mem = get().host.malloc(len);
      expect(mem.length).toBe(len);
      expect(isZero(mem)).toBe(true);
      get().host.free(mem);
    });

    test('memory that was given back comes zeroed again', () => {
      const { host } = get();
      for (let round = 0; round < 4; round++) {
        const mems = [host.malloc(65536), host.malloc(65536)];
        expect(mems.every(isZero)).toBe(true);
        for (const mem of mems) mem.fill(0xa5);
        for (const mem of mems) host.free(mem);
      }
    });

    test('two pieces of memory do not share a byte', () => {
      const { host } = get();
      const one = host.malloc(65536);
      host.free(host.malloc(65536));
      const two = host.malloc(65536);
      const three = host.malloc(65536);
      one.fill(1);
      two.fill(2);
      expect(isZero(three)).toBe(true);
      expect(one.every((byte) => byte === 1)).toBe(true);
    });

    test('more memory than there can be is ENOMEM', () => {
      expect(thrown(() => get().host.malloc(Number.MAX_SAFE_INTEGER))).toBe(ERR.ENOMEM);
    });

    test.each([-1, 0.5, Number.NaN, Infinity])('a length of %d is EINVAL', (len) => {
      expect(thrown(() => get().host.malloc(len))).toBe(ERR.EINVAL);
    });
  });
}
