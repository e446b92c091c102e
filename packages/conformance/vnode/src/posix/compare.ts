/** Holds a whole tree, and the open files without names, against the model. */
import type { Stat } from '@anykernel/lib-sys';
import { type Context, timeOf } from '../context.js';
import { statDifference, timeDifference } from './attrs.js';
import type { Node } from './nodes.js';
import type { Process } from './walk.js';

/** Where the file system differs from the model; undefined: nowhere. What was seen of times and numbers is kept in the model. */
export function difference(t: Context, root: Node, procs: readonly Process[]): string | undefined {
  return treeDifference(t, root, '.', new Map()) ?? openDifference(procs);
}

function treeDifference(t: Context, node: Node, path: string, byIno: Map<number, Node>): string | undefined {
  const st = t.sys.lstat(path);
  const wrong = attrDifference(t, node, st) ?? (node.kind === 'file' ? dataDifference(t.read(path), node) : undefined);
  if (wrong !== undefined) return `${path} ${wrong}`;
  const other = byIno.get(st.ino);
  if (other !== undefined && other !== node) return `${path} has the number of another file, ${st.ino}`;
  byIno.set(st.ino, node);
  if (node.kind === 'link') return t.readlink(path) === node.target ? undefined : `${path} points to ${t.readlink(path)}`;
  if (node.kind !== 'dir') return undefined;
  const names = t.list(path).join();
  const wanted = [...node.entries.values()].map(({ name }) => name).sort().join();
  if (names !== wanted) return `${path} has ${names}, not ${wanted}`;
  for (const { name, node: child } of node.entries.values()) {
    const found = treeDifference(t, child, `${path}/${name}`, byIno);
    if (found !== undefined) return found;
  }
  return undefined;
}

function attrDifference(t: Context, node: Node, st: Stat): string | undefined {
  const plain = statDifference(node, st);
  if (plain !== undefined) return plain;
  if (node.kind === 'dir' && st.nlink !== node.links && !t.lacks('dirlinks')) return `has ${st.nlink} links, not ${node.links}`;
  if (node.kind !== 'link' && !t.lacks('modes') && (st.mode & 0o7777) !== node.mode) {
    return `has mode ${(st.mode & 0o7777).toString(8)}, not ${node.mode.toString(8)}`;
  }
  if (!t.lacks('owners') && (st.uid !== node.uid || st.gid !== node.gid)) return `belongs to ${st.uid}:${st.gid}, not ${node.uid}:${node.gid}`;
  const late = t.lacks('ctime') ? undefined : timeDifference(node, 'ctime', st);
  for (const which of ['mtime', 'ctime'] as const) {
    node[which].seen = timeOf(st, which);
    node[which].mark = 'kept';
  }
  return late;
}

function dataDifference(data: Uint8Array, node: Node): string | undefined {
  if (data.length !== node.data.length) return `has ${data.length} bytes, not ${node.data.length}`;
  const at = data.findIndex((b, i) => b !== node.data[i]);
  return at < 0 ? undefined : `differs at byte ${at}`;
}

/** Files that are open, with a name or without. */
function openDifference(procs: readonly Process[]): string | undefined {
  for (const { sys, files } of procs) {
    for (const f of files) {
      const wrong = statDifference(f.node, sys.fstat(f.fd)) ?? (f.node.kind === 'file' && f.readable ? contents(sys, f.fd, f.node) : undefined);
      if (wrong !== undefined) return `descriptor ${f.fd} ${wrong}`;
    }
  }
  return undefined;
}

function contents(sys: Process['sys'], fd: number, node: Node): string | undefined {
  const data = new Uint8Array(node.data.length + 1);
  return dataDifference(data.subarray(0, sys.pread(fd, data, 0)), node);
}
