/** glob(): the names that match a pattern. Symbolic links to directories are gone through only where a pattern names them, or if that is asked for. */
import { fromBytestr } from '@anykernel/lib-bytes';
import { DT_DIR, DT_LNK, DT_UNKNOWN, Errno, IFTODT } from '@anykernel/lib-sys';
import { toBoolOrNull, toInteger, toObject, toPath } from './args.js';
import { invalidArgType } from './errors.js';
import { GLOBSTAR, type Part, type Pattern, parsePattern } from './globpattern.js';
import { isNone } from './kinds.js';
import { bytePath, join, kernelPath, resolve } from './pathnames.js';
import { cwd } from './paths.js';
import { type Op, attempt } from './run.js';
import { Dirent } from './stats.js';
import { entriesOf } from './tree.js';

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
  /** What is still to be done, the first last: trees may be deeper than a stack. */
  readonly tasks: Task[];
}

/** To go on from `path` with part `index` of a pattern; with `entry`: it was found there, and is to be looked at first. */
interface Task {
  readonly pattern: Pattern;
  readonly path: string;
  readonly index: number;
  readonly depth: number;
  readonly entry?: Entry;
}

/** The names below `options.cwd`, relative to it where the pattern is. */
export function* glob(pattern: unknown, options?: GlobOptions): Op<(string | Dirent)[]> {
  const o = options === undefined ? {} : (toObject(options) as GlobOptions);
  toBoolOrNull(o.followSymlinks, 'followSymlinks');
  const maxDepth = o.maxDepth ?? Number.POSITIVE_INFINITY;
  if (maxDepth !== Number.POSITIVE_INFINITY) toInteger(maxDepth, 'options.maxDepth', 0);
  const here = fromBytestr(yield* cwd());
  const given = isNone(o.cwd) ? '' : fromBytestr(bytePath(toPath(o.cwd, 'options.cwd')));
  const root = resolve(here || '/', given) || '/';
  const exclude = excluding(o, root);
  const patterns = (typeof pattern === 'string' ? [pattern] : strings(pattern, 'patterns', typeof pattern === 'object' ? 'an instance of Array' : 'of type string'))
    .flatMap(parsePattern);
  const tasks = patterns.reverse().map((p): Task => ({ pattern: p, path: p.absolute ? '/' : '', index: 0, depth: 0 }));
  const g: Glob = { root, options: o, maxDepth, exclude, found: new Map(), entries: new Map(), seen: new Set(), tasks };
  for (let t = tasks.pop(); t !== undefined; t = tasks.pop()) yield* t.entry === undefined ? walk(g, t) : enter(g, t, t.entry);
  return [...g.found].map(([path, type]) => (o.withFileTypes ? direntOf(path, type, root) : path));
}

/** A list of patterns. ERR_INVALID_ARG_TYPE: it is none, which is `expected`. */
function strings(list: unknown, name: string, expected: string): readonly string[] {
  if (!Array.isArray(list)) throw invalidArgType(name, expected, list);
  list.forEach((e: unknown, i) => {
    if (typeof e !== 'string') throw invalidArgType(`${name}[${i}]`, 'of type string', e);
  });
  return list as string[];
}

function direntOf(path: string, type: number, root: string): Dirent {
  const whole = resolve(root, path);
  const slash = whole.lastIndexOf('/');
  return new Dirent(whole.slice(slash + 1), whole.slice(0, slash) || '/', type);
}

/** What is left out. ERR_INVALID_ARG_TYPE. */
function excluding({ exclude, withFileTypes }: GlobOptions, root: string): Exclude {
  if (isNone(exclude)) return () => false;
  if (typeof exclude === 'function') {
    const says = exclude as unknown as (entry: string | Dirent) => boolean;
    return (name, path, type) => Boolean(says(withFileTypes ? direntOf(path, type, root) : name));
  }
  const patterns = strings(exclude, 'options.exclude', 'of type function or string[]').flatMap((e) => parsePattern(resolve(root, e)));
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

/** Goes on from a path with a part of a pattern. */
function* walk(g: Glob, t: Task): Op<void> {
  const { pattern, path, index, depth } = t;
  const { parts, directories } = pattern;
  const key = `${parts.slice(index).map(String).join('/')}\0${directories}\0${path}`;
  const part = parts[index];
  if (g.seen.has(key) || depth > g.maxDepth || part === undefined) return;
  g.seen.add(key);
  const last = index === parts.length - 1;
  if (typeof part === 'string') return yield* walkName(g, t, part, last);
  if (depth < g.maxDepth) {
    for (const entry of [...(yield* entriesAt(g, path))].reverse()) {
      const { name } = entry;
      const meant = part === GLOBSTAR ? !name.startsWith('.') : part.test(name);
      if (meant) g.tasks.push({ pattern, path: within(path, name), index, depth: depth + 1, entry });
    }
  }
  if (part !== GLOBSTAR) return;
  // It may also stand for no directory at all, which comes before all others.
  if (!last) return void g.tasks.push({ pattern, path, index: index + 1, depth });
  const type = yield* typeAt(g, path, true);
  if (type === DT_DIR || (type >= 0 && !directories)) add(g, pattern, path, type);
}

/** A name that a pattern demands as it is. */
function* walkName(g: Glob, { pattern, path: base, index, depth }: Task, name: string, last: boolean): Op<void> {
  const path = within(base, name);
  const type = yield* typeAt(g, path, !last || pattern.directories);
  if (type < 0 || (name !== '..' && g.exclude(name, path, type))) return;
  if (last) add(g, pattern, path, type);
  else if (type === DT_DIR) g.tasks.push({ pattern, path, index: index + 1, depth: name === '..' ? depth : depth + 1 });
}

/** A name that a pattern has met. */
function* enter(g: Glob, { pattern, path, index, depth }: Task, { name, type }: Entry): Op<void> {
  if (g.exclude(name, path, type)) return;
  const last = index === pattern.parts.length - 1;
  const star = pattern.parts[index] === GLOBSTAR;
  if ((star || !last) && (yield* goesThrough(g, path, type))) yield* walk(g, { pattern, path, index: star ? index : index + 1, depth });
  else if (last) add(g, pattern, path, type);
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
