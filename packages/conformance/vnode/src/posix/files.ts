/** open(2) and what is done with open files, in the model. A file lives as long as it has a name or is open. */
import { O_APPEND, O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_TRUNC, SEEK_CUR, SEEK_SET } from '@anykernel/lib-sys';
import { newNode } from './names.js';
import { type Node, enter, resize } from './nodes.js';
import { type Plan, type Planned, SLASH_ERRORS, addErrors, refused } from './plan.js';
import { OpenFile, type Place, type Process, READ, type Tree, WRITE, allows, walk } from './walk.js';

export function open(tree: Tree, who: Process, path: string, flags: number, mode: number, start?: Node): Planned {
  const follow = (flags & O_NOFOLLOW) === 0 && (flags & (O_CREAT | O_EXCL)) !== (O_CREAT | O_EXCL);
  const at = walk(tree, who, path, follow ? 'follow' : 'itself', start);
  if (at === undefined) return undefined;
  const creates = (flags & O_CREAT) !== 0;
  if (at.errors.length > 0) return refused(...at.errors, ...(creates && slashes(path, at) ? ['EISDIR', 'EEXIST'] : []));
  const probe = new OpenFile(-1, at.node as Node, flags);
  const opened = (node: Node) => (fd: unknown) => void who.files.push(new OpenFile(fd as number, node, flags));
  const { node } = at;
  if (node === undefined) return create(tree, who, at, flags, mode);
  const errors = creates && (flags & O_EXCL) !== 0 ? ['EEXIST'] : openErrors(who, node, probe, creates);
  if (creates && at.slash) errors.push('EISDIR');
  // Linux looks at a link of somebody else in a sticky directory before it sees that it is a link.
  if (creates && tree.linux && node.kind === 'link' && errors.length > 0) errors.push('EACCES');
  return {
    errors,
    apply(fd): void {
      opened(node)(fd);
      if ((flags & O_TRUNC) !== 0) cut(node, 0);
    },
  } as Plan;
}

/** Whether the path may have ended in a slash, its own or that of a link. */
function slashes(path: string, { errors }: Place): boolean {
  return path.endsWith('/') || errors.includes('ELOOP');
}

function create(tree: Tree, who: Process, at: Place, flags: number, mode: number): Plan {
  if ((flags & O_CREAT) === 0) return refused('ENOENT');
  const errors = addErrors(who, at.dir);
  if (at.slash) errors.push(...SLASH_ERRORS);
  return {
    errors,
    apply(fd): void {
      const node = newNode(tree, who, at.dir, 'file', mode);
      enter(at.dir, tree.key(at.name), at.name, node);
      who.files.push(new OpenFile(fd as number, node, flags));
    },
  } as Plan;
}

function openErrors(who: Process, node: Node, probe: OpenFile, creates: boolean): string[] {
  const { flags } = probe;
  const errors: string[] = [];
  const wanted = (probe.readable ? READ : 0) | (probe.writable || (flags & O_TRUNC) !== 0 ? WRITE : 0);
  if (node.kind === 'link') return (flags & O_DIRECTORY) === 0 ? ['ELOOP'] : ['ELOOP', 'ENOTDIR'];
  if (!allows(who, node, wanted)) errors.push('EACCES');
  if (node.kind === 'dir' && (probe.writable || creates)) errors.push('EISDIR');
  if (node.kind !== 'dir' && (flags & O_DIRECTORY) !== 0) errors.push('ENOTDIR');
  return errors;
}

/** The file is `size` bytes long. A change of nothing may count as one, or not. */
function cut(node: Node, size: number): void {
  node.changed(size === node.data.length ? 'free' : 'moved');
  resize(node, size);
}

export function truncate(tree: Tree, who: Process, path: string, size: number): Planned {
  const at = walk(tree, who, path, 'follow');
  if (at === undefined) return undefined;
  if (at.errors.length > 0) return refused(...at.errors);
  const { node } = at;
  if (node === undefined) return refused('ENOENT');
  const errors = allows(who, node, WRITE) ? [] : ['EACCES'];
  if (node.kind === 'dir') errors.push('EISDIR');
  return { errors, apply: () => cut(node, size) as undefined };
}

