/**
 * A provider for Node's own virtual file systems (`node:vfs`, Node 26 with --experimental-vfs): files of a kernel, mounted into `node:fs` by Node itself.
 *
 * That interface of Node's still moves; this package is all that knows it.
 */
import type { Ukfs } from '@anykernel/ukfs';
import { type Fn, type Table, methodsOf } from './methods.js';

/** What of `node:vfs` is used. */
interface NodeVfs {
  readonly VirtualProvider: new () => object;
}

/** `node:vfs` is not there. */
export class NoVfsError extends Error {
  override name = 'NoVfsError';
}

/**
 * A VirtualProvider over the `fs` of a process in a kernel, for `vfs.create()`; its root is that process's. NoVfsError: this Node has no `node:vfs`, or hides it.
 *
 *     const files = vfs.create(vfsProvider(ukfs(k.newproc())));
 *     fs.readFileSync(`${files.mount()}/etc/passwd`);
 */
export function vfsProvider(fs: Ukfs): object {
  const { VirtualProvider } = nodeVfs();
  const provider = new VirtualProvider();
  for (const [name, fn] of Object.entries(methodsOf(fs as unknown as Table))) define(provider, name, fn);
  for (const name of ['supportsSymlinks', 'supportsWatch']) Object.defineProperty(provider, name, { value: true });
  Object.defineProperty(provider, 'readonly', { get: () => isReadonly(fs) });
  return provider;
}

function define(provider: object, name: string, value: Fn): void {
  Object.defineProperty(provider, name, { value, configurable: true, writable: true });
}

/** Node asks before it writes; what is mounted in the root decides. */
function isReadonly(fs: Ukfs): boolean {
  try {
    fs.accessSync('/', fs.constants.W_OK);
    return false;
  } catch (e) {
    return (e as { code?: string }).code === 'EROFS';
  }
}

function nodeVfs(): NodeVfs {
  const { getBuiltinModule } = process as unknown as { getBuiltinModule?: (name: string) => NodeVfs | undefined };
  const vfs = getBuiltinModule?.call(process, 'node:vfs');
  if (vfs?.VirtualProvider !== undefined) return vfs;
  throw new NoVfsError(`node:vfs is not there: it takes Node 26.4 or later with --experimental-vfs, and this is ${process.version}`);
}
