/** What a bundle begins with, on any host: the kernel is booted, and the application gets a process of its own. */
import type { Rumpuser } from '@anykernel/host-rumpuser';
import type { AnyComponent } from '@anykernel/lib-component';
import { type Kernel, RFFDG } from '@anykernel/rumpkern';
import { type MountSpec, bootStack } from '@anykernel/stack-boot';
import { type Ukfs, ukfs } from '@anykernel/ukfs';

export interface Runtime<H extends Rumpuser = Rumpuser> {
  readonly host: H;
  readonly kernel: Kernel;
  /** `node:fs` of the application: its process has the console as descriptors 0, 1 and 2. */
  readonly fs: Ukfs;
}

export function startOn<H extends Rumpuser>(host: H, components: readonly AnyComponent[], mounts: readonly MountSpec[]): Runtime<H> {
  const kernel = bootStack(host, components, mounts);
  const p = kernel.proc1.rfork(RFFDG);
  p.comm = 'app';
  return { host, kernel, fs: ukfs(p) };
}
