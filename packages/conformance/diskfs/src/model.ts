/** A plain model of a file system: what random work (workload.ts) must have come to. */

export type Kind = 'file' | 'dir' | 'link' | 'chr' | 'blk' | 'fifo';

export class Node {
  mode = 0o644;
  uid = 0;
  gid = 0;
  nlink = 1;
  data: Uint8Array = new Uint8Array(0);
  target = '';
  rdev = 0;
  readonly kids = new Map<string, Node>();
  readonly xattrs = new Map<string, Uint8Array>();
  /** A new file belongs to its directory's group. */
  constructor(readonly kind: Kind, dir?: Node) {
    this.gid = dir?.gid ?? 0;
  }
}

/** A file is at least `size` bytes long, with zeros at its end. */
export function grow(n: { data: Uint8Array }, size: number): void {
  if (size <= n.data.length) return;
  const data = new Uint8Array(size);
  data.set(n.data);
  n.data = data;
}
