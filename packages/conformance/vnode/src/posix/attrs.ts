/** Calls that change or look at attributes, in the model, and where processes are. */
import type { Stat } from '@anykernel/lib-sys';
import { timeOf } from '../context.js';
import type { Node } from './nodes.js';
import { type Plan, type Planned, refused } from './plan.js';
import { type Process, SEARCH, type Tree, WRITE, allows, walk } from './walk.js';

/** The node of a path that is there, or the plan of a call that fails for it. */
function there(tree: Tree, who: Process, path: string, follow: boolean, body: (node: Node) => Planned): Planned {
  const at = walk(tree, who, path, follow ? 'follow' : 'itself');
  if (at === undefined) return undefined;
  if (at.errors.length > 0) return refused(...at.errors);
  return at.node === undefined ? refused('ENOENT') : body(at.node);
}

function isOwner(who: Process, node: Node): boolean {
  return who.uid === 0 || who.uid === node.uid;
}

function inGroup(who: Process, gid: number): boolean {
  return who.uid === 0 || who.gid === gid || who.groups.includes(gid);
}

/** Files get no bits above 0777 here. A set-group-id bit for a group of others is refused, or on Linux left out. */
export function chmodNode(tree: Tree, who: Process, node: Node, mode: number): Planned {
  const wanted = node.kind === 'dir' ? mode : mode & 0o777;
  const foreign = (wanted & 0o2000) !== 0 && !inGroup(who, node.gid);
  const errors = isOwner(who, node) ? [] : ['EPERM'];
  if (foreign && !tree.linux) errors.push('EPERM');
  return {
    errors,
    apply(): void {
      node.mode = foreign ? wanted & ~0o2000 : wanted;
      node.touched();
    },
  } as Plan;
}

/** The bits that the caller may ask for: those that chmodNode() takes for the file that is there. */
export function modeFor(tree: Tree, who: Process, path: string, mode: number): number {
  return walk(tree, who, path, 'follow')?.node?.kind === 'dir' ? mode : mode & 0o777;
}

export function chmod(tree: Tree, who: Process, path: string, mode: number): Planned {
  return there(tree, who, path, true, (node) => chmodNode(tree, who, node, mode));
}

export function chown(tree: Tree, who: Process, path: string, uid: number, gid: number): Planned {
  return there(tree, who, path, true, (node) => {
    const gives = uid !== node.uid || (gid !== node.gid && !inGroup(who, gid));
    return {
      errors: who.uid !== 0 && (who.uid !== node.uid || gives) ? ['EPERM'] : [],
      apply(): void {
        node.touched(uid === node.uid && gid === node.gid ? 'free' : 'moved');
        node.uid = uid;
        node.gid = gid;
      },
    } as Plan;
  });
}

/** `ns`: both times, to whole seconds of nanoseconds; undefined: now. */
export function utimens(tree: Tree, who: Process, path: string, ns: bigint | undefined): Planned {
  return there(tree, who, path, true, (node) => {
    const now = ns === undefined;
    const errors = isOwner(who, node) ? [] : !now ? ['EPERM'] : allows(who, node, WRITE) ? [] : ['EACCES'];
    return {
      errors,
      apply(): void {
        node.changed();
        if (now) return;
        node.mtime.seen = ns;
        node.mtime.mark = 'kept';
      },
    } as Plan;
  });
}

export function stat(tree: Tree, who: Process, path: string, follow: boolean): Planned {
  return there(tree, who, path, follow, (node) => ({ errors: [], apply: (st) => statDifference(node, st as Stat) }));
}

export function fstat(node: Node): Plan {
  return { errors: [], apply: (st) => statDifference(node, st as Stat) };
}

const TYPES = { file: 0o100000, dir: 0o040000, link: 0o120000 } as const;

/** What every file system knows of a file. */
export function statDifference(node: Node, st: Stat): string | undefined {
  if ((st.mode & 0o170000) !== TYPES[node.kind]) return `is no ${node.kind}`;
  node.ino ??= st.ino;
  if (st.ino !== node.ino) return `has number ${st.ino}, and had ${node.ino}`;
  if (node.kind === 'file' && st.size !== node.data.length) return `has ${st.size} bytes, not ${node.data.length}`;
  if (node.kind !== 'dir' && st.nlink !== node.nlink) return `has ${st.nlink} links, not ${node.nlink}`;
  return timeDifference(node, 'mtime', st);
}

/** A time that may not have moved has not, and one that must have moved has. */
export function timeDifference(node: Node, which: 'mtime' | 'ctime', st: Stat): string | undefined {
  const time = node[which];
  const { seen, mark } = time;
  const now = timeOf(st, which);
  if (seen === undefined || mark === 'free') return undefined;
  if (mark === 'kept') return now === seen ? undefined : `has a ${which} of ${now}, not ${seen}`;
  return now > seen ? undefined : `has still a ${which} of ${seen}`;
}

export function readlink(tree: Tree, who: Process, path: string): Planned {
  return there(tree, who, path, false, (node) => {
    if (node.kind !== 'link') return refused('EINVAL');
    return { errors: [], apply: (target) => (target === node.target ? undefined : `points to ${target}`) };
  });
}

export function chdir(tree: Tree, who: Process, path: string): Planned {
  return there(tree, who, path, true, (node) => {
    if (node.kind !== 'dir') return refused('ENOTDIR');
    return { errors: allows(who, node, SEARCH) ? [] : ['EACCES'], apply: () => void (who.cwd = node) };
  });
}

/** Its path, with the NUL cut off. */
export function getcwd(tree: Tree, who: Process): Plan {
  if (who.cwd.parent === undefined) return refused('ENOENT');
  const path = pathOf(tree, who.cwd);
  return { errors: [], apply: (found) => (found === path ? undefined : `is ${found}, not ${path}`) };
}

function pathOf(tree: Tree, dir: Node): string {
  let path = '';
  for (let at = dir; at !== tree.root; ) {
    const parent = at.parent as Node;
    for (const { name, node } of parent.entries.values()) if (node === at) path = `/${name}${path}`;
    at = parent;
  }
  return tree.path + path;
}
