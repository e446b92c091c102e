/**
 * The hypercalls on Node: what every machine gives (bare.ts), its files, the packages that are installed, and the halves of drivers.
 */
import type { HostFile, HostFileInfo, HostHalf, OpenMode, Rumpuser } from '@anykernel/host-rumpuser';
import { type Half, findHalf } from '@anykernel/lib-hostkit';
import { BareHostNode, type BareHostNodeOptions } from './bare.js';
import { shmifHalf } from './buses.js';
import { Files, type Provided } from './files.js';
import { type ImportOptions, importComponent } from './import.js';
import { virtifHalf } from './tap.js';

export interface HostNodeOptions extends BareHostNodeOptions, ImportOptions {
  /** The host's halves of drivers; see halfOf(). */
  readonly halves?: readonly Half[];
  /** Host files by name which open() finds before those of the file system; see HostNode.provide(). */
  readonly files?: { readonly [name: string]: Provided };
}

export interface HostNode extends Rumpuser {
  /** Puts an image in memory, or a host file of the caller's own making, in the host's name space. undefined takes it out. */
  provide(name: string, file: Provided | undefined): void;
}

/** A host on this Node. */
export function hostNode(options: HostNodeOptions = {}): HostNode {
  return new WholeHostNode(options);
}

/** Those that every host on Node has; the caller's come first. */
const HALVES: readonly Half[] = [shmifHalf, virtifHalf];

class WholeHostNode extends BareHostNode implements HostNode {
  readonly #options: HostNodeOptions;
  readonly #files: Files;

  constructor(options: HostNodeOptions) {
    super(options);
    this.#options = options;
    this.#files = new Files(options.files ?? {});
  }

  override open(name: string, mode: OpenMode): HostFile {
    return this.#files.open(name, mode);
  }

  override getfileinfo(name: string): HostFileInfo | undefined {
    return this.#files.getfileinfo(name);
  }
  readdir(name: string): string[] {
    return this.#files.readdir(name);
  }

  provide(name: string, file: Provided | undefined): void {
    this.#files.provide(name, file);
  }

  override importComponent(name: string, done: (component: unknown) => void): void {
    importComponent(name, this.#options, done);
  }

  override half<T>(of: HostHalf<T>): T | undefined {
    return findHalf(this.#options.halves ?? [], of) ?? findHalf(HALVES, of);
  }
}
