/** How long a boot takes. */
import { hostNode } from '@anykernel/host-node';
import type { AnyComponent } from '@anykernel/lib-component';
import { bootStack } from '@anykernel/stack-boot';

/** Boots for the measurement of a warm process. */
const BOOTS = 50;

/** Milliseconds: of the first boot, and the best of many. */
export function bootTimes(components: readonly AnyComponent[]): { readonly first: number; readonly best: number } {
  const once = (): number => {
    const host = hostNode({ input: false });
    const start = performance.now();
    const k = bootStack(host, components);
    const took = performance.now() - start;
    k.halt();
    return took;
  };
  const first = once();
  return { first, best: Math.min(...Array.from({ length: BOOTS }, once)) };
}
