/**
 * foofs: {{sentence}}
 *
 * Mount it with `sys.mount('foofs', dir, 0, {})`.
 */
import { type Component, component } from '@anykernel/lib-component';
import { rumpvfs } from '@anykernel/rumpvfs';
import { vfsops } from './vfsops.js';

export type { MountOptions } from './vfsops.js';

export const foofs: Component<void, readonly [typeof rumpvfs]> = component({
  name: 'foofs',
  class: 'vfs',
  requires: [rumpvfs],
  attach(k): void {
    k.use(rumpvfs).vfsAttach(vfsops, foofs);
  },
  detach(k): void {
    k.use(rumpvfs).vfsDetach(vfsops);
  },
});
