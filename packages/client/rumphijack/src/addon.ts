/** Native addons on redirected paths: the system's loader reads files of the host only, so that it gets a copy for as long as it looks. */
import * as nodeFs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

type Dlopen = typeof process.dlopen;

/** process.dlopen, for files of which `isKernels` says that they are the kernel's too. */
export function addonFrom(host: Dlopen, isKernels: (path: string) => boolean): Dlopen {
  return (module, filename, ...flags) => {
    if (typeof filename !== 'string' || !isKernels(filename)) return host.call(process, module, filename, ...flags);
    const dir = nodeFs.mkdtempSync(join(tmpdir(), 'rumphijack-'));
    const copy = join(dir, 'addon.node');
    try {
      nodeFs.writeFileSync(copy, nodeFs.readFileSync(filename));
      return host.call(process, module, copy, ...flags);
    } finally {
      nodeFs.rmSync(dir, { recursive: true, force: true });
    }
  };
}
