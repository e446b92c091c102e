/**
 * The kernel of a hijacked program: what is mounted where, read from the environment or said by the caller, and booted.
 *
 * A mount is `IMAGE:DIR` or `IMAGE:DIR:options`; the image's type is detected unless the options have `type=...`. `tmpfs:DIR` is a fresh memory
 * file system. DIR is a name as the program sees it.
 */
import { resolve } from 'node:path';
import { ext2fs } from '@anykernel/ext2fs';
import { hostNode } from '@anykernel/host-node';
import type { AnyComponent } from '@anykernel/lib-component';
import type { Kernel } from '@anykernel/rumpkern';
import { type MountSpec, bootStack } from '@anykernel/stack-boot';
import { tmpfs } from '@anykernel/tmpfs';
import { type Redirection, SettingError, parseRedirection } from './redirection.js';
import { Routes } from './routes.js';

/** Reads `IMAGE:DIR[:options]`. The image's name may have colons in it. SettingError. */
export function parseMount(text: string): MountSpec {
  const m = /^(.+?):(\/[^:]*)(?::([^:/]*(?:=[^:]*)?))?$/.exec(text);
  if (m === null) throw new SettingError(`mount ${text}: is IMAGE:DIR or IMAGE:DIR:options, and DIR an absolute path`);
  const [, source = '', dir = '', words = ''] = m;
  const options = words.split(',').filter((w) => w !== '');
  const type = options.find((w) => w.startsWith('type='))?.slice('type='.length);
  const rest = options.filter((w) => !w.startsWith('type='));
  const on = dir.replace(/(.)\/+$/, '$1');
  if (source === 'tmpfs' && type === undefined) return { type: 'tmpfs', on, options: rest };
  return { type: type ?? 'auto', source: resolve(source), on, options: rest };
}

/** The kernel and what of the program's names is its. */
export interface Booted {
  readonly kernel: Kernel;
  readonly redirection: Redirection;
}

/**
 * Boots a kernel with `mounts`. Without `redirection` the directories of the mounts are the kernel's; without both, all below /rump is, and that is a fresh tmpfs.
 */
export function bootFor(
  mounts: readonly MountSpec[],
  redirection: Redirection | undefined,
  components: readonly AnyComponent[] = [],
): Booted {
  const r = redirection ?? impliedBy(mounts);
  const routes = new Routes(r, '/');
  const inKernel = mounts.map((m) => ({ ...m, on: kernelDir(routes, m.on) }));
  const all = inKernel.length > 0 ? inKernel : [{ type: 'tmpfs', on: '/' }];
  return { kernel: bootStack(hostNode({ input: false }), [...new Set([ext2fs, tmpfs, ...components])], all), redirection: r };
}

function impliedBy(mounts: readonly MountSpec[]): Redirection {
  const none = parseRedirection(mounts.length > 0 ? '' : undefined);
  return { ...none, dirs: mounts.map((m) => m.on) };
}

/** SettingError: the program would never come there. */
function kernelDir(routes: Routes, dir: string): string {
  const to = routes.of(dir);
  if (typeof to === 'string') return to;
  throw new SettingError(`mount on ${dir}: RUMPHIJACK does not redirect that directory`);
}
