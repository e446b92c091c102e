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
import { type Hijack, type HijackOptions, hijack } from './hijack.js';
import type { Modules } from './modules.js';
import { SettingError } from './redirection.js';

const NAME = '@anykernel/rumphijack';

/** Redirects as the environment says, if this program was started with this package. */
export function startPreloaded(): void {
  preload(entryUrl(), () => {
    const { RUMPHIJACK, RUMPHIJACK_MOUNT = '', RUMPHIJACK_MODULES = 'all' } = process.env;
    const mounts = RUMPHIJACK_MOUNT.split(/\s+/).filter((m) => m !== '');
    return { ...(RUMPHIJACK === undefined ? {} : { rumphijack: RUMPHIJACK }), mounts, modules: modulesOf(RUMPHIJACK_MODULES) };
  });
}

/**
 * For a module that is loaded by `node --import` to redirect: takes it (`url`) out of the words that children inherit, and hijacks. What makes no sense ends the program
 * with a line that says so. undefined: the module was not loaded that way, or in a worker thread.
 */
export function preload(url: string, options: () => HijackOptions): Hijack | undefined {
  if (!isMainThread || !takenOut(url)) return undefined;
  try {
    return hijack(options());
  } catch (e) {
    const { name, message, code } = e as Error & { code?: string };
    if (!(e instanceof SettingError) && code === undefined && !SAYING.has(name)) throw e;
    process.stderr.write(`rumphijack: ${message}\n`);
    process.exit(1);
  }
}

/** Errors of mounting that say what is wrong with a setting. */
const SAYING: ReadonlySet<string> = new Set(['MountTypeError', 'MountOptionError', 'PartitionError']);

/** SettingError. */
function modulesOf(word: string): Modules {
  if (word !== 'all' && word !== 'require' && word !== 'none')
    throw new SettingError(`RUMPHIJACK_MODULES=${word}: is all, require or none`);
  return word;
}

/** Takes this module out of the words that children inherit. Whether it was there. */
function takenOut(url: string): boolean {
  const args = without(process.execArgv, url);
  const inEnv = without(
    (process.env['NODE_OPTIONS'] ?? '').split(/\s+/).filter((w) => w !== ''),
    url,
  );
  const was = args.length < process.execArgv.length;
  if (was) process.execArgv = args;
  const before = process.env['NODE_OPTIONS'];
  if (before === undefined || !before.includes('--import') || inEnv.join(' ').length >= before.trim().length) return was;
  process.env['NODE_OPTIONS'] = inEnv.join(' ');
  return true;
}

/** Without `--import X` and `--import=X`, where X is the module `url`. */
function without(words: readonly string[], url: string): string[] {
  const out: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i] as string;
    if (word === '--import' && isThis(words[i + 1] ?? '', url)) i++;
    else if (!(word.startsWith('--import=') && isThis(word.slice('--import='.length), url))) out.push(word);
  }
  return out;
}

function isThis(specifier: string, entry: string): boolean {
  if (specifier === NAME) return entry === entryUrl();
  try {
    const url = specifier.startsWith('file:') ? specifier : pathToFileURL(resolve(specifier)).href;
    const path = realpathSync(fileURLToPath(url));
    return path === realpathSync(fileURLToPath(entry));
  } catch {
    return false;
  }
}

/** The module that this package, or a bundle of it, is entered by. */
function entryUrl(): string {
  return import.meta.url.replace(/preload\.(js|ts)$/, 'index.$1');
}
