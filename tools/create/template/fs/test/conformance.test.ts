/** foofs through the suite of the vnode seam. Whatever you add, take it from `lacks`: the suite then demands it. */
import { vnodeConformance } from '@anykernel/conformance-vnode';
import { foofs } from '../src/index.js';

vnodeConformance({ name: 'foofs', make: () => undefined });
