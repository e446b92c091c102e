/** Random work on a FAT volume, by seed, and a plain model of what must be on it afterwards: a listing has a line for each path. */
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { type Listing, grow, names, pattern, readFile } from '@anykernel/conformance-diskfs';
import { Rng } from '@anykernel/host-sim';
import { O_CREAT, O_RDWR, O_TRUNC } from '@anykernel/lib-sys';
import type { Sys } from '@anykernel/rumpkern';

/** A file's bytes, or a directory. */
class Node {
  data: Uint8Array = new Uint8Array(0);
  readonly kids = new Map<string, Node>();
  constructor(readonly isDir: boolean) {}
}

function sha(b: Uint8Array): string {
  return createHash('sha1').update(b).digest('hex').slice(0, 12);
}

function line(isDir: boolean, data: Uint8Array): string {
  return isDir ? 'directory' : `file ${data.length} ${sha(data)}`;
}

export function listModel(root: Node, path = '', found: Listing = new Map()): Listing {
  for (const [name, kid] of root.kids) {
    found.set(path + name, line(kid.isDir, kid.data));
    listModel(kid, `${path}${name}/`, found);
  }
  return found;
}

/** What a kernel sees below its current directory. What cannot be looked at is listed with its error, where that is `tolerated`. */
export function listSys(sys: Sys, tolerated = false, dir = '.', path = '', found: Listing = new Map()): Listing {
  for (const name of names(sys, dir)) {
    const at = path + name;
    try {
      const isDir = (sys.stat(at).mode & 0o170000) === 0o040000;
      found.set(at, line(isDir, isDir ? new Uint8Array(0) : readFile(sys, at)));
      if (isDir) listSys(sys, tolerated, at, `${at}/`, found);
    } catch (e) {
      const { code } = e as { code?: string };
      if (!tolerated || code === undefined) throw e;
      found.set(at, code);
    }
  }
  return found;
}

/** What is in a folder of the host. */
export function listFolder(folder: string, path = '', found: Listing = new Map()): Listing {
  for (const name of readdirSync(`${folder}/${path}`)) {
    const at = path + name;
    const isDir = statSync(`${folder}/${at}`).isDirectory();
    found.set(at, line(isDir, isDir ? new Uint8Array(0) : readFileSync(`${folder}/${at}`)));
    if (isDir) listFolder(folder, `${at}/`, found);
  }
  return found;
}

const WORDS = ['a', 'B', 'readme', 'README', 'Long Name', 'x.y.z', 'été', 'Ω', 'file', '.dot', 'n+1', '漢字', 'mixedCase.Txt', 'UPPER.TXT'];

export class Workload {
  readonly root = new Node(true);
  readonly rng: Rng;
  /** Paths that the last step touched. */
  touched: string[] = [];
  readonly #sys: Sys;
  readonly #maxFile: number;

  constructor(sys: Sys, seed: number, maxFile = 200_000) {
    this.#sys = sys;
    this.rng = new Rng(seed);
    this.#maxFile = maxFile;
  }

  /** What there must be now. */
  listing(): Listing {
    return listModel(this.root);
  }

