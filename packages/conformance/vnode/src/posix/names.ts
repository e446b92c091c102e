/** Calls that make and take names, in the model: mkdir, symlink, link, unlink, rmdir, rename. */
import { Node, enter } from './nodes.js';
import { type Plan, type Planned, addErrors, makeErrors, refused, takeErrors } from './plan.js';
import { type Place, type Process, READ, type Tree, WRITE, allows, walk } from './walk.js';

const SETGID = 0o2000;

/** A new file belongs to its maker, and to the group of its directory; on Linux to that of its maker, unless the directory is set-group-id. */
export function newNode(tree: Tree, who: Process, dir: Node, kind: Node['kind'], mode: number): Node {
  const ofDir = !tree.linux || (dir.mode & SETGID) !== 0;
  const node = new Node(kind, mode & ~who.umask, who.uid, ofDir ? dir.gid : who.gid);
  if (kind === 'dir') {
    node.mode |= dir.mode & SETGID;
    node.parent = dir;
  }
  return node;
}

export function mkdir(tree: Tree, who: Process, path: string, mode: number, start?: Node): Planned {
  const at = walk(tree, who, path, 'name', start);
  if (at === undefined) return undefined;
  const errors = makeErrors(who, at, true);
  return { errors, apply: () => void enter(at.dir, tree.key(at.name), at.name, newNode(tree, who, at.dir, 'dir', mode)) };
}

export function symlink(tree: Tree, who: Process, target: string, path: string, start?: Node): Planned {
  const at = walk(tree, who, path, 'name', start);
  if (at === undefined) return undefined;
  const errors = makeErrors(who, at, false);
  return {
    errors,
    apply(): void {
      const node = newNode(tree, who, at.dir, 'link', 0o777);
      node.target = target;
      enter(at.dir, tree.key(at.name), at.name, node);
    },
  } as Plan;
}

/** linkat(2) that does not follow. Linux may be set up to let nobody link what he could not write. */
export function link(tree: Tree, who: Process, from: string, to: string): Planned {
  const f = walk(tree, who, from, 'name');
  const t = walk(tree, who, to, 'name');
  if (f === undefined || t === undefined) return undefined;
  const errors = [...f.errors, ...makeErrors(who, t, false)];
  const { node } = f;
  if (f.errors.length === 0 && node === undefined) errors.push('ENOENT');
  if (node?.kind === 'dir') errors.push('EPERM');
  if (node === undefined) return { errors };
  const foreign = tree.linux && who.uid !== 0 && who.uid !== node.uid;
  const may = foreign && (node.kind !== 'file' || !allows(who, node, READ | WRITE)) ? ['EPERM'] : [];
  if (errors.length > 0) return refused(...errors, ...may);
  return {
    errors,
    may,
    apply(): void {
      enter(t.dir, tree.key(t.name), t.name, node);
      node.nlink++;
      node.touched();
    },
  } as Plan;
}

/** One name less. */
function loseName(dir: Node, key: string, node: Node, mark: 'moved' | 'free' = 'moved'): void {
  enter(dir, key, '', undefined);
  node.nlink--;
  node.touched(mark);
}

export function unlink(tree: Tree, who: Process, path: string, start?: Node): Planned {
  const at = walk(tree, who, path, 'name', start);
  if (at === undefined) return undefined;
  if (at.errors.length > 0) return at.node === undefined ? refused(...at.errors) : refused(...at.errors, ...takeErrors(who, at.dir, at.node));
  const { node } = at;
  if (node === undefined) return refused('ENOENT');
  if (at.last !== 'name') return refused('EISDIR', 'EPERM', 'EBUSY', 'EINVAL', 'EACCES');
  const errors = takeErrors(who, at.dir, node);
  if (node.kind === 'dir') errors.push(tree.linux ? 'EISDIR' : 'EPERM');
  return { errors, apply: () => loseName(at.dir, tree.key(at.name), node) as undefined };
}

function removed(dir: Node): void {
  dir.parent = undefined;
  dir.scans.clear();
  dir.changed('free');
}

export function rmdir(tree: Tree, who: Process, path: string, start?: Node): Planned {
  const at = walk(tree, who, path, 'name', start);
  if (at === undefined) return undefined;
  if (at.errors.length > 0) return at.node === undefined ? refused(...at.errors) : refused(...at.errors, ...takeErrors(who, at.dir, at.node));
  const { node } = at;
  if (node === undefined) return refused('ENOENT');
  if (at.last === 'dot') return refused('EINVAL', 'EBUSY');
  if (at.last === 'dotdot') return refused('ENOTEMPTY', 'EBUSY', 'EINVAL');
  const errors = takeErrors(who, at.dir, node);
  if (node.kind !== 'dir') errors.push('ENOTDIR');
  if (node.entries.size > 0) errors.push('ENOTEMPTY', 'EEXIST');
  return {
    errors,
    apply(): void {
      enter(at.dir, tree.key(at.name), '', undefined);
      removed(node);
    },
  } as Plan;
}

