/**
 * Where a path leads in the model, for somebody. POSIX, 4.13 Pathname Resolution.
 *
 * Where systems differ and all are right (what `..` is in a directory that was removed, a symbolic link with a slash behind it whose name is to be
 * taken), nothing is said: such a path is vague, and nobody asks for it.
 */
import { O_ACCMODE, O_RDONLY, O_WRONLY } from '@anykernel/lib-sys';
import type { SuiteSys } from '../subject.js';
import type { Node, Scan } from './nodes.js';

export const READ = 4;
export const WRITE = 2;
export const SEARCH = 1;

/** An open file. */
export class OpenFile {
  pos = 0;
  scan: Scan | undefined = undefined;
  constructor(
    readonly fd: number,
    readonly node: Node,
    readonly flags: number,
  ) {}

  get readable(): boolean {
    return (this.flags & O_ACCMODE) !== O_WRONLY;
  }

  get writable(): boolean {
    return (this.flags & O_ACCMODE) !== O_RDONLY;
  }
}

/** Somebody who makes system calls. */
export interface Process {
  readonly sys: SuiteSys;
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  umask: number;
  cwd: Node;
  readonly files: OpenFile[];
}

/** The tree, and the manners of the system that it is in. */
export interface Tree {
  readonly root: Node;
  /** The absolute path of the root. */
  readonly path: string;
  readonly linux: boolean;
  readonly nameMax: number;
  /** By which a name is found: itself, or without its case. */
  key(name: string): string;
}

export type Last = 'name' | 'dot' | 'dotdot';

/** Where a path has led; `errors`: it leads nowhere, and these are the reasons that may be given. */
export interface Place {
  readonly errors: readonly string[];
  readonly dir: Node;
  readonly name: string;
  readonly node: Node | undefined;
  readonly last: Last;
  readonly slash: boolean;
}

/** More links than this are too many for some, and fewer than SYMLOOP_MAX for all. */
const LINKS_FINE = 30;
const LINKS_TOO_MANY = 45;
/** A path that grows longer than this on its way is too long for some. */
const LENGTH_FINE = 700;

export function allows(who: Process, node: Node, wanted: number): boolean {
  if (who.uid === 0) return true;
  const inGroup = who.gid === node.gid || who.groups.includes(node.gid);
  const granted = who.uid === node.uid ? node.mode >> 6 : inGroup ? node.mode >> 3 : node.mode;
  return (granted & wanted) === wanted;
}

/** What a path is wanted for: to be followed to the end, to have its last link not followed, or to make or take its last name. */
export type Purpose = 'follow' | 'itself' | 'name';

/** Follows `path` from `start`; undefined: it is vague. */
export function walk(tree: Tree, who: Process, path: string, purpose: Purpose, start: Node = who.cwd): Place | undefined {
  return new Walk(tree, who, purpose).run(path, start);
}

class Walk {
  readonly #tree: Tree;
  readonly #who: Process;
  readonly #purpose: Purpose;
  #links = 0;

  constructor(tree: Tree, who: Process, purpose: Purpose) {
    this.#tree = tree;
    this.#who = who;
    this.#purpose = purpose;
  }

  run(whole: string, start: Node): Place | undefined {
    const { root, path: top } = this.#tree;
    const absolute = whole.startsWith('/');
    if (absolute && whole !== top && !whole.startsWith(`${top}/`)) return undefined;
    const path = absolute ? whole.slice(top.length) : whole;
    const parts = path.split('/').filter((part) => part !== '');
    let dir = absolute ? root : start;
    if (parts.length === 0) return place(dir, '.', dir, 'dot', false);
    for (let i = 0; i < parts.length; i++) {
      const rest = parts.slice(i + 1);
      const last = rest.length === 0;
      const step = this.#step(dir, parts[i] as string, last && path.endsWith('/'));
      if (step === undefined || step.errors.length > 0) return step;
      const { node } = step;
      if (node?.kind === 'link' && (!last || step.slash || this.#purpose === 'follow')) {
        if (last && step.slash && this.#purpose === 'name') return undefined;
        if (++this.#links > LINKS_TOO_MANY) return failed('ELOOP');
        if (whole.length > LENGTH_FINE) return undefined;
        return this.run(`${node.target}${last ? '' : '/'}${rest.join('/')}${step.slash || (!last && path.endsWith('/')) ? '/' : ''}`, dir);
      }
      if (this.#links > LINKS_FINE) return undefined;
      if (last) return step.slash && node !== undefined && node.kind !== 'dir' ? { ...step, errors: ['ENOTDIR'] } : step;
      if (node === undefined) return failed('ENOENT');
      dir = node;
    }
    return undefined;
  }

  /** One component. */
  #step(dir: Node, name: string, slash: boolean): Place | undefined {
    if (dir.kind !== 'dir') return failed('ENOTDIR');
    if (!allows(this.#who, dir, SEARCH)) return failed('EACCES');
    if (name === '.') return place(dir, name, dir, 'dot', slash);
    if (name === '..') return dir === this.#tree.root || dir.parent === undefined ? undefined : place(dir, name, dir.parent, 'dotdot', slash);
    if (name.length > this.#tree.nameMax) return failed('ENAMETOOLONG', ...(dir.parent === undefined ? ['ENOENT'] : []));
    if (dir.parent === undefined) return failed('ENOENT');
    return place(dir, name, dir.entries.get(this.#tree.key(name))?.node, 'name', slash);
  }
}

function place(dir: Node, name: string, node: Node | undefined, last: Last, slash: boolean): Place {
  return { errors: [], dir, name, node, last, slash };
}

function failed(...errors: string[]): Place {
  return { errors, dir: undefined as unknown as Node, name: '', node: undefined, last: 'name', slash: false };
}
