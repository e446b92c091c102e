/** Boot: a kernel on a host, with the closure of the components that the application asks for. */
import type { Rumpuser } from '@anykernel/host-rumpuser';
import { type AnyComponent, type Component, component } from '@anykernel/lib-component';
import { ERR, bareKernCalls, bareVfsCalls } from '@anykernel/lib-sys';
import { baseCalls } from './calls/index.js';
import { BareKernel } from './barekernel.js';
import { Emul } from './entry.js';
import { establish } from './extras.js';
import { Kernel } from './kernel.js';
import type { KernelOptions } from './options.js';
import { OSRELEASE, OSTYPE } from './sysctlbase.js';

/** The base of every kernel. Its state is the kernel itself. */
export const rumpkern: Component<Kernel, readonly []> = component({
  name: 'rumpkern',
  class: 'base',
  requires: [],
  /** It is there before all others. EEXIST. */
  attach(): Kernel {
    throw ERR.EEXIST;
  },
});

const RUMPUSER_VERSION = 1;

/** The calls that files need. */
const bareEmul: Emul = /* @__PURE__ */ new Emul([bareKernCalls, bareVfsCalls]);

/**
 * Boots a kernel with `components` and all that they require. Throws ClosureError where they do not fit together, and what a component's
 * attach throws.
 */
export function boot(host: Rumpuser, components: readonly AnyComponent[] = [], options: KernelOptions = {}): Kernel {
  return bootWith(host, components, () => new Kernel(host, options), establish);
}

/**
 * The same without what files do without (extras.ts): pipes, signals, timers and time limits, devices, the sysctl tree, autoload, tracing, and the system calls of processes
 * about themselves; `p.sys` has no methods for these. What a failed call throws is the Errno itself, as `p.bare` does. A bundle is smaller by all that.
 */
export function bareBoot(host: Rumpuser, components: readonly AnyComponent[] = [], options: KernelOptions = {}): Kernel {
  return bootWith(host, components, () => new BareKernel(host, bareEmul, options) as Kernel, nothing);
}

function bootWith(host: Rumpuser, components: readonly AnyComponent[], make: () => Kernel, more: (k: Kernel) => void): Kernel {
  if (host.version !== RUMPUSER_VERSION) throw new Error(`the host speaks hypercall version ${host.version}, this kernel ${RUMPUSER_VERSION}`);
  const k = make();
  k.printf(`${OSTYPE} ${OSRELEASE}`);
  k.modules.install(rumpkern, k);
  try {
    k.run(() => {
      baseCalls(k);
      more(k);
      k.modules.loadMissing(components);
    });
  } catch (e) {
    k.discard();
    throw e;
  }
  return k;
}

function nothing(): void {}
