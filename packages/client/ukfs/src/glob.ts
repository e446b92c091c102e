/** glob(): the names that match a pattern. Symbolic links to directories are gone through only where a pattern names them, or if that is asked for. */
import { fromBytestr } from '@anykernel/lib-bytes';
import { DT_DIR, DT_LNK, DT_UNKNOWN, Errno, IFTODT } from '@anykernel/lib-sys';
import { toBool, toInteger, toObject, toPath } from './args.js';
import { invalidArgType } from './errors.js';
import { GLOBSTAR, type Part, type Pattern, parsePattern } from './globpattern.js';
import { resolve } from './pathnames.js';
import { cwd } from './paths.js';
import { type Op, attempt } from './run.js';
import { Dirent } from './stats.js';
import { bytePath, entriesOf, join, kernelPath } from './tree.js';

export interface GlobOptions {
  readonly cwd?: string | URL;
  /** Leaves out what it says true of (a name, or a Dirent with `withFileTypes`), with all below it; or patterns of what is left out. */
  readonly exclude?: ((entry: never) => boolean) | readonly string[];
  readonly withFileTypes?: boolean;
  readonly followSymlinks?: boolean;
  readonly maxDepth?: number;
}

interface Entry {
  readonly name: string;
  readonly type: number;
}

type Exclude = (name: string, path: string, type: number) => boolean;

interface Glob {
  readonly root: string;
  readonly options: GlobOptions;
  readonly maxDepth: number;
  readonly exclude: Exclude;
  readonly found: Map<string, number>;
  /** Directories that were read, and what has been looked for in them. */
  readonly entries: Map<string, readonly Entry[]>;
  readonly seen: Set<string>;
}

/** The names below `options.cwd`, relative to it where the pattern is. */
export function* glob(pattern: unknown, options?: GlobOptions): Op<(string | Dirent)[]> {
  const o = options === undefined ? {} : (toObject(options) as GlobOptions);
  if (o.followSymlinks !== undefined && o.followSymlinks !== null) toBool(o.followSymlinks, 'followSymlinks');
  const maxDepth = o.maxDepth ?? Number.POSITIVE_INFINITY;
  if (maxDepth !== Number.POSITIVE_INFINITY) toInteger(maxDepth, 'options.maxDepth', 0);
  const here = fromBytestr(yield* cwd());
  const given = o.cwd === undefined || o.cwd === null ? '' : fromBytestr(bytePath(toPath(o.cwd, 'options.cwd')));
  const root = resolve(here || '/', given) || '/';
  const exclude = excluding(o, root);
  const patterns = listOf(pattern).flatMap(parsePattern);
  const g: Glob = { root, options: o, maxDepth, exclude, found: new Map(), entries: new Map(), seen: new Set() };
  for (const p of patterns) yield* walk(g, p, p.absolute ? '/' : '', 0, 0);
  return [...g.found].map(([path, type]) => (o.withFileTypes ? direntOf(path, type, root) : path));
}

function listOf(pattern: unknown): readonly string[] {
  if (typeof pattern === 'string') return [pattern];
  if (!Array.isArray(pattern)) throw invalidArgType('patterns', typeof pattern === 'object' ? 'an instance of Array' : 'of type string', pattern);
  pattern.forEach((p: unknown, i) => {
    if (typeof p !== 'string') throw invalidArgType(`patterns[${i}]`, 'of type string', p);
  });
  return pattern as string[];
}

function direntOf(path: string, type: number, root: string): Dirent {
  const whole = resolve(root, path);
  const slash = whole.lastIndexOf('/');
  return new Dirent(whole.slice(slash + 1), whole.slice(0, slash) || '/', type);
}

/** What is left out. ERR_INVALID_ARG_TYPE. */
function excluding({ exclude, withFileTypes }: GlobOptions, root: string): Exclude {
  if (exclude === undefined || exclude === null) return () => false;
  if (typeof exclude === 'function') {
    const says = exclude as unknown as (entry: string | Dirent) => boolean;
    return (name, path, type) => Boolean(says(withFileTypes ? direntOf(path, type, root) : name));
  }
  if (!Array.isArray(exclude)) throw invalidArgType('options.exclude', 'of type function or string[]', exclude);
  exclude.forEach((e: unknown, i) => {
    if (typeof e !== 'string') throw invalidArgType(`options.exclude[${i}]`, 'of type string', e);
  });
  const patterns = (exclude as string[]).flatMap((e) => parsePattern(resolve(root, e)));
  return (_name, path) => {
    const names = resolve(root, path).split('/').filter(Boolean);
    return patterns.some((p) => matches(p.parts, names, 0, 0));
  };
}