  #all(want: (n: Node) => boolean, dir: Node = this.root, path = '', found: [string, Node, string, Node][] = []): [string, Node, string, Node][] {
    for (const [name, kid] of dir.kids) {
      if (want(kid)) found.push([path + name, dir, name, kid]);
      this.#all(want, kid, `${path}${name}/`, found);
    }
    return found;
  }

  #pick(want: (n: Node) => boolean): [string, Node, string, Node] | undefined {
    const found = this.#all(want);
    return found.length === 0 ? undefined : found[this.rng.below(found.length)];
  }

  #dir(): [string, Node] {
    const found: [string, Node][] = [['', this.root], ...this.#all((n) => n.isDir).map(([p, , , n]): [string, Node] => [`${p}/`, n])];
    return found[this.rng.below(found.length)];
  }

  /** A name that is not in the directory, in any case. */
  #fresh(dir: Node): string {
    const taken = new Set([...dir.kids.keys()].map((name) => name.toUpperCase()));
    for (;;) {
      let name = WORDS[this.rng.below(WORDS.length)];
      if (this.rng.below(2) === 0) name += this.rng.below(1000);
      if (this.rng.below(10) === 0) name = (name + 'long '.repeat(50)).slice(0, 100 + this.rng.below(100)).trimEnd();
      if (!taken.has(name.toUpperCase())) return name;
    }
  }

  step(): void {
    this.touched = [];
    const n = this.rng.below(62);
    if (n < 12) this.#create();
    else if (n < 30) this.#write();
    else if (n < 35) this.#truncate();
    else if (n < 40) this.#mkdir();
    else if (n < 43) this.#rmdir();
    else if (n < 51) this.#unlink();
    else if (n < 60) this.#rename();
    else this.#fallocate();
  }

  /** Runs it; whether it happened. ENOSPC is fine, and changes nothing. */
  #try(fn: () => void): boolean {
    try {
      fn();
      return true;
    } catch (e) {
      if ((e as { code?: string }).code === 'ENOSPC') return false;
      throw e;
    }
  }

  #make(isDir: boolean, call: (path: string) => void): void {
    const [path, dir] = this.#dir();
    const name = this.#fresh(dir);
    this.touched = [path + name];
    if (this.#try(() => call(path + name))) dir.kids.set(name, new Node(isDir));
  }

  #create(): void {
    this.#make(false, (path) => this.#sys.close(this.#sys.open(path, O_CREAT | O_RDWR | O_TRUNC, 0o644)));
  }

  #mkdir(): void {
    this.#make(true, (path) => this.#sys.mkdir(path, 0o755));
  }

  #write(): void {
    const found = this.#pick((n) => !n.isDir);
    if (found === undefined) return;
    const [path, , , n] = found;
    const off = this.rng.below(2) === 0 ? n.data.length : this.rng.below(n.data.length + 5000);
    const len = 1 + (this.rng.below(4) === 0 ? this.rng.below(this.#maxFile / 4) : this.rng.below(5000));
    if (off + len > this.#maxFile) return;
    const bytes = pattern(len, this.rng.below(1 << 30));
    this.touched = [path];
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

  #truncate(): void {
    const found = this.#pick((n) => !n.isDir);
    if (found === undefined) return;
    const [path, , , n] = found;
    const size = this.rng.below(3) === 0 ? 0 : this.rng.below(n.data.length * 2 + 5000);
    this.touched = [path];
    if (!this.#try(() => this.#sys.truncate(path, size))) return;
    if (size <= n.data.length) n.data = n.data.slice(0, size);
    else grow(n, size);
  }

  #fallocate(): void {
    const found = this.#pick((n) => !n.isDir);
    if (found === undefined) return;
    const [path, , , n] = found;
    const end = 1 + this.rng.below(60_000);
    this.touched = [path];
    const fd = this.#sys.open(path, O_RDWR);
    if (this.#try(() => this.#sys.posix_fallocate(fd, 0, end))) grow(n, end);
    this.#sys.close(fd);
  }

  #rmdir(): void {
    const found = this.#pick((n) => n.isDir && n.kids.size === 0);
    if (found === undefined) return;
    this.touched = [found[0]];
    this.#sys.rmdir(found[0]);
    found[1].kids.delete(found[2]);
  }

  #unlink(): void {
    const found = this.#pick((n) => !n.isDir);
    if (found === undefined) return;
    this.touched = [found[0]];
    this.#sys.unlink(found[0]);
    found[1].kids.delete(found[2]);
  }

  #rename(): void {
    const found = this.#pick(() => true);
    if (found === undefined) return;
    const [path, dir, name, n] = found;
    const [tpath, tdir] = this.#dir();
    if (n.isDir && (tpath.startsWith(`${path}/`) || tdir === n)) return;
    const fits = [...tdir.kids].filter(([, k]) => k !== n && k.isDir === n.isDir && k.kids.size === 0);
    const over = fits.length > 0 && this.rng.below(3) === 0 ? fits[this.rng.below(fits.length)] : undefined;
    const again = over === undefined && this.rng.below(6) === 0 && name.toUpperCase() !== name;
    const to = again ? [path.slice(0, path.length - name.length), dir, name.toUpperCase()] as const : [tpath, tdir, over?.[0] ?? this.#fresh(tdir)] as const;
    this.touched = [path, to[0] + to[2], ...this.#below(path).flatMap((p) => [p, to[0] + to[2] + p.slice(path.length)])];
    if (!this.#try(() => this.#sys.rename(path, to[0] + to[2]))) return;
    dir.kids.delete(name);
    to[1].kids.set(to[2], n);
  }

  #below(path: string): string[] {
    return this.#all(() => true).map(([p]) => p).filter((p) => p.startsWith(`${path}/`));
  }
}
