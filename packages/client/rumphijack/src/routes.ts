/**
 * Which of the two systems a path belongs to.
 *
 * The decision is made on the path as it reads (absolute, `.` and `..` taken out), so that `path.resolve()` and `fs` agree. What the kernel gets
 * is the path as it was given wherever that means the same: `link/..` is where the link leads, as in any kernel.
 */
import { posix } from 'node:path';
import type { Redirection } from './redirection.js';

/** A path as the kernel gets it. */
export type KernelPath = string | Uint8Array;

const SLASH = 47;

export class Routes {
  #prefix: string;
  readonly #allSlashes: boolean;
  #blanket: readonly string[];
  #dirs: readonly string[];
  /** How redirected paths begin. */
  prefixes: readonly string[];
  /** The current directory as the program sees it. */
  #cwd: string;
  #cwdInKernel = false;
  /** The kernel is in the same directory, so that relative paths mean the same to it. */
  #together = false;
  /** A relative name without `..` may lead from the current directory to the other system. */
  #cwdSpans = false;

  constructor(r: Redirection, cwd: string) {
    this.#prefix = r.path ?? '';
    this.#allSlashes = /^\/+$/.test(this.#prefix);
    this.#blanket = r.blanket;
    this.#dirs = r.dirs ?? [];
    this.prefixes = [...(r.path === undefined ? [] : [r.path]), ...r.blanket, ...this.#dirs];
    this.#cwd = cwd;
    this.moveTo(cwd, false);
  }

  /** Everything is the host's from now on, for those too who have kept a redirected function. */
  end(): void {
    this.#prefix = '';
    this.#blanket = [];
    this.#dirs = [];
    this.prefixes = [];
    this.moveTo(this.#cwd, false);
  }

  get cwd(): string {
    return this.#cwd;
  }

  /** The program is in `path` now, and the kernel with it unless it has no such directory. */
  moveTo(path: string, together: boolean): void {
    this.#cwd = path;
    this.#cwdInKernel = this.#decide(path) !== undefined;
    this.#together = this.#cwdInKernel && together;
    this.#cwdSpans = !this.#cwdInKernel && this.spans(path);
  }

  get cwdInKernel(): boolean {
    return this.#cwdInKernel;
  }

  /** Whether the kernel's names have a prefix which it does not see. */
  get prefixed(): boolean {
    return this.#prefix !== '';
  }

  /** The path for the kernel, or undefined: the host's. What is no path is the host's, which says so. */
  of(path: unknown): KernelPath | undefined {
    if (typeof path === 'string') return this.#ofText(path);
    if (path instanceof Uint8Array) return this.#ofBytes(path);
    return typeof path === 'object' && path !== null ? this.#ofText(textOfUrl(path)) : undefined;
  }

  /** What may lie in the kernel although the path itself does not: a directory on the way to a redirected one. */
  spans(dir: string): boolean {
    const below = dir.endsWith('/') ? dir : `${dir}/`;
    return this.prefixes.some((p) => p.startsWith(below));
  }

  /** A kernel's path as the program sees it. Relative ones are what they are. */
  visible(path: string): string {
    if (this.#prefix === '' || path.charCodeAt(0) !== SLASH || this.#stays(path)) return path;
    return this.#allSlashes ? this.#prefix + path.slice(1) : path === '/' ? this.#prefix : this.#prefix + path;
  }

  #ofText(path: string): string | undefined {
    if (path.charCodeAt(0) !== SLASH) return this.#ofRelative(path);
    const direct = this.#decide(path);
    if (!WINDING.test(path)) return direct;
    // A prefix of slashes does not survive being made shorter.
    if (this.#allSlashes && direct !== undefined) return direct;
    const whole = this.#decide(trailing(posix.normalize(path), path));
    // The path as it was given, unless it leaves the prefix on its way.
    return whole === undefined || direct === undefined || climbs(direct) ? whole : direct;
  }

  #ofRelative(path: string): string | undefined {
    if (path === '') return undefined;
    const up = path.includes('..');
    if (this.#together && !up) return path;
    if (!this.#cwdInKernel && !this.#cwdSpans && !up) return undefined;
    const whole = this.#decide(trailing(posix.resolve(this.#cwd, path), path));
    return whole !== undefined && this.#together ? path : whole;
  }

  /** The absolute path of a relative one that is not the kernel's although the current directory is; otherwise undefined. */
  hostPathOf(path: unknown): string | undefined {
    if (!this.#cwdInKernel || typeof path !== 'string' || path === '' || path.charCodeAt(0) === SLASH) return undefined;
    return trailing(posix.resolve(this.#cwd, path), path);
  }

  /** Looks at the beginning of an absolute path, and at nothing else. */
  #decide(path: string): string | undefined {
    const prefix = this.#prefix;
    if (prefix !== '' && path.startsWith(prefix)) {
      const rest = path.slice(prefix.length);
      if (this.#allSlashes) return `/${rest}`;
      if (rest === '') return '/';
      if (rest.charCodeAt(0) === SLASH) return rest;
    }
    return this.#stays(path) ? path : undefined;
  }

  /** A name of the kernel's that keeps its beginning. */
  #stays(path: string): boolean {
    const [blanket, dirs] = [this.#blanket, this.#dirs];
    for (let i = 0; i < blanket.length; i++) if (path.startsWith(blanket[i] as string)) return true;
    for (let i = 0; i < dirs.length; i++) if (isWithin(path, dirs[i] as string)) return true;
    return false;
  }

  /** Bytes are routed by what they read as; the kernel gets the bytes. */
  #ofBytes(path: Uint8Array): KernelPath | undefined {
    const text = Buffer.from(path.buffer, path.byteOffset, path.byteLength).toString('latin1');
    const to = this.#ofText(text);
    if (to === undefined) return undefined;
    return to === text ? path : Buffer.from(to, 'latin1');
  }
}

/** `.`, `..` or empty names in a path, or what begins like one. One expression: three times as fast as two calls of includes(). */
const WINDING = /\/[./]/;

/** A slash at the end says that a directory is meant: it stays. */
function trailing(path: string, given: string): string {
  return given.endsWith('/') && !path.endsWith('/') ? `${path}/` : path;
}

/** Whether a path without its prefix leads above where it begins. */
function climbs(path: string): boolean {
  let depth = 0;
  for (const name of path.split('/')) {
    if (name === '..' && --depth < 0) return true;
    if (name !== '' && name !== '.' && name !== '..') depth++;
  }
  return false;
}

function textOfUrl(url: object): string {
  const { protocol, pathname, hostname, href } = url as Partial<URL>;
  if (protocol !== 'file:' || typeof pathname !== 'string' || typeof href !== 'string' || hostname !== '' || /%2f/i.test(pathname))
    return '';
  try {
    return decodeURIComponent(pathname);
  } catch {
    return '';
  }
}

/** Whether `path` is `dir`, or something below it. */
function isWithin(path: string, dir: string): boolean {
  if (!path.startsWith(dir)) return false;
  return path.length === dir.length || path.charCodeAt(dir.length) === SLASH || dir === '/';
}