/** Whether names match parts, from `i` and `n` on. */
function matches(parts: readonly Part[], names: readonly string[], i: number, n: number): boolean {
  if (i === parts.length) return n === names.length;
  const part = parts[i];
  if (part === GLOBSTAR) {
    if (matches(parts, names, i + 1, n)) return true;
    return n < names.length && !names[n].startsWith('.') && matches(parts, names, i, n + 1);
  }
  return n < names.length && fitsPart(part, names[n]) && matches(parts, names, i + 1, n + 1);
}

function fitsPart(part: string | RegExp, name: string): boolean {
  return typeof part === 'string' ? part === name : part.test(name);
}

function within(base: string, name: string): string {
  return base === '' ? name : join(base, name);
}

/** What `base` leads to in the kernel. */
function* typeAt(g: Glob, path: string, follow: boolean): Op<number> {
  const st = yield* attempt(follow ? 'stat' : 'lstat', [kernelPath(bytePath(resolve(g.root, path)))]);
  return st instanceof Errno ? -1 : IFTODT(st.mode);
}

function add(g: Glob, p: Pattern, path: string, type: number): void {
  if (p.directories && type !== DT_DIR) return;
  const shown = resolve('', path) || (p.absolute ? '/' : '.');
  if (!g.found.has(shown)) g.found.set(shown, type);
}

/** Goes on from `base` with part `i` of a pattern. */
function* walk(g: Glob, p: Pattern, base: string, i: number, depth: number): Op<void> {
  const key = `${p.parts.slice(i).map(String).join('/')}\0${p.directories}\0${base}`;
  if (g.seen.has(key) || depth > g.maxDepth) return;
  g.seen.add(key);
  const part = p.parts[i];
  if (part === undefined) return;
  const last = i === p.parts.length - 1;
  if (typeof part === 'string') yield* walkName(g, p, base, i, depth, part);
  else if (part === GLOBSTAR) yield* walkStar(g, p, base, i, depth, last);
  else {
    if (depth >= g.maxDepth) return;
    for (const e of yield* entriesAt(g, base)) {
      if (!part.test(e.name)) continue;
      const path = within(base, e.name);
      if (g.exclude(e.name, path, e.type)) continue;
      if (last) add(g, p, path, e.type);
      else if (yield* goesThrough(g, path, e.type)) yield* walk(g, p, path, i + 1, depth + 1);
    }
  }
}

function* walkName(g: Glob, p: Pattern, base: string, i: number, depth: number, name: string): Op<void> {
  const path = within(base, name);
  const last = i === p.parts.length - 1;
  const type = yield* typeAt(g, path, !last || p.directories);
  if (type < 0 || (name !== '..' && g.exclude(name, path, type))) return;
  if (last) add(g, p, path, type);
  else if (type === DT_DIR) yield* walk(g, p, path, i + 1, name === '..' ? depth : depth + 1);
}

function* walkStar(g: Glob, p: Pattern, base: string, i: number, depth: number, last: boolean): Op<void> {
  if (last) {
    const type = yield* typeAt(g, base, true);
    if (type === DT_DIR || (type >= 0 && !p.directories)) add(g, p, base, type);
  } else yield* walk(g, p, base, i + 1, depth);
  if (depth >= g.maxDepth) return;
  for (const e of yield* entriesAt(g, base)) {
    if (e.name.startsWith('.')) continue;
    const path = within(base, e.name);
    if (g.exclude(e.name, path, e.type)) continue;
    if (yield* goesThrough(g, path, e.type)) yield* walk(g, p, path, i, depth + 1);
    else if (last) add(g, p, path, e.type);
  }
}

/** Whether a directory is gone into that a pattern met. */
function* goesThrough(g: Glob, path: string, type: number): Op<boolean> {
  if (type === DT_DIR) return true;
  return type === DT_LNK && g.options.followSymlinks === true && (yield* typeAt(g, path, true)) === DT_DIR;
}

function* entriesAt(g: Glob, base: string): Op<readonly Entry[]> {
  const known = g.entries.get(base);
  if (known !== undefined) return known;
  let entries: Entry[] = [];
  try {
    const found = yield* entriesOf(kernelPath(bytePath(resolve(g.root, base))));
    entries = found.map((e) => ({ name: fromBytestr(e.name), type: e.type ?? DT_UNKNOWN }));
  } catch {
    // What may not be read, or is none, has no entries.
  }
  g.entries.set(base, entries);
  return entries;
}
