/**
 * A disk that stays: an ext4 in the origin private file system, by an access handle, which only a Worker has. Everything is synchronous, and
 * what was written is there when the browser starts again.
 */
import { ext2fs, newfs } from '@anykernel/ext2fs';
import { type SyncAccessHandle, accessFile, hostBrowser } from '@anykernel/host-browser';
import { bootStack } from '@anykernel/stack-boot';
import { ukfs } from '@anykernel/ukfs';

const SIZE = 16 << 20;

/** What is used of a Worker's file system; TypeScript's types of a page have it not. */
interface Handle extends SyncAccessHandle {
  truncate(size: number): void;
  close(): void;
}

interface Folder {
  getFileHandle(name: string, options: { create: boolean }): Promise<{ createSyncAccessHandle(): Promise<Handle> }>;
}

interface Worker {
  readonly navigator: { readonly storage: { getDirectory(): Promise<Folder> } };
}

export interface Counted {
  /** How often this disk was used, this time included. */
  readonly starts: number;
  /** What is on it. */
  readonly names: readonly string[];
}

/** Counts on the disk called `name`, which is made when it is not there. In a dedicated Worker. */
export async function countStarts(name: string): Promise<Counted> {
  const root = await (globalThis as unknown as Worker).navigator.storage.getDirectory();
  const file = await root.getFileHandle(name, { create: true });
  const handle = await file.createSyncAccessHandle();
  try {
    if (handle.getSize() === 0) makeDisk(handle);
    const k = bootStack(hostBrowser({ files: { disk: accessFile(handle) } }), [ext2fs], [{ type: 'ext2fs', source: 'disk', on: '/' }]);
    const fs = ukfs(k.newproc());
    fs.appendFileSync('/starts', '.');
    const { size } = fs.statSync('/starts');
    fs.writeFileSync(`/start ${size}`, new Uint8Array(100_000).fill(size));
    const names = fs.readdirSync('/');
    k.halt();
    return { starts: size, names };
  } finally {
    handle.close();
  }
}

function makeDisk(handle: Handle): void {
  handle.truncate(SIZE);
  const random = (): Uint8Array => crypto.getRandomValues(new Uint8Array(16));
  const writer = { size: SIZE, write: (off: number, data: Uint8Array): void => void handle.write(data, { at: off }) };
  newfs(writer, { type: 'ext4', time: Math.floor(Date.now() / 1000), uuid: random(), hashSeed: random(), zeroed: true });
}
