/** Random work on a file system, by seed, and the model of what it must be like afterwards. */
import { Rng } from '@anykernel/host-sim';
import { O_CREAT, O_RDWR, O_TRUNC, makedev } from '@anykernel/lib-sys';
import type { Sys } from '@anykernel/rumpkern';
import { type Listing, listModel } from './listing.js';
import { pattern } from './little.js';
import { Node, grow } from './model.js';

export interface WorkOptions {
  readonly xattrs?: boolean;
  readonly maxFile?: number;
  /** The longest target of a symbolic link. */
  readonly maxTarget?: number;
  /** Directories grow larger than a block. */
  readonly manyNames?: boolean;
}

/** Random operations, applied to a kernel and to the model. */
export class Workload {
  readonly root = new Node('dir');
  readonly rng: Rng;
  readonly #sys: Sys;
  readonly #o: WorkOptions;
  /** Paths that the last step touched. */
  touched: string[] = [];
  counts: Record<string, number> = {};

  constructor(sys: Sys, seed: number, options: WorkOptions = {}) {
    this.#sys = sys;
    this.rng = new Rng(seed);
    this.#o = options;
    this.root.nlink = 2;
  }

  /** What there must be now. */
  listing(): Listing {
    return listModel(this.root);
  }

  #int(n: number): number {
    return this.rng.below(n);
  }

  /** All paths, of one kind or any, by a walk: [path, parent, name, node]. */
  all(want: (n: Node) => boolean): [string, Node, string, Node][] {
    const found: [string, Node, string, Node][] = [];
    const walk = (n: Node, path: string): void => {
      for (const [name, kid] of n.kids) {
        if (want(kid)) found.push([`${path}${name}`, n, name, kid]);
        if (kid.kind === 'dir') walk(kid, `${path}${name}/`);
      }
    };
    walk(this.root, '');
    return found;
  }

  #pick(want: (n: Node) => boolean): [string, Node, string, Node] | undefined {
    const found = this.all(want);
    return found.length === 0 ? undefined : found[this.#int(found.length)];
  }

  #dir(): [string, Node] {
    const found: [string, Node][] = [['', this.root], ...this.all((n) => n.kind === 'dir').map(([p, , , n]): [string, Node] => [`${p}/`, n])];
    return found[this.#int(found.length)];
  }

  #fresh(dir: Node): string {
    for (;;) {
      const len = this.#int(8) === 0 ? 1 + this.#int(255) : 1 + this.#int(this.#o.manyNames === true ? 40 : 12);
      let name = `n${this.#int(100000)}`;
      while (name.length < len) name += 'abcdefgh'[this.#int(8)];
      name = name.slice(0, 255);
      if (!dir.kids.has(name)) return name;
    }
  }

  /** One operation. ENOSPC is fine, and changes nothing. */
  step(): void {
    this.touched = [];
    const table: [number, string, () => void][] = [
      [10, 'create', () => this.#create()],
      [16, 'write', () => this.#write()],
      [5, 'truncate', () => this.#truncate()],
      [5, 'mkdir', () => this.#mkdir()],
      [3, 'rmdir', () => this.#rmdir()],
      [9, 'unlink', () => this.#unlink()],
      [8, 'rename', () => this.#rename()],
      [3, 'link', () => this.#link()],
      [3, 'symlink', () => this.#symlink()],
      [2, 'mknod', () => this.#mknod()],
      [3, 'chmod', () => this.#chmod()],
      [this.#o.xattrs === true ? 6 : 0, 'xattr', () => this.#xattr()],
      [2, 'fallocate', () => this.#fallocate()],
      [2, 'fdiscard', () => this.#fdiscard()],
    ];
    let n = this.#int(table.reduce((sum, [w]) => sum + w, 0));
    for (const [weight, name, fn] of table) {
      n -= weight;
      if (n >= 0) continue;
      this.counts[name] = (this.counts[name] ?? 0) + 1;
      fn();
      return;
    }
  }

  /** Runs it; whether it happened. */
  #try(fn: () => void): boolean {
    try {
      fn();
      return true;
    } catch (e) {
      if ((e as { code?: string }).code === 'ENOSPC') return false;
      throw e;
    }
  }

  #create(): void {
    const [path, dir] = this.#dir();
    const name = this.#fresh(dir);
    const mode = this.#int(0o1000);
    this.touched = [path + name];
    if (this.#try(() => this.#sys.close(this.#sys.open(path + name, O_CREAT | O_RDWR | O_TRUNC, mode)))) {
      const n = new Node('file', dir);
      n.mode = mode & ~0o022;
      dir.kids.set(name, n);
    }
  }

  #max(): number {
    return this.#o.maxFile ?? 400_000;
  }

  #write(): void {
    const found = this.#pick((n) => n.kind === 'file');
    if (found === undefined) return;
    const [path, , , n] = found;
    const off = this.#int(3) === 0 ? n.data.length : this.#int(this.#max());
    const len = this.#int(4) === 0 ? this.#int(this.#max() / 4) : this.#int(5000);
    if (len === 0 || off + len > this.#max() * 2) return;
    const bytes = pattern(len, this.#int(1 << 30));
    this.touched = this.#names(n);
    const fd = this.#sys.open(path, O_RDWR);
    let moved = 0;
    this.#try(() => {
      moved = this.#sys.pwrite(fd, bytes, off);
    });
    this.#sys.close(fd);
    if (moved === 0) return;
    grow(n, off + moved);
    n.data.set(bytes.subarray(0, moved), off);
  }

  /** All names of a node. */
  #names(n: Node): string[] {
    return this.all((other) => other === n).map(([path]) => path);
  }

  #truncate(): void {
    const found = this.#pick((n) => n.kind === 'file');
    if (found === undefined) return;
    const [path, , , n] = found;
    const size = this.#int(3) === 0 ? 0 : this.#int(Math.max(1, n.data.length * 2) + 5000);
    this.touched = this.#names(n);
    if (!this.#try(() => this.#sys.truncate(path, size))) return;
    if (size <= n.data.length) n.data = n.data.slice(0, size);
    else grow(n, size);
  }

  #mkdir(): void {
    const [path, dir] = this.#dir();
    const name = this.#fresh(dir);
    this.touched = [path + name];
    if (!this.#try(() => this.#sys.mkdir(path + name, 0o755))) return;
    const n = new Node('dir', dir);
    n.mode = 0o755;
    n.nlink = 2;
    dir.nlink++;
    dir.kids.set(name, n);
  }

  #rmdir(): void {
    const found = this.#pick((n) => n.kind === 'dir' && n.kids.size === 0);
    if (found === undefined) return;
    const [path, dir, name] = found;
    this.touched = [path];
    this.#sys.rmdir(path);
    dir.kids.delete(name);
    dir.nlink--;
  }

  #unlink(): void {
    const found = this.#pick((n) => n.kind !== 'dir');
    if (found === undefined) return;
    const [path, dir, name, n] = found;
    this.touched = this.#names(n);
    this.#sys.unlink(path);
    dir.kids.delete(name);
    n.nlink--;
  }

  #rename(): void {
    const found = this.#pick(() => true);
    if (found === undefined) return;
    const [path, dir, name, n] = found;
    const [tpath, tdir] = this.#dir();
    if (n.kind === 'dir' && (`${tpath}`.startsWith(`${path}/`) || tdir === n)) return;
    const fits = [...tdir.kids].filter(([, k]) => k !== n && (n.kind === 'dir' ? k.kind === 'dir' && k.kids.size === 0 : k.kind !== 'dir'));
    const over = fits.length > 0 && this.#int(3) === 0 ? fits[this.#int(fits.length)] : undefined;
    const tname = over === undefined ? this.#fresh(tdir) : over[0];
    this.touched = [...this.#names(n), tpath + tname, ...(over === undefined ? [] : this.#names(over[1]))];
    if (n.kind === 'dir') this.touched.push(...this.all(() => true).map(([p]) => p).filter((p) => p.startsWith(`${path}/`)).flatMap((p) => [p, tpath + tname + p.slice(path.length)]));
    if (!this.#try(() => this.#sys.rename(path, tpath + tname))) return;
    if (over !== undefined) over[1].nlink = over[1].kind === 'dir' ? 0 : over[1].nlink - 1;
    dir.kids.delete(name);
    tdir.kids.set(tname, n);
    if (n.kind === 'dir') {
      dir.nlink--;
      tdir.nlink += over === undefined ? 1 : 0;
    }
  }

  #link(): void {
    const found = this.#pick((n) => n.kind !== 'dir');
    if (found === undefined) return;
    const [path, , , n] = found;
    const [tpath, tdir] = this.#dir();
    const name = this.#fresh(tdir);
    this.touched = [...this.#names(n), tpath + name];
    if (n.kind === 'link') return;
    if (!this.#try(() => this.#sys.link(path, tpath + name))) return;
    tdir.kids.set(name, n);
    n.nlink++;
  }

  #symlink(): void {
    const [path, dir] = this.#dir();
    const name = this.#fresh(dir);
    let target = 't';
    const len = 1 + (this.#int(2) === 0 ? this.#int(70) : this.#int(this.#o.maxTarget ?? 1000));
    while (target.length < len) target += 'abcd/'[this.#int(5)];
    this.touched = [path + name];
    if (!this.#try(() => this.#sys.symlink(target, path + name))) return;
    const n = new Node('link', dir);
    n.target = target;
    dir.kids.set(name, n);
  }

  #mknod(): void {
    const [path, dir] = this.#dir();
    const name = this.#fresh(dir);
    const kind = (['chr', 'blk', 'fifo'] as const)[this.#int(3)];
    const dev = this.#int(2) === 0 ? makedev(this.#int(256), this.#int(256)) : makedev(this.#int(4096), this.#int(1 << 20));
    this.touched = [path + name];
    const bits = { chr: 0o020000, blk: 0o060000, fifo: 0o010000 }[kind];
    if (!this.#try(() => (kind === 'fifo' ? this.#sys.mkfifo(path + name, 0o600) : this.#sys.mknod(path + name, bits | 0o600, dev)))) return;
    const n = new Node(kind, dir);
    n.mode = 0o600;
    n.rdev = kind === 'fifo' ? 0 : dev;
    dir.kids.set(name, n);
  }

  #chmod(): void {
    const found = this.#pick((n) => n.kind === 'file' || n.kind === 'dir');
    if (found === undefined) return;
    const [path, , , n] = found;
    this.touched = this.#names(n);
    if (n.kind === 'dir') this.touched.push(...this.all(() => true).map(([p]) => p).filter((p) => p.startsWith(`${path}/`)));
    n.mode = (n.kind === 'dir' ? 0o700 : 0) | this.#int(0o1000);
    n.uid = this.#int(70_000);
    n.gid = this.#int(5);
    this.#sys.chown(path, n.uid, n.gid);
    this.#sys.chmod(path, n.mode);
  }

  #xattr(): void {
    const found = this.#pick((n) => n.kind === 'file' || n.kind === 'dir');
    if (found === undefined) return;
    const [path, , , n] = found;
    const old = [...n.xattrs.keys()];
    this.touched = this.#names(n);
    if (old.length > 0 && this.#int(3) === 0) {
      const name = old[this.#int(old.length)];
      this.#sys.removexattr(path, name);
      n.xattrs.delete(name);
      return;
    }
    const prefix = this.#int(3) === 0 ? 'trusted.' : 'user.';
    const name = old.length > 0 && this.#int(3) === 0 ? old[this.#int(old.length)] : `${prefix}${'abcdefghij'.slice(0, 1 + this.#int(10))}${this.#int(10)}`;
    const value = pattern(this.#int(4) === 0 ? this.#int(600) : this.#int(40), this.#int(1 << 30));
    if (this.#try(() => this.#sys.setxattr(path, name, value, 0))) n.xattrs.set(name, value);
  }

  #fallocate(): void {
    const found = this.#pick((n) => n.kind === 'file');
    if (found === undefined) return;
    const [path, , , n] = found;
    const off = this.#int(this.#max());
    const len = 1 + this.#int(30_000);
    this.touched = this.#names(n);
    const fd = this.#sys.open(path, O_RDWR);
    if (this.#try(() => this.#sys.posix_fallocate(fd, off, len))) grow(n, Math.max(n.data.length, off + len));
    this.#sys.close(fd);
  }

  #fdiscard(): void {
    const found = this.#pick((n) => n.kind === 'file' && n.data.length > 0);
    if (found === undefined) return;
    const [path, , , n] = found;
    const off = this.#int(n.data.length);
    const len = 1 + this.#int(40_000);
    this.touched = this.#names(n);
    const fd = this.#sys.open(path, O_RDWR);
    if (this.#try(() => this.#sys.fdiscard(fd, off, len))) n.data.fill(0, off, Math.min(n.data.length, off + len));
    this.#sys.close(fd);
  }
}
