/**
 * A tree of files as plain objects: what a file system should hold after the operations that it was asked for.
 *
 * Symbolic links in it lead nowhere: a path through one is ENOENT. Where several errors apply, POSIX leaves open which one is given; the
 * model gives the set of them.
 */
import type { Context } from './context.js';

export class ModelFile {
  readonly kind = 'file';
  data: Uint8Array = new Uint8Array(0);
  mode: number;
  nlink = 1;
  constructor(mode: number) {
    this.mode = mode;
  }
}

export class ModelLink {
  readonly kind = 'link';
  readonly target: string;
  nlink = 1;
  constructor(target: string) {
    this.target = target;
  }
}

export class ModelDir {
  readonly kind = 'dir';
  readonly entries = new Map<string, ModelNode>();
  mode: number;
  constructor(mode: number) {
    this.mode = mode;
  }

  get nlink(): number {
    let count = 2;
    for (const node of this.entries.values()) if (node.kind === 'dir') count++;
    return count;
  }
}

export type ModelNode = ModelFile | ModelLink | ModelDir;

/** Where a path leads: its directory and last name, and the node if there is one; or the errors. */
export interface Place {
  readonly dir: ModelDir;
  readonly name: string;
  readonly node: ModelNode | undefined;
  readonly errors: readonly string[];
}

/** The errors that apply to an operation; it succeeds when there are none. */
export type Errors = readonly string[];

const NOWHERE = new ModelDir(0);

export class Model {
  readonly root = new ModelDir(0o777);

  find(path: string): Place {
    const parts = path.split('/');
    const name = parts.pop() as string;
    let dir = this.root;
    for (const part of parts) {
      const next = dir.entries.get(part);
      if (next?.kind !== 'dir') return { dir: NOWHERE, name, node: undefined, errors: [next?.kind === 'file' ? 'ENOTDIR' : 'ENOENT'] };
      dir = next;
    }
    return { dir, name, node: dir.entries.get(name), errors: [] };
  }

  /** A file, directory or link under a new name. */
  make(path: string, node: ModelNode): Errors {
    const at = this.find(path);
    if (at.errors.length > 0) return at.errors;
    if (at.node !== undefined) return ['EEXIST'];
    at.dir.entries.set(at.name, node);
    return [];
  }

  unlink(path: string, ofDirectory: readonly string[]): Errors {
    const at = this.find(path);
    if (at.node === undefined) return at.errors.length > 0 ? at.errors : ['ENOENT'];
    if (at.node.kind === 'dir') return ofDirectory;
    at.node.nlink--;
    at.dir.entries.delete(at.name);
    return [];
  }

  rmdir(path: string): Errors {
    const at = this.find(path);
    if (at.node === undefined) return at.errors.length > 0 ? at.errors : ['ENOENT'];
    if (at.node.kind !== 'dir') return ['ENOTDIR'];
    if (at.node.entries.size > 0) return ['ENOTEMPTY'];
    at.dir.entries.delete(at.name);
    return [];
  }

  link(from: string, to: string): Errors {
    const f = this.find(from);
    const t = this.find(to);
    const errors = [...f.errors, ...t.errors];
    if (f.errors.length === 0 && f.node === undefined) errors.push('ENOENT');
    if (f.node?.kind === 'dir') errors.push('EPERM');
    if (t.node !== undefined) errors.push('EEXIST');
    const node = f.node;
    if (errors.length > 0 || node === undefined || node.kind === 'dir') return errors;
    node.nlink++;
    t.dir.entries.set(t.name, node);
    return [];
  }

  /** `keepsBoth`: renaming one name of a file to another of its names does nothing. */
  rename(from: string, to: string, keepsBoth: boolean): Errors {
    const f = this.find(from);
    const t = this.find(to);
    const errors = this.#renameErrors(f, t);
    const node = f.node;
    if (errors.length > 0 || node === undefined) return errors;
    const same = f.dir === t.dir && f.name === t.name;
    if (same || (t.node === node && keepsBoth)) return [];
    if (t.node !== undefined && t.node.kind !== 'dir') t.node.nlink--;
    f.dir.entries.delete(f.name);
    t.dir.entries.set(t.name, node);
    return [];
  }

  #renameErrors(f: Place, t: Place): Errors {
    const errors = [...f.errors, ...t.errors];
    const node = f.node;
    if (f.errors.length === 0 && node === undefined) errors.push('ENOENT');
    if (node === undefined || t.errors.length > 0) return errors;
    if (node.kind === 'dir' && this.#within(t.dir, node)) errors.push('EINVAL');
    if (t.node !== undefined && t.node !== node) {
      if (t.node.kind === 'dir') {
        if (node.kind !== 'dir') errors.push('EISDIR');
        if (t.node.entries.size > 0) errors.push('ENOTEMPTY', 'EEXIST');
      } else if (node.kind === 'dir') errors.push('ENOTDIR');
    }
    return errors;
  }

  /** Whether `dir` is `above` or lies below it. */
  #within(dir: ModelDir, above: ModelDir): boolean {
    if (dir === above) return true;
    for (const node of above.entries.values()) if (node.kind === 'dir' && this.#within(dir, node)) return true;
    return false;
  }
}

/** Where the tree at `path` differs from the model; undefined: nowhere. */
export function difference(t: Context, node: ModelNode, path: string): string | undefined {
  const st = t.sys.lstat(path);
  const type = { file: 0o100000, dir: 0o040000, link: 0o120000 }[node.kind];
  if ((st.mode & 0o170000) !== type) return `${path} is no ${node.kind}`;
  if (st.nlink !== node.nlink && !(node.kind === 'dir' && t.lacks('dirlinks'))) return `${path} has ${st.nlink} links, not ${node.nlink}`;
  if (node.kind === 'link') return t.readlink(path) === node.target ? undefined : `${path} points to ${t.readlink(path)}`;
  if (!t.lacks('modes') && (st.mode & 0o7777) !== node.mode) return `${path} has mode ${(st.mode & 0o7777).toString(8)}`;
  if (node.kind === 'file') return fileDifference(t, node, path, st.size);
  const names = t.list(path);
  const wanted = [...node.entries.keys()].sort();
  if (names.join() !== wanted.join()) return `${path} has ${names.join()}, not ${wanted.join()}`;
  for (const [name, child] of node.entries) {
    const found = difference(t, child, `${path}/${name}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

function fileDifference(t: Context, node: ModelFile, path: string, size: number): string | undefined {
  if (size !== node.data.length) return `${path} has ${size} bytes, not ${node.data.length}`;
  const data = t.read(path);
  const at = data.findIndex((b, i) => b !== node.data[i]);
  return at < 0 ? undefined : `${path} differs at byte ${at}`;
}
