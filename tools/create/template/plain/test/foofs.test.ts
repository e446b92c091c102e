import { hostNode } from '@anykernel/host-node';
import { boot } from '@anykernel/rumpkern';
import { expect, test } from '@jest/globals';
import { foofs } from '../src/index.js';

test('foofs attaches to a kernel, and leaves it', () => {
  const k = boot(hostNode({ output: { write: () => true } }), [foofs]);
  expect(k.modules.use(foofs)).toEqual({ attached: 1 });
  k.halt();
});
