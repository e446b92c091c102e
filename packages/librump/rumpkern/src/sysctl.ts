/**
 * The sysctl tree: values of the kernel by name (`kern.hostname`) or by number ([1, 10]).
 *
 * Whoever has a value attaches a leaf with functions that get and set it, and takes it out when it goes. Inner nodes come and go with
 * their leaves. A leaf may answer for a whole subtree (`net.inet.tcp.pcblist.0.0`): it gets the rest of the name.
 */
import { CTL_MAXNAME, ERR, type SysctlName, type SysctlValue } from '@anykernel/lib-sys';
import type { Kernel } from './kernel.js';
import type { Lwp } from './proc.js';
import type { SysctlTree } from './sysctlnone.js';

export type SysctlType = 'int' | 'quad' | 'bool' | 'string' | 'struct';

/** A value in the tree. Without `set` it is read-only. */
export interface SysctlLeaf {
  readonly type: SysctlType;
  /** Its number; a free one is taken if it has none. */
  readonly num?: number;
  readonly description?: string;
  /** `rest`: what the name has beyond this leaf, which `rest: true` allows. ENOENT, ENOTDIR. */
  get(l: Lwp, rest: readonly number[]): SysctlValue;
  /** EINVAL: not a value for it. */
  set?(value: SysctlValue, l: Lwp, rest: readonly number[]): void;
  readonly rest?: boolean;
  /** Anyone may set it; otherwise the superuser. */
  readonly anyone?: boolean;
}

interface Node {
  readonly name: string;
  readonly num: number;
  leaf: SysctlLeaf | undefined;
  readonly children: Map<string, Node>;
}

/** What walk() tells of a leaf. */
export interface SysctlEntry {
  readonly name: string;
  readonly mib: readonly number[];
  readonly leaf: SysctlLeaf;
}

/** Numbers that are handed out start here. */
const DYNAMIC = 1024;
/** Inner nodes that have numbers of their own, in NetBSD. */
const NUMBERS: Readonly<Record<string, number>> = {
  kern: 1, vm: 2, vfs: 3, net: 4, debug: 5, hw: 6, machdep: 7, user: 8, ddb: 9, proc: 10, vendor: 11, emul: 12, security: 13,
  'vfs.generic': 0, 'net.local': 1, 'net.inet': 2, 'net.route': 17, 'net.inet6': 24, 'net.inet.ip': 0, 'net.inet.icmp': 1, 'net.inet.tcp': 6, 'net.inet.udp': 17,
  'net.inet6.tcp6': 6, 'net.inet6.udp6': 17, 'net.inet6.ip6': 41, 'net.inet6.icmp6': 58, 'kern.mbuf': 39, 'kern.pipe': 57,
};

/** Puts the base's values in place: done when the tree is first used, since most kernels never do. */
export type SysctlSetup = (k: Kernel, attach: (name: string, leaf: SysctlLeaf) => () => void) => void;

export class Sysctl implements SysctlTree {
  readonly #k: Kernel;
  readonly #root: Node = newNode('', 0);
  #setup: SysctlSetup | undefined;

  constructor(k: Kernel, setup: SysctlSetup) {
    this.#k = k;
    this.#setup = setup;
  }

