/** Kernels for the tests: tmpfs on the root, on either host. */
import { hostNode } from '@anykernel/host-node';
import { hostSim } from '@anykernel/host-sim';
import { type Kernel, type NewProc, boot } from '@anykernel/rumpkern';
import { tmpfs } from '@anykernel/tmpfs';
import { type Ukfs, ukfs } from '@anykernel/ukfs';

export interface Subject {
  readonly k: Kernel;
  readonly fs: Ukfs;
}

export const HOSTS = { 'host-sim': () => hostSim(), 'host-node': () => hostNode({ input: false }) } as const;

/** A kernel with tmpfs on its root, and the `fs` of a new process there. */
export function kernelOn(host: keyof typeof HOSTS, init: NewProc = {}): Subject {
  const k = boot(HOSTS[host](), [tmpfs], { verbose: false });
  k.proc1.sys.mount('tmpfs', '/', 0, {});
  k.proc1.sys.chmod('/', 0o777);
  return { k, fs: ukfs(k.newproc(init)) };
}
