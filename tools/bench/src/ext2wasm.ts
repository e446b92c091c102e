/** The npm package ext2fs (libext2fs in wasm): the peer of ext2fs. It has promises only. */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Subject } from './measure.js';
import { makeImage, scratch } from './peers.js';
import { BLOCK, FILE_BYTES } from './work.js';

/** What ext2fs asks of a disk, over an image in memory. */
class MemoryDisk {
  constructor(readonly bytes: Buffer) {}
  async getCapacity(): Promise<number> {
    return this.bytes.length;
  }
  async read(buffer: Buffer, bufferOffset: number, length: number, fileOffset: number): Promise<{ bytesRead: number; buffer: Buffer }> {
    const bytesRead = this.bytes.copy(buffer, bufferOffset, fileOffset, fileOffset + length);
    return { bytesRead, buffer };
  }
  async write(buffer: Buffer, bufferOffset: number, length: number, fileOffset: number): Promise<{ bytesWritten: number; buffer: Buffer }> {
    buffer.copy(this.bytes, fileOffset, bufferOffset, bufferOffset + length);
    return { bytesWritten: length, buffer };
  }
  async discard(): Promise<void> {}
  async flush(): Promise<void> {}
}

interface Handle {
  read(buffer: Buffer, offset: number, length: number, position: number): Promise<{ bytesRead: number }>;
  write(buffer: Buffer, offset: number, length: number, position: number): Promise<unknown>;
  close(): Promise<void>;
}
interface Promises {
  open(path: string, flags: string): Promise<Handle>;
  stat(path: string): Promise<unknown>;
  unlink(path: string): Promise<void>;
}
interface Ext2fs {
  mount(disk: MemoryDisk, offset?: number): Promise<{ promises: Promises }>;
  umount(fs: unknown): Promise<void>;
}

/** One kind of work on it. */
export async function ext2Wasm(work: 'read' | 'grow' | 'create' | 'stat', mib: number): Promise<Subject> {
  const ext2fs = (await import('ext2fs' as string)) as unknown as Ext2fs & { default?: Ext2fs };
  const api = ext2fs.default ?? ext2fs;
  const dir = scratch();
  const image = join(dir, 'disk.img');
  makeImage(image, mib);
  const disk = new MemoryDisk(readFileSync(image));
  rmSync(dir, { recursive: true });
  let fs = await api.mount(disk);
  const remount = async (): Promise<void> => {
    await api.umount(fs);
    fs = await api.mount(disk);
  };
  const buf = Buffer.from(BLOCK);
  const write = async (): Promise<number> => {
    const h = await fs.promises.open('/big', 'w');
    for (let off = 0; off < FILE_BYTES; off += buf.length) await h.write(buf, 0, buf.length, off);
    await h.close();
    return FILE_BYTES;
  };
  if (work === 'read') await write();
  await (await fs.promises.open('/file', 'w')).close();
  const run: Record<typeof work, () => Promise<number>> = {
    async read(): Promise<number> {
      const h = await fs.promises.open('/big', 'r');
      let total = 0;
      for (let off = 0; off < FILE_BYTES; off += buf.length) total += (await h.read(buf, 0, buf.length, off)).bytesRead;
      await h.close();
      if (total !== FILE_BYTES) throw new Error(`ext2fs read ${total} bytes`);
      return total;
    },
    grow: write,
    async create(): Promise<number> {
      for (let i = 0; i < 2000; i++) {
        await (await fs.promises.open('/new', 'w')).close();
        await fs.promises.unlink('/new');
      }
      return 2000;
    },
    async stat(): Promise<number> {
      for (let i = 0; i < 5000; i++) await fs.promises.stat('/file');
      return 5000;
    },
  };
  return {
    name: 'ext2fs of npm (wasm), memory',
    ...(work === 'read' ? { before: remount } : {}),
    run: run[work],
    done: () => api.umount(fs),
  };
}