  attach(name: string, leaf: SysctlLeaf): () => void {
    const words = name.split('.');
    if (words.length > CTL_MAXNAME || words.some((word) => !/^[A-Za-z0-9_@-]+$/.test(word))) throw ERR.EINVAL;
    const path = [this.#root];
    words.forEach((word, i) => {
      const up = path[i];
      if (up.leaf !== undefined) throw ERR.EEXIST;
      const last = i === words.length - 1;
      const known = up.children.get(word);
      if (known !== undefined && last) throw ERR.EEXIST;
      path.push(known ?? addChild(up, word, last ? leaf.num : NUMBERS[words.slice(0, i + 1).join('.')]));
    });
    path[words.length].leaf = leaf;
    return () => {
      for (let i = words.length; i > 0 && path[i].children.size === 0; i--) path[i - 1].children.delete(words[i - 1]);
    };
  }

  access(l: Lwp, name: SysctlName, value?: SysctlValue): SysctlValue {
    const { node, rest } = this.#find(name);
    const leaf = node.leaf;
    if (leaf === undefined) {
      if (value !== undefined) throw ERR.EISDIR;
      return [...node.children.keys()];
    }
    const before = leaf.get(l, rest);
    if (value === undefined) return before;
    if (leaf.set === undefined || (leaf.anyone !== true && !l.proc.cred.isRoot)) throw ERR.EPERM;
    if (!fits(leaf.type, value)) throw ERR.EINVAL;
    leaf.set(value, l, rest);
    return before;
  }

  get(name: SysctlName): SysctlValue {
    return this.access(this.#k.proc0.lwp, name);
  }

  set(name: SysctlName, value: SysctlValue): void {
    this.access(this.#k.proc0.lwp, name, value);
  }

  mib(name: string): readonly number[] {
    const mib: number[] = [];
    let node = this.#ready();
    for (const word of name.split('.')) {
      node = node.children.get(word) ?? refuse();
      mib.push(node.num);
    }
    return mib;
  }

  walk(): SysctlEntry[] {
    const all: SysctlEntry[] = [];
    const visit = (node: Node, name: string, mib: readonly number[]): void => {
      if (node.leaf !== undefined) all.push({ name, mib, leaf: node.leaf });
      const below = [...node.children.values()].sort((a, b) => a.num - b.num);
      for (const child of below) visit(child, name === '' ? child.name : `${name}.${child.name}`, [...mib, child.num]);
    };
    visit(this.#ready(), '', []);
    return all;
  }

  #find(name: SysctlName): { node: Node; rest: readonly number[] } {
    const parts: readonly (string | number)[] = typeof name === 'string' ? (name === '' ? [] : name.split('.')) : name;
    if (!Array.isArray(parts) || parts.length > CTL_MAXNAME) throw ERR.EINVAL;
    let node = this.#ready();
    for (let i = 0; i < parts.length; i++) {
      if (node.leaf !== undefined) {
        if (node.leaf.rest !== true) throw ERR.ENOTDIR;
        return { node, rest: parts.slice(i).map(Number) };
      }
      node = child(node, parts[i]) ?? refuse();
    }
    return { node, rest: [] };
  }

  #ready(): Node {
    const setup = this.#setup;
    if (setup !== undefined) {
      this.#setup = undefined;
      setup(this.#k, (name, leaf) => this.attach(name, leaf));
    }
    return this.#root;
  }
}

function newNode(name: string, num: number): Node {
  return { name, num, leaf: undefined, children: new Map() };
}

function addChild(up: Node, name: string, wanted: number | undefined): Node {
  const taken = new Set([...up.children.values()].map((node) => node.num));
  let num = wanted ?? DYNAMIC;
  if (wanted !== undefined && taken.has(wanted)) throw ERR.EEXIST;
  while (taken.has(num)) num++;
  const node = newNode(name, num);
  up.children.set(name, node);
  return node;
}

function child(node: Node, part: string | number): Node | undefined {
  const byName = typeof part === 'string' ? node.children.get(part) : undefined;
  if (byName !== undefined) return byName;
  const num = Number(part);
  for (const below of node.children.values()) if (below.num === num) return below;
  return undefined;
}

function refuse(): never {
  throw ERR.ENOENT;
}

function fits(type: SysctlType, value: SysctlValue): boolean {
  switch (type) {
    case 'int':
      return Number.isInteger(value) && (value as number) >= -0x8000_0000 && (value as number) <= 0xffff_ffff;
    case 'quad':
      return Number.isSafeInteger(value);
    case 'bool':
      return typeof value === 'boolean';
    case 'string':
      return typeof value === 'string';
    case 'struct':
      return value instanceof Uint8Array;
  }
}