const DOT_ERRORS = ['EBUSY', 'EINVAL', 'EISDIR', 'ENOTDIR', 'ENOTEMPTY', 'EEXIST', 'EACCES', 'ENOENT'];

export function rename(tree: Tree, who: Process, from: string, to: string): Planned {
  const f = walk(tree, who, from, 'name');
  const t = walk(tree, who, to, 'name');
  if (f === undefined || t === undefined) return undefined;
  if (f.errors.length === 0 && f.node === undefined) return refused('ENOENT', ...t.errors, ...(t.last === 'name' ? [] : DOT_ERRORS));
  if (f.errors.length > 0 || t.errors.length > 0) return refused(...f.errors, ...t.errors, ...(dots(f, t) ? DOT_ERRORS : []), ...vagueTypes(who, f, t));
  if (dots(f, t)) return refused(...DOT_ERRORS);
  const node = f.node as Node;
  if (f.dir === t.dir && tree.key(f.name) === tree.key(t.name)) return sameName(tree, who, f, t, node);
  if (t.node === node) return sameFile(tree, who, f, t, node);
  return { errors: renameErrors(who, f, t, node), apply: () => move(tree, f, t, node) as undefined };
}

function dots(f: Place, t: Place): boolean {
  return f.last !== 'name' || t.last !== 'name';
}

/** A slash behind what is no directory is one error among those of the types and the permissions. */
function vagueTypes(who: Process, f: Place, t: Place): string[] {
  const errors: string[] = [];
  if (f.node !== undefined && f.dir !== undefined) errors.push(...takeErrors(who, f.dir, f.node));
  if (t.dir !== undefined) errors.push(...(t.node === undefined ? addErrors(who, t.dir) : takeErrors(who, t.dir, t.node)));
  if (f.node !== undefined && t.node !== undefined) errors.push(...typeErrors(f.node, t.node));
  if (f.node?.kind === 'dir' && t.dir?.within(f.node)) errors.push('EINVAL');
  if (f.node !== undefined && f.node.kind !== 'dir' && t.slash) errors.push('ENOTDIR', 'ENOENT');
  return errors;
}

function typeErrors(node: Node, target: Node): string[] {
  if (target.kind !== 'dir') return node.kind === 'dir' ? ['ENOTDIR'] : [];
  return [...(node.kind === 'dir' ? [] : ['EISDIR']), ...(target.entries.size > 0 ? ['ENOTEMPTY', 'EEXIST'] : [])];
}

function renameErrors(who: Process, f: Place, t: Place, node: Node): string[] {
  const errors = takeErrors(who, f.dir, node);
  errors.push(...(t.node === undefined ? addErrors(who, t.dir) : takeErrors(who, t.dir, t.node)));
  if (t.node !== undefined) errors.push(...typeErrors(node, t.node));
  if (node.kind !== 'dir') return t.slash ? [...errors, 'ENOTDIR', 'ENOENT'] : errors;
  if (t.dir.within(node)) errors.push('EINVAL');
  // What is moved names its directory, and so is written to.
  if (f.dir !== t.dir && !allows(who, node, WRITE)) errors.push('EACCES');
  return errors;
}

/** A name to itself; where case does not count, perhaps to another way to write it. */
function sameName(tree: Tree, who: Process, f: Place, t: Place, node: Node): Plan {
  const may = takeErrors(who, f.dir, node);
  if (node.kind !== 'dir' && t.slash) return refused(...may, 'ENOTDIR', 'ENOENT');
  if (f.name === t.name) return { errors: [], may };
  return { errors: may, apply: () => enter(f.dir, tree.key(t.name), t.name, node) as undefined };
}

/** Two names of one file: nothing happens, or the old one goes, as NetBSD has it. */
function sameFile(tree: Tree, who: Process, f: Place, t: Place, node: Node): Plan {
  const errors = [...takeErrors(who, f.dir, node), ...takeErrors(who, t.dir, node)];
  if (t.slash) return refused(...errors, 'ENOTDIR');
  if (tree.linux) return { errors: [], may: errors };
  return { errors, apply: () => loseName(f.dir, tree.key(f.name), node) as undefined };
}

function move(tree: Tree, f: Place, t: Place, node: Node): void {
  const target = t.node;
  if (target !== undefined) {
    if (target.kind === 'dir') removed(target);
    else loseName(t.dir, tree.key(t.name), target, 'free');
  }
  enter(f.dir, tree.key(f.name), '', undefined);
  enter(t.dir, tree.key(t.name), t.name, node);
  node.touched('free');
  if (node.kind !== 'dir') return;
  if (f.dir !== t.dir) node.changed('free');
  node.parent = t.dir;
}
