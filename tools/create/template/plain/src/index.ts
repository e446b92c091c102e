/**
 * foofs: {{sentence}}
 */
import { type Component, component } from '@anykernel/lib-component';
import { rumpkern } from '@anykernel/rumpkern';

/** What a kernel has of it. State belongs here, never to the module. */
export interface State {
  attached: number;
}

export const foofs: Component<State, readonly [typeof rumpkern]> = component({
  name: 'foofs',
  class: '{{class}}',
  requires: [rumpkern],
  attach(k): State {
    k.use(rumpkern).printf('foofs: attached');
    return { attached: 1 };
  },
  detach(): void {},
});
