/** glob(): the names that match a pattern. Symbolic links to directories are gone through only where a pattern names them, or if that is asked for. */
import { fromBytestr } from '@anykernel/lib-bytes';
import { DT_DIR, DT_LNK, DT_UNKNOWN, Errno, IFTODT } from '@anykernel/lib-sys';
import { toBoolOrNull, toInteger, toObject, toPath } from './args.js';
import { invalidArgType } from './errors.js';
import { GLOBSTAR, type Part, type Pattern, parsePattern } from './globpattern.js';
import { isNone } from './kinds.js';
import { type Path, bytePath, join, kernelPath, resolve } from './pathnames.js';
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

/** The names below `options.cwd`, relative to it where the pattern is. */
export function* glob(pattern: unknown, options?: GlobOptions): Op<(string | Dirent)[]> {
  const o = options === undefined ? {} : (toObject(options) as GlobOptions);
  toBoolOrNull(o.followSymlinks, 'followSymlinks');
  const maxDepth = o.maxDepth ?? Infinity;
  if (maxDepth !== Infinity) toInteger(maxDepth, 'options.maxDepth', 0);
  const here = fromBytestr(yield* cwd());
  const given = isNone(o.cwd) ? '' : fromBytestr(bytePath(toPath(o.cwd, 'options.cwd')));
  const root = resolve(here || '/', given) || '/';
  const exclude = excluding(o, root);
  const patterns = (typeof pattern === 'string' ? [pattern] : strings(pattern, 'patterns', typeof pattern === 'object' ? 'an instance of Array' : 'of type string'))
    .flatMap(parsePattern);
  const found = yield* new Walk(root, maxDepth, o.followSymlinks === true, exclude).run(patterns);
  return [...found].map(([path, type]) => (o.withFileTypes ? direntOf(path, type, root) : path));
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
export function matches(parts: readonly Part[], names: readonly string[], i: number, n: number): boolean {
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

/** One search. Paths are text. */
class Walk {
  readonly #root: string;
  readonly #maxDepth: number;
  readonly #follow: boolean;
  readonly #exclude: Exclude;
  readonly #found = new Map<string, number>();
  /** Directories that were read, and what has been looked for in them. */
  readonly #entries = new Map<string, readonly Entry[]>();
  readonly #seen = new Set<string>();
  /** What is still to be done, the first last: trees may be deeper than a stack. */
  readonly #tasks: Op<void>[] = [];

  constructor(root: string, maxDepth: number, follow: boolean, exclude: Exclude) {
    this.#root = root;
    this.#maxDepth = maxDepth;
    this.#follow = follow;
    this.#exclude = exclude;
  }

  /** What was found, and the types of it. */
  *run(patterns: readonly Pattern[]): Op<ReadonlyMap<string, number>> {
    for (const pattern of patterns.toReversed()) this.#tasks.push(this.#walk(pattern, pattern.absolute ? '/' : '', 0, 0));
    for (let task = this.#tasks.pop(); task !== undefined; task = this.#tasks.pop()) yield* task;
    return this.#found;
  }

  /** Goes on from a path with part `index` of a pattern. */
  *#walk(pattern: Pattern, path: string, index: number, depth: number): Op<void> {
    const { parts, directories } = pattern;
    const key = `${parts.slice(index).map(String).join('/')}\0${directories}\0${path}`;
    const part = parts[index];
    if (this.#seen.has(key) || depth > this.#maxDepth || part === undefined) return;
    this.#seen.add(key);
    const last = index === parts.length - 1;
    if (typeof part === 'string') return yield* this.#named(pattern, join(path, part), index, depth, part, last);
    if (depth < this.#maxDepth) {
      for (const { name, type } of (yield* this.#entriesAt(path)).toReversed()) {
        const meant = part === GLOBSTAR ? !name.startsWith('.') : part.test(name);
        if (meant) this.#tasks.push(this.#enter(pattern, join(path, name), index, depth + 1, name, type));
      }
    }
    if (part !== GLOBSTAR) return;
    // It may also stand for no directory at all, which comes before all others.
    if (!last) return void this.#tasks.push(this.#walk(pattern, path, index + 1, depth));
    const type = yield* this.#typeAt(path, true);
    if (type === DT_DIR || (type >= 0 && !directories)) this.#add(pattern, path, type);
  }

  /** A name that a pattern demands as it is. */
  *#named(pattern: Pattern, path: string, index: number, depth: number, name: string, last: boolean): Op<void> {
    const type = yield* this.#typeAt(path, !last || pattern.directories);
    if (type < 0 || (name !== '..' && this.#exclude(name, path, type))) return;
    if (last) this.#add(pattern, path, type);
    else if (type === DT_DIR) this.#tasks.push(this.#walk(pattern, path, index + 1, name === '..' ? depth : depth + 1));
  }

  /** A name that a pattern has met. */
  *#enter(pattern: Pattern, path: string, index: number, depth: number, name: string, type: number): Op<void> {
    if (this.#exclude(name, path, type)) return;
    const last = index === pattern.parts.length - 1;
    const star = pattern.parts[index] === GLOBSTAR;
    const next = star ? GLOBSTAR : pattern.parts[index + 1];
    const through = (star || !last) && (type === DT_DIR || (type === DT_LNK && (yield* this.#isGoneThrough(next, path))));
    if (through) yield* this.#walk(pattern, path, star ? index : index + 1, depth);
    else if (last) this.#add(pattern, path, type);
  }

  #add(pattern: Pattern, path: string, type: number): void {
    if (pattern.directories && type !== DT_DIR) return;
    const shown = resolve('', path) || (pattern.absolute ? '/' : '.');
    if (!this.#found.has(shown)) this.#found.set(shown, type);
  }

  /** A path for the kernel. */
  #at(path: string): Path {
    return kernelPath(bytePath(resolve(this.#root, path)));
  }

  /** What a path leads to; -1: nowhere. */
  *#typeAt(path: string, follow: boolean): Op<number> {
    const st = yield* attempt(follow ? 'stat' : 'lstat', [this.#at(path)]);
    return st instanceof Errno ? -1 : IFTODT(st.mode);
  }

  /** Whether a link leads to a directory, and to none that it is in: it would have no end. Only a name is taken away by a `..` that is next. */
  *#isGoneThrough(next: Part | undefined, path: string): Op<boolean> {
    if (!this.#follow) return next === '..' && (yield* this.#typeAt(path, true)) === DT_DIR;
    const st = yield* attempt('stat', [this.#at(path)]);
    if (st instanceof Errno || IFTODT(st.mode) !== DT_DIR) return false;
    for (let at = path; at !== ''; ) {
      at = at.slice(0, Math.max(0, at.lastIndexOf('/')));
      const above = yield* attempt('stat', [this.#at(at)]);
      if (!(above instanceof Errno) && above.ino === st.ino && above.dev === st.dev) return false;
    }
    return true;
  }

  *#entriesAt(path: string): Op<readonly Entry[]> {
    let entries = this.#entries.get(path);
    if (entries !== undefined) return entries;
    try {
      entries = (yield* entriesOf(this.#at(path))).map((e) => ({ name: fromBytestr(e.name), type: e.type ?? DT_UNKNOWN }));
    } catch {
      // What may not be read, or is none, has no entries.
      entries = [];
    }
    this.#entries.set(path, entries);
    return entries;
  }
}
