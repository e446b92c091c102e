/**
 * hijack(): this program's `fs` and modules, as far as they are redirected, are a kernel's from now on.
 */
import type { AnyComponent } from '@anykernel/lib-component';
import type { Kernel, Proc } from '@anykernel/rumpkern';
import type { MountSpec } from '@anykernel/stack-boot';
import { ukfs } from '@anykernel/ukfs';
import { replaceFs } from './fsfunctions.js';
import { Replacements } from './functions.js';
import { type Modules, replaceModules } from './modules.js';
import { bootFor, parseMount } from './mounts.js';
import { Names } from './names.js';
import { haltAtEnd, replaceProcess } from './processfunctions.js';
import { parseRedirection } from './redirection.js';
import { Routes } from './routes.js';

export interface HijackOptions {
  /** What is redirected, as in RUMPHIJACK. Otherwise the directories of `mounts`; without those, all below /rump. */
  readonly rumphijack?: string;
  /** What is mounted: `IMAGE:DIR[:options]`, or its parts. Otherwise a fresh tmpfs. */
  readonly mounts?: readonly (string | MountSpec)[];
  /** Components for the kernel besides ext2fs and tmpfs. */
  readonly components?: readonly AnyComponent[];
  /** A kernel that runs already: nothing is booted or mounted, and undoing does not end it. */
  readonly kernel?: Kernel;
  /** Whether modules are loaded from redirected paths: all, what is required, or none. All, otherwise. */
  readonly modules?: Modules;
  /** Whose files they are; the superuser's otherwise. */
  readonly uid?: number;
  readonly gid?: number;
  readonly groups?: readonly number[];
}

export interface Hijack {
  readonly kernel: Kernel;
  /** The program's process in the kernel. */
  readonly proc: Proc;
  /** Whether a path leads to the kernel. */
  has(path: string): boolean;
  /** Puts everything back as it was, and ends the kernel. */
  undo(): void;
}

/** Redirects this program's files. SettingError: a setting makes no sense; errors of mounting as they are. */
export function hijack(options: HijackOptions = {}): Hijack {
  const asked = options.rumphijack === undefined ? undefined : parseRedirection(options.rumphijack);
  const mounts = (options.mounts ?? []).map((m) => (typeof m === 'string' ? parseMount(m) : m));
  const { kernel, redirection } =
    options.kernel === undefined
      ? bootFor(mounts, asked, options.components)
      : { kernel: options.kernel, redirection: asked ?? parseRedirection() };
  const { uid = 0, gid = 0, groups = [] } = options;
  const proc = kernel.newproc({ uid, gid, groups, comm: 'hijacked', fdBase: redirection.fdoff });
  const routes = new Routes(redirection, process.cwd());
  const replacements = new Replacements();
  replaceFs(replacements, ukfs(proc), routes, new Names(routes), redirection.fdoff);
  replaceProcess(replacements, proc, routes);
  replaceModules(replacements, routes, options.modules ?? 'all');
  const own = options.kernel === undefined;
  if (own) haltAtEnd(replacements, kernel);
  return {
    kernel,
    proc,
    has: (path) => routes.of(path) !== undefined,
    undo(): void {
      if (routes.cwdInKernel) process.chdir('/');
      replacements.undo();
      routes.end();
      proc.exit();
      if (own && kernel.stopped === undefined) kernel.halt();
    },
  };
}
