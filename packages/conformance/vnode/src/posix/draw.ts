/** Numbers and paths by seed. */
import type { Node } from './nodes.js';

const NAMES = ['a', 'b', 'c', 'dd', 'e-longer-name', 'f'];
/** The same to some. */
const CASED = ['A', 'Dd', 'E-Longer-Name'];

const { imul } = Math;

export class Draw {
  #state: number;
  readonly #top: string;
  readonly #names: readonly string[];

  /** `top`: what absolute paths begin with. */
  constructor(seed: number, top: string, nameMax: number) {
    this.#state = imul(seed, 0x9e3779b1) | 1;
    this.#top = top;
    this.#names = [...NAMES, ...NAMES, ...NAMES, ...NAMES, ...CASED, 'n'.repeat(nameMax), 'm'.repeat(nameMax + 1)];
  }

  below(n: number): number {
    this.#state = (imul(this.#state, 1664525) + 1013904223) | 0;
    return (this.#state >>> 8) % n;
  }

  of<T>(all: readonly T[]): T {
    return all[this.below(all.length)] as T;
  }

  /** Mostly a path to what is there, from directory `cwd` or from the top. */
  pathTo(root: Node, cwd: Node): string {
    if (this.below(6) === 0) return this.anyPath();
    const absolute = cwd.entries.size === 0 || this.below(3) === 0;
    const { path } = this.#descend(absolute ? root : cwd, false);
    return this.#dressed(path === '' ? this.#component() : path, absolute);
  }

  /** Mostly a path to what is not there, in a directory that is. */
  pathOfNew(root: Node, cwd: Node): string {
    if (this.below(8) === 0) return this.anyPath();
    const absolute = this.below(3) === 0;
    const { path, node } = this.#descend(absolute ? root : cwd, true);
    let name = this.#component();
    for (let i = 0; i < 3 && node.entries.has(name); i++) name = this.#component();
    return this.#dressed(path === '' ? name : `${path}/${name}`, absolute);
  }

  /** Down from a directory, for some steps. */
  #descend(from: Node, toDir: boolean): { path: string; node: Node } {
    const parts: string[] = [];
    let node = from;
    while (node.entries.size > 0 && (this.below(3) > 0 || (!toDir && parts.length === 0))) {
      const entry = this.of([...node.entries.values()]);
      if (toDir && entry.node.kind !== 'dir') break;
      parts.push(entry.name);
      node = entry.node;
    }
    return { path: parts.join('/'), node };
  }

  /** A path of components as they come. */
  anyPath(): string {
    let path = this.#component();
    while (this.below(10) < 4 && path.length < 40) path += `${this.below(12) === 0 ? '//' : '/'}${this.#component()}`;
    return this.#dressed(path, this.below(10) === 0);
  }

  /** From the top; now and then with a slash behind it. */
  #dressed(path: string, absolute: boolean): string {
    return `${absolute ? `${this.#top}/` : ''}${path}${this.below(16) === 0 ? '/' : ''}`;
  }

  #component(): string {
    const kind = this.below(16);
    return kind === 0 ? '.' : kind === 1 ? '..' : this.of(this.#names);
  }
}
