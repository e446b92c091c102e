/** The methods of a provider: those of `fs`, but for what Node expects otherwise of a provider. */
import { posix } from 'node:path';
import { KernelFileHandle } from './filehandle.js';

export type Fn = (...args: never[]) => unknown;
export type Table = Readonly<Record<string, (...args: unknown[]) => unknown>> & {
  readonly promises: Readonly<Record<string, (...args: unknown[]) => unknown>>;
};

/** Operations that are a provider's as they are `fs`'s: synchronous, and as promises. */
const SAME: readonly string[] = [
  ...[
    'access',
    'appendFile',
    'chmod',
    'chown',
    'copyFile',
    'lchmod',
    'lchown',
    'link',
    'lstat',
    'lutimes',
    'mkdir',
    'readFile',
    'readlink',
    'realpath',
    'rename',
  ],
  ...['rmdir', 'stat', 'symlink', 'unlink', 'utimes', 'writeFile'],
];

interface Entry {
  name: string;
  readonly parentPath: string;
}
interface ReaddirOptions {
  readonly withFileTypes?: boolean;
  readonly recursive?: boolean;
}

export function methodsOf(fs: Table): Record<string, Fn> {
  const { promises } = fs;
  const out: Record<string, Fn> = {};
  for (const name of SAME) {
    const [now, later] = [fs[`${name}Sync`], promises[name]];
    if (now !== undefined) out[`${name}Sync`] = (...args) => now(...args);
    if (later !== undefined) out[name] = (...args) => later(...args);
  }
  return { ...out, ...openings(fs), ...directories(fs), ...watches(fs) };
}

function openings(fs: Table): Record<string, Fn> {
  return {
    existsSync: (path: string) => fs['existsSync']?.(path),
    exists: async (path: string) => fs['existsSync']?.(path),
    openSync: (path: string, flags: string | number, mode?: number) =>
      new KernelFileHandle(fs, path, flags, mode, fs['openSync']?.(path, flags, mode) as number),
    open: async (path: string, flags: string | number, mode?: number) => {
      const fd = await new Promise<number>((resolve, reject) => {
        fs['open']?.(path, flags, mode ?? 0o666, (error: unknown, made: number) => (error ? reject(error) : resolve(made)));
      });
      return new KernelFileHandle(fs, path, flags, mode, fd);
    },
  };
}

function directories(fs: Table): Record<string, Fn> {
  return {
    readdirSync: (path: string, options?: ReaddirOptions) => below(path, options, fs['readdirSync']?.(path, options)),
    readdir: async (path: string, options?: ReaddirOptions) => below(path, options, await fs.promises['readdir']?.(path, options)),
  };
}

/** Entries of a whole tree have their way from its top in their names; Node takes them apart itself. */
function below(top: string, options: ReaddirOptions | undefined, found: unknown): unknown {
  if (options?.withFileTypes !== true || options.recursive !== true) return found;
  for (const entry of found as Entry[]) entry.name = posix.join(posix.relative(top, entry.parentPath), entry.name);
  return found;
}

function watches(fs: Table): Record<string, Fn> {
  return {
    watch: (path: string, options?: object) => fs['watch']?.(path, options),
    watchAsync: (path: string, options?: object) => fs.promises['watch']?.(path, options),
    watchFile: (path: string, options: object, listener?: unknown) => fs['watchFile']?.(path, options, listener ?? (() => undefined)),
    unwatchFile: (path: string, listener?: unknown) => fs['unwatchFile']?.(path, listener),
  };
}
