/**
 * The start by `node --import`: it is seen by the words of Node's own command line.
 *
 * Only the program itself is hijacked. A child process would have a kernel of its own on the same images, so the word is taken out of what children
 * inherit; and worker threads, which inherit it all the same, stay with the host.
 */
import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import { hijack } from './hijack.js';
import type { Modules } from './modules.js';
import { SettingError } from './redirection.js';

const NAME = '@anykernel/rumphijack';

/** Redirects, if this program was started to be redirected. A setting that makes no sense ends it with a line that says so. */
export function startPreloaded(): void {
  if (!isMainThread || !takenOut()) return;
  const { RUMPHIJACK, RUMPHIJACK_MOUNT = '', RUMPHIJACK_MODULES = 'all' } = process.env;
  try {
    const mounts = RUMPHIJACK_MOUNT.split(/\s+/).filter((m) => m !== '');
    hijack({ ...(RUMPHIJACK === undefined ? {} : { rumphijack: RUMPHIJACK }), mounts, modules: modulesOf(RUMPHIJACK_MODULES) });
  } catch (e) {
    const { name, message, code } = e as Error & { code?: string };
    if (!(e instanceof SettingError) && code === undefined && name !== 'MountTypeError' && name !== 'MountOptionError') throw e;
    process.stderr.write(`rumphijack: ${message}\n`);
    process.exit(1);
  }
}

/** SettingError. */
function modulesOf(word: string): Modules {
  if (word !== 'all' && word !== 'require' && word !== 'none')
    throw new SettingError(`RUMPHIJACK_MODULES=${word}: is all, require or none`);
  return word;
}

/** Takes this module out of the words that children inherit. Whether it was there. */
function takenOut(): boolean {
  const args = without(process.execArgv);
  const inEnv = without((process.env['NODE_OPTIONS'] ?? '').split(/\s+/).filter((w) => w !== ''));
  const was = args.length < process.execArgv.length;
  if (was) process.execArgv = args;
  const before = process.env['NODE_OPTIONS'];
  if (before === undefined || !before.includes('--import') || inEnv.join(' ').length >= before.trim().length) return was;
  process.env['NODE_OPTIONS'] = inEnv.join(' ');
  return true;
}

/** `--import X` and `--import=X`, where X is this package or its entry. */
function without(words: readonly string[]): string[] {
  const out: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i] as string;
    if (word === '--import' && isThis(words[i + 1] ?? '')) i++;
    else if (!(word.startsWith('--import=') && isThis(word.slice('--import='.length)))) out.push(word);
  }
  return out;
}

function isThis(specifier: string): boolean {
  if (specifier === NAME) return true;
  try {
    const url = specifier.startsWith('file:') ? specifier : pathToFileURL(resolve(specifier)).href;
    const path = realpathSync(fileURLToPath(url));
    return path === realpathSync(fileURLToPath(new URL(entryUrl())));
  } catch {
    return false;
  }
}

/** The module that this package, or a bundle of it, is entered by. */
function entryUrl(): string {
  return import.meta.url.replace(/preload\.(js|ts)$/, 'index.$1');
}
