/**
 * The host's name space: what the application has provided, and nothing else. A page has no files of a machine.
 */
import type { HostFile, HostFileInfo, OpenMode } from '@anykernel/host-rumpuser';
import { memoryFile } from '@anykernel/lib-hostkit';
import { ERR } from '@anykernel/lib-sys';
import { type SyncAccessHandle, accessFile } from './access-file.js';
import { BlobFile, type BlobLike } from './blob-file.js';
import type { EventLoop } from './event-loop.js';

/** What makes a host file at each open, and throws Errno. */
export interface Opener {
  open(mode: OpenMode): HostFile;
  info(): HostFileInfo;
}

/** A host file: bytes (kept, changed in place), a Blob, a handle of the origin private file system, or an opener. */
export type Provided = Uint8Array | BlobLike | SyncAccessHandle | Opener;

export class Files {
  readonly #provided = new Map<string, Opener>();
  readonly #loop: EventLoop;
  readonly #create: ((name: string) => Provided | undefined) | undefined;

  constructor(loop: EventLoop, create: ((name: string) => Provided | undefined) | undefined) {
    this.#loop = loop;
    this.#create = create;
  }

  provide(name: string, file: Provided | undefined): void {
    if (file === undefined) this.#provided.delete(name);
    else this.#provided.set(name, this.#opener(file));
  }

  /** ENOENT. EEXIST. EROFS: it cannot be made, or not be written. */
  open(name: string, mode: OpenMode): HostFile {
    const found = this.#provided.get(name);
    if (found === undefined && mode.create !== true) throw ERR.ENOENT;
    if (found !== undefined && mode.create === true && mode.excl === true) throw ERR.EEXIST;
    return (found ?? this.#make(name)).open(mode);
  }

  getfileinfo(name: string): HostFileInfo | undefined {
    return this.#provided.get(name)?.info();
  }

  #make(name: string): Opener {
    const made = this.#create?.(name);
    if (made === undefined) throw ERR.EROFS;
    const opener = this.#opener(made);
    this.#provided.set(name, opener);
    return opener;
  }

  #opener(file: Provided): Opener {
    if (file instanceof Uint8Array) return memoryFile(file);
    if ('getSize' in file) return accessFile(file);
    return 'arrayBuffer' in file ? new BlobFile(file, this.#loop) : file;
  }
}
