/**
 * Files as plain objects: what a file system should hold after the system calls that it was asked for.
 *
 * Of times a node knows only whether they must have moved since somebody looked. The order of calls is all that counts; no clock is read here.
 */

export type Kind = 'file' | 'dir' | 'link';

/** What has become of a time since it was looked at. */
export type Mark = 'kept' | 'moved' | 'free';

/** A time, as it was seen last, in nanoseconds, and what has become of it. */
export interface Watched {
  seen: bigint | undefined;
  mark: Mark;
}

/** A reader of a directory on its way. */
export interface Scan {
  /** Keys of the names that have been there all the while. */
  readonly always: Set<string>;
  readonly got: Set<string>;
}

interface Entry {
  name: string;
  readonly node: Node;
}

export class Node {
  readonly kind: Kind;
  mode: number;
  uid: number;
  gid: number;
  nlink = 1;
  data: Uint8Array = new Uint8Array(0);
  target = '';
  /** A directory's; undefined: it has been removed. The root's is itself. */
  parent: Node | undefined;
  readonly entries = new Map<string, Entry>();
  readonly scans = new Set<Scan>();
  readonly mtime: Watched = { seen: undefined, mark: 'moved' };
  readonly ctime: Watched = { seen: undefined, mark: 'moved' };
  /** Its number, once it was seen. */
  ino: number | undefined = undefined;

  constructor(kind: Kind, mode: number, uid: number, gid: number) {
    this.kind = kind;
    this.mode = mode;
    this.uid = uid;
    this.gid = gid;
  }

  get subdirs(): number {
    let count = 0;
    for (const { node } of this.entries.values()) if (node.kind === 'dir') count++;
    return count;
  }

  get links(): number {
    return this.kind === 'dir' ? (this.parent === undefined ? 0 : 2 + this.subdirs) : this.nlink;
  }

  /** Its contents have changed. */
  changed(mark: Mark = 'moved'): void {
    set(this.mtime, mark);
    this.touched(mark);
  }

  /** Its attributes have changed. */
  touched(mark: Mark = 'moved'): void {
    set(this.ctime, mark);
  }

  /** Whether it is `dir` or lies below it. */
  within(dir: Node): boolean {
    let at: Node | undefined = this;
    while (at !== undefined && at !== dir) at = at.parent === at ? undefined : at.parent;
    return at === dir;
  }
}

function set(time: Watched, mark: Mark): void {
  if (time.mark !== 'moved') time.mark = mark;
}

/** The bytes of a file are `size` of them: cut, or with zeros behind. */
export function resize(node: Node, size: number): void {
  const data = new Uint8Array(size);
  data.set(node.data.subarray(0, size));
  node.data = data;
}

/** The name stands for `node` from now on; undefined: for nothing. */
export function enter(dir: Node, key: string, name: string, node: Node | undefined): void {
  if (node === undefined) dir.entries.delete(key);
  else dir.entries.set(key, { name, node });
  for (const scan of dir.scans) scan.always.delete(key);
  dir.changed();
}
