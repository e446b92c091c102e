import { describe, expect, test } from '@jest/globals';
import { SlabPool } from '../src/index.js';

const code = (name: string): unknown => expect.objectContaining({ code: name });

describe('memory', () => {
  test('that is given back is used again, up to a bound', () => {
    const pool = new SlabPool(3000);
    const mems = Array.from({ length: 4 }, () => pool.malloc(1000));
    for (const mem of mems) pool.free(mem.fill(1));
    expect(pool.kept).toBe(3000);
    const again = pool.malloc(1000);
    expect(mems.slice(0, 3)).toContain(again);
    expect(again).toEqual(new Uint8Array(1000));
    expect(pool.kept).toBe(2000);
    expect(pool.malloc(999).length).toBe(999);
  });

  test('that is given back twice or in part is refused', () => {
    const pool = new SlabPool(3000);
    const mem = pool.malloc(1000);
    expect(() => pool.free(mem.subarray(1))).toThrow(code('EINVAL'));
    expect(() => pool.free(mem.subarray(0, 10))).toThrow(code('EINVAL'));
    pool.free(mem);
    expect(() => pool.free(mem)).toThrow(code('EINVAL'));
    expect(() => pool.free(mem.subarray(0))).toThrow(code('EINVAL'));
  });
});
