/** Trees as objects, for fixtures: `{ src: { 'a.js': 'text' }, link: symlink('src') }`. */
import { asBuffer, constants } from '#host';
import { fromBytestr, toBytestr } from '@anykernel/lib-bytes';
import { DT_DIR, DT_LNK, DT_REG } from '@anykernel/lib-sys';
import { type PathLike, toMode, toPath } from './args.js';
import { toBytes } from './bytes.js';
import { coded } from './coded.js';
import { invalidArgType, invalidArgValue } from './errors.js';
import { bytePath, join, kernelPath } from './pathnames.js';
import { chmod, readlinkBytes, symlink as makeLink } from './paths.js';
import type { Op } from './run.js';
import { entriesOf, mkdirs } from './tree.js';
import { readFile, withFile, writeAll } from './whole.js';

/** Text, bytes, a directory, or one of those with attributes. Names may have slashes: directories on the way are made. */
export type TreeNode = string | Uint8Array | Tree | Symlink | FileNode;
export interface Tree {
  readonly [name: string]: TreeNode;
}

/** A symbolic link in a Tree. */
export class Symlink {
  constructor(readonly target: string) {}
}

export function symlink(target: string): Symlink {
  return new Symlink(target);
}

/** A file in a Tree that has a mode of its own. */
export class FileNode {
  constructor(
    readonly data: string | Uint8Array,
    readonly mode: number | string,
  ) {}
}

export function file(data: string | Uint8Array, mode: number | string = 0o666): FileNode {
  return new FileNode(data, mode);
}

/** Makes a tree in the directory `path`, which is made too. Files that are there are overwritten. */
export function* fromTree(tree: Tree, path: PathLike): Op<void> {
  yield* make(bytePath(toPath(path)), tree, 'tree');
}

function* make(at: string, node: TreeNode, name: string): Op<void> {
  if (typeof node === 'string' || node instanceof Uint8Array) return yield* put(at, node, 0o666);
  if (node instanceof FileNode) {
    const mode = toMode(node.mode, 0o666);
    yield* put(at, node.data, mode);
    return yield* chmod(kernelPath(at), mode);
  }
  if (node instanceof Symlink) return yield* makeLink(node.target, kernelPath(at));
  if (typeof node !== 'object' || node === null || Array.isArray(node)) {
    throw invalidArgType(name, 'of type string or an instance of Uint8Array, Object, Symlink, or FileNode', node);
  }
  yield* mkdirs(at, 0o777, fromBytestr(at));
  for (const [key, below] of Object.entries(node)) {
    const parts = key.split('/').filter((part) => part !== '' && part !== '.');
    if (parts.length === 0 || parts.includes('..')) throw invalidArgValue(`${name}.${key}`, key, 'is no name in a directory');
    const inside = join(at, toBytestr(parts.join('/')));
    if (parts.length > 1) yield* mkdirs(inside.slice(0, inside.lastIndexOf('/')), 0o777, fromBytestr(inside));
    yield* make(inside, below, `${name}.${key}`);
  }
}

function* put(at: string, data: string | Uint8Array, mode: number): Op<void> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC;
  yield* withFile(kernelPath(at), flags, mode & 0o7777, (fd) => writeAll(fd, toBytes(data)));
}

/** What toTree() gives: the same shape, without attributes. */
export interface PlainTree {
  [name: string]: string | Uint8Array | Symlink | PlainTree;
}

/**
 * What is in a directory, as an object: text where the bytes of a file are UTF-8, else the bytes. What is neither file, directory nor symbolic link is
 * left out. ERR_INVALID_ARG_VALUE: a name that is no UTF-8 has no place in an object; a snapshot has.
 */
export function* toTree(path: PathLike): Op<PlainTree> {
  const tree: PlainTree = {};
  const at = bytePath(toPath(path));
  const entries = (yield* entriesOf(kernelPath(at))).sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const e of entries) {
    const name = fromBytestr(e.name);
    if (toBytestr(name) !== e.name) throw coded('ERR_INVALID_ARG_VALUE', `The name ${JSON.stringify(name)} is no UTF-8`);
    const inside = join(at, e.name);
    let node: PlainTree[string] | undefined;
    if (e.type === DT_DIR) node = yield* toTree(kernelPath(inside));
    else if (e.type === DT_LNK) node = new Symlink(fromBytestr(yield* readlinkBytes(kernelPath(inside))));
    else if (e.type === DT_REG) node = textOr((yield* readFile(kernelPath(inside))) as Uint8Array);
    if (node !== undefined) Object.defineProperty(tree, name, { value: node, enumerable: true, writable: true, configurable: true });
  }
  return tree;
}

function textOr(bytes: Uint8Array): string | Uint8Array {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return asBuffer(bytes);
  }
}