export function ftruncate(f: OpenFile, size: number): Plan {
  if (!f.writable) return refused('EINVAL', 'EBADF');
  return { errors: [], apply: () => cut(f.node, size) as undefined };
}

/** Bytes at `off` (undefined: at the position); with O_APPEND at the end. Some let pwrite(2) append, too; all that are tested here do. */
export function write(f: OpenFile, data: Uint8Array, off: number | undefined): Plan {
  if (!f.writable) return refused('EBADF');
  return {
    errors: [],
    apply(result): string | undefined {
      if (result !== data.length) return `wrote ${result} bytes, not ${data.length}`;
      const { node } = f;
      const at = (f.flags & O_APPEND) !== 0 ? node.data.length : (off ?? f.pos);
      if (at + data.length > node.data.length) resize(node, at + data.length);
      node.data.set(data, at);
      node.changed();
      if (off === undefined) f.pos = at + data.length;
      return undefined;
    },
  };
}

/** `buf` is what the call reads into. */
export function read(tree: Tree, f: OpenFile, buf: Uint8Array, off: number | undefined): Plan {
  if (!f.readable) return refused('EBADF');
  // Linux looks at the position first, and its ext4 leaves that of a directory which was read to the end at the largest number.
  if (f.node.kind === 'dir') return refused('EISDIR', ...(tree.linux && off === undefined ? ['EINVAL'] : []));
  return {
    errors: [],
    apply(result): string | undefined {
      const at = off ?? f.pos;
      const want = f.node.data.subarray(at, at + buf.length);
      if (off === undefined) f.pos = at + want.length;
      if (result !== want.length) return `read ${result} bytes, not ${want.length}`;
      const wrong = want.findIndex((b, i) => b !== buf[i]);
      return wrong < 0 ? undefined : `byte ${at + wrong} is ${buf[wrong]}, not ${want[wrong]}`;
    },
  };
}

export function lseek(f: OpenFile, off: number, whence: number): Planned {
  if (f.node.kind === 'dir') return undefined;
  const to = off + (whence === SEEK_SET ? 0 : whence === SEEK_CUR ? f.pos : f.node.data.length);
  if (to < 0) return refused('EINVAL');
  return {
    errors: [],
    apply(result): string | undefined {
      f.pos = to;
      return result === to ? undefined : `is at ${result}, not ${to}`;
    },
  };
}

export function close(who: Process, f: OpenFile): Plan {
  return {
    errors: [],
    apply(): void {
      who.files.splice(who.files.indexOf(f), 1);
      if (f.scan !== undefined) f.node.scans.delete(f.scan);
    },
  } as Plan;
}

/** A part of a directory: whoever reads on gets each name that is there all the while, and none twice of those. `names` gives what came. */
export function getdents(tree: Tree, f: OpenFile, names: () => readonly string[]): Planned {
  const { node } = f;
  if (node.kind !== 'dir' || node.parent === undefined) return undefined;
  return {
    errors: [],
    apply(): string | undefined {
      f.scan ??= { always: new Set(node.entries.keys()), got: new Set() };
      const { scan } = f;
      node.scans.add(scan);
      const keys = names().map((name) => tree.key(name));
      for (const key of keys) {
        if (scan.always.has(key) && scan.got.has(key)) return `${key} comes twice`;
        scan.got.add(key);
      }
      if (keys.length > 0) return undefined;
      const missed = [...scan.always].find((key) => !scan.got.has(key));
      return missed === undefined ? undefined : `${missed} does not come`;
    },
  };
}

/** Back to the beginning of a directory. */
export function rewind(f: OpenFile): Plan {
  return {
    errors: [],
    apply(): void {
      if (f.scan !== undefined) f.node.scans.delete(f.scan);
      f.scan = undefined;
    },
  } as Plan;
}
