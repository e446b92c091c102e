/** Kernels for the tests. */
import { ext2fs, newfs } from '@anykernel/ext2fs';
import { bareHostNode } from '@anykernel/host-node';
import { hostSim } from '@anykernel/host-sim';
import { type Kernel, type NewProc, bareBoot, boot } from '@anykernel/rumpkern';
import { bootStack } from '@anykernel/stack-boot';
import { rootTmpfs, tmpfs } from '@anykernel/tmpfs';
import { type Ukfs, ukfs } from '@anykernel/ukfs';

export interface Subject {
  readonly k: Kernel;
  readonly fs: Ukfs;
}

/** A 16 MiB image of ext2, empty but for lost+found. */
function ext2Image(): Uint8Array {
  const image = new Uint8Array(16 << 20);
  const id = Uint8Array.from({ length: 16 }, (_, i) => i * 7);
  newfs({ size: image.length, write: (off, data) => image.set(data, off) }, { time: 1, uuid: id, hashSeed: id });
  return image;
}

/** Kernels with a file system on their root. */
export const KERNELS = {
  'tmpfs, in the simulator': () => withTmpfs(boot(hostSim(), [tmpfs])),
  'tmpfs of a bare kernel, on Node': () => bareBoot(bareHostNode(), [rootTmpfs]),
  'ext2fs, in the simulator': () => {
    const host = hostSim();
    host.sim.disk('disk', { bytes: ext2Image() });
    return bootStack(host, [ext2fs], [{ type: 'ext2fs', source: 'disk', on: '/' }]);
  },
} as const;

export type KernelName = keyof typeof KERNELS;

function withTmpfs(k: Kernel): Kernel {
  k.proc1.sys.mount('tmpfs', '/', 0, {});
  return k;
}

/** A kernel, and the `fs` of a new process there. Everybody may write in the root. */
export function kernelOn(name: KernelName, init: NewProc = {}): Subject {
  const k = KERNELS[name]();
  k.proc1.sys.chmod('/', 0o777);
  return { k, fs: ukfs(k.newproc(init)) };
}
