/** What a bundle for Node begins with. */
import { type HostNode, hostNode } from '@anykernel/host-node';
import type { AnyComponent } from '@anykernel/lib-component';
import type { MountSpec } from '@anykernel/stack-boot';
import { type Runtime, startOn } from './runtime.js';

/** `guest`: there is an application inside; when the program ends, the kernel writes back and ends with it. */
export function start(components: readonly AnyComponent[], mounts: readonly MountSpec[], guest: boolean): Runtime<HostNode> {
  const runtime = startOn(hostNode(), components, mounts);
  if (guest) process.once('exit', () => runtime.kernel.halt());
  return runtime;
}
