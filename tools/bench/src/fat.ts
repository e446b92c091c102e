/** FAT: msdosfs beside the host's own driver on a loop device, where it has one, and ChaN's FatFs in wasm (js-fatfs of npm). */
import { execFileSync } from 'node:child_process';
import nodeFs, { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hostNode } from '@anykernel/host-node';
import { msdosfs } from '@anykernel/msdosfs';
import { bootStack } from '@anykernel/stack-boot';
import { type Files, fsFiles, prefixed, sysFiles } from './files.js';
import type { Case, Subject } from './measure.js';
import { scratch } from './peers.js';
import { BLOCK, FILE_BYTES, createUnlinkLoop, fill, readFile, writeFile } from './work.js';

const MIB = 256;

/** A FAT volume with files on it. */
interface Volume {
  readonly name: string;
  readonly files: Files;
  /** Everything is on the disk. */
  sync(): void;
  /** Nothing is cached any more. */
  cold(): void;
  done(): void;
}

function makeFat(file: string): void {
  execFileSync('mkfs.fat', ['-F', '32', '-C', file, String(MIB * 1024)], { stdio: 'pipe' });
}

/** fsck.fat finds nothing to mend, or throws. */
function assertClean(file: string): void {
  execFileSync('fsck.fat', ['-n', file], { stdio: 'pipe' });
}

function rumpFat(where: 'file' | 'memory'): Volume {
  const dir = scratch();
  const image = join(dir, 'disk.img');
  makeFat(image);
  const host = hostNode();
  const bytes = where === 'memory' ? new Uint8Array(readFileSync(image)) : undefined;
  if (bytes !== undefined) host.provide('memory:disk', bytes);
  const kernel = bootStack(host, [msdosfs], [{ type: 'msdosfs', source: bytes === undefined ? image : 'memory:disk', on: '/e' }]);
  const { sys } = kernel.proc1;
  const spec = sys.getvfsstat(1).find((s) => s.mntonname === '/e')?.mntfromname;
  return {
    name: `rump msdosfs, ${where}`,
    files: prefixed(sysFiles(sys), '/e'),
    sync: () => sys.sync(),
    cold(): void {
      sys.unmount('/e', 0);
      sys.mount('msdosfs', '/e', 0, { fspec: spec });
    },
    done(): void {
      kernel.halt();
      if (bytes !== undefined) writeFileSync(image, bytes);
      assertClean(image);
      rmSync(dir, { recursive: true });
    },
  };
}

/** The host kernel's own driver on a loop device; undefined where it has none. */
function hostFat(): Volume | undefined {
  const dir = scratch();
  const image = join(dir, 'disk.img');
  const mnt = join(dir, 'mnt');
  makeFat(image);
  nodeFs.mkdirSync(mnt);
  const mount = (): void => void execFileSync('mount', ['-t', 'vfat', '-o', 'loop', image, mnt], { stdio: 'pipe' });
  try {
    mount();
  } catch {
    rmSync(dir, { recursive: true });
    return undefined;
  }
  return {
    name: 'host vfat, loop',
    files: fsFiles(nodeFs, mnt),
    sync: () => execFileSync('sync', ['-f', mnt]),
    cold(): void {
      execFileSync('umount', [mnt]);
      mount();
    },
    done(): void {
      execFileSync('umount', [mnt]);
      rmSync(dir, { recursive: true });
    },
  };
}

/** The calls of FatFs that are used here. */
interface FatFs {
  f_mount(fs: number, path: string, opt: number): number;
  f_unmount(path: string): number;
  f_open(fp: number, path: string, mode: number): number;
  f_close(fp: number): number;
  f_read(fp: number, buf: number, len: number, got: number): number;
  f_write(fp: number, buf: number, len: number, put: number): number;
  f_lseek(fp: number, off: number): number;
  f_stat(path: string, info: number): number;
  f_unlink(path: string): number;
  f_mkdir(path: string): number;
  malloc(size: number): number;
  getValue(at: number, type: string): number;
  setValue(at: number, value: number, type: string): void;
  readonly HEAPU8: Uint8Array;
}
interface FatFsModule {
  create(options: { diskio: object }): Promise<FatFs>;
  readonly sizeof_FATFS: number;
  readonly sizeof_FIL: number;
  readonly sizeof_FILINFO: number;
}

const FA_READ_WRITE = 3;
const FA_CREATE_ALWAYS = 8;
const SECTOR = 512;
const CTRL_SYNC = 0;
const GET_SECTOR_COUNT = 1;
const GET_SECTOR_SIZE = 2;

function check(result: number): void {
  if (result !== 0) throw new Error(`FatFs says ${result}`);
}

/** What FatFs asks of a disk, over an image in memory. */
function memoryDisk(image: Uint8Array): object {
  return {
    initialize: () => 0,
    status: () => 0,
    read(ff: FatFs, _drive: number, buf: number, sector: number, count: number): number {
      ff.HEAPU8.set(image.subarray(sector * SECTOR, (sector + count) * SECTOR), buf);
      return 0;
    },
    write(ff: FatFs, _drive: number, buf: number, sector: number, count: number): number {
      image.set(ff.HEAPU8.subarray(buf, buf + count * SECTOR), sector * SECTOR);
      return 0;
    },
    ioctl(ff: FatFs, _drive: number, cmd: number, buf: number): number {
      if (cmd === GET_SECTOR_COUNT) ff.setValue(buf, image.length / SECTOR, 'i32');
      else if (cmd === GET_SECTOR_SIZE) ff.setValue(buf, SECTOR, 'i16');
      else if (cmd !== CTRL_SYNC) ff.setValue(buf, 1, 'i32');
      return 0;
    },
  };
}

async function wasmFat(): Promise<Volume> {
  const module = (await import('js-fatfs' as string)) as unknown as FatFsModule;
  const dir = scratch();
  makeFat(join(dir, 'disk.img'));
  const image = new Uint8Array(readFileSync(join(dir, 'disk.img')));
  rmSync(dir, { recursive: true });
  const ff = await module.create({ diskio: memoryDisk(image) });
  const volume = ff.malloc(module.sizeof_FATFS);
  const info = ff.malloc(module.sizeof_FILINFO);
  const moved = ff.malloc(4);
  const data = ff.malloc(BLOCK.length);
  check(ff.f_mount(volume, '', 1));
  const spare: number[] = [];
  const open = (path: string, mode: number): number => {
    const fp = spare.pop() ?? ff.malloc(module.sizeof_FIL);
    check(ff.f_open(fp, path, mode));
    return fp;
  };
  const files: Files = {
    stat: (path) => check(ff.f_stat(path, info)),
    open: (path) => open(path, FA_READ_WRITE),
    create: (path) => open(path, FA_READ_WRITE | FA_CREATE_ALWAYS),
    close(fp): void {
      check(ff.f_close(fp));
      spare.push(fp);
    },
    unlink: (path) => check(ff.f_unlink(path)),
    mkdir: (path) => check(ff.f_mkdir(path)),
    read(fp, buf, off): number {
      check(ff.f_lseek(fp, off));
      check(ff.f_read(fp, data, buf.length, moved));
      buf.set(ff.HEAPU8.subarray(data, data + buf.length));
      return ff.getValue(moved, 'i32');
    },
    write(fp, buf, off): number {
      check(ff.f_lseek(fp, off));
      ff.HEAPU8.set(buf, data);
      check(ff.f_write(fp, data, buf.length, moved));
      return ff.getValue(moved, 'i32');
    },
    truncate: () => undefined,
    fsync: () => undefined,
  };
  return {
    name: 'js-fatfs of npm (wasm), memory',
    files,
    sync: () => undefined,
    cold(): void {
      check(ff.f_unmount(''));
      check(ff.f_mount(volume, '', 1));
    },
    done: () => check(ff.f_unmount('')),
  };
}

function fatCase(name: string, unit: Case['unit'], reach: number, c: number, make: (v: Volume) => Omit<Subject, 'name' | 'done'>): Case {
  return {
    name,
    unit,
    reach,
    c,
    async subjects(): Promise<Subject[]> {
      const host = hostFat();
      const volumes = [rumpFat('memory'), rumpFat('file'), ...(host === undefined ? [] : [host]), await wasmFat()];
      return volumes.map((v) => ({ name: v.name, ...make(v), done: () => v.done() }));
    },
  };
}

export const FAT_CASES: readonly Case[] = [
  fatCase('msdosfs cold read, 64 KiB', 'GB/s', 0.4, 0.2, (v) => {
    const fd = v.files.create('/big');
    writeFile(v.files, fd, FILE_BYTES);
    v.files.close(fd);
    const buf = new Uint8Array(BLOCK.length);
    let open = -1;
    return {
      before(): void {
        if (open >= 0) v.files.close(open);
        v.cold();
        open = v.files.open('/big');
      },
      run(): number {
        const n = readFile(v.files, open, buf, FILE_BYTES);
        v.files.close(open);
        open = -1;
        return n;
      },
    };
  }),
  fatCase('msdosfs growing write and sync, 64 KiB', 'GB/s', 0.62, 0.31, (v) => ({
    before: () => v.files.close(v.files.create('/big')),
    run(): number {
      const fd = v.files.open('/big');
      const n = writeFile(v.files, fd, FILE_BYTES);
      v.files.close(fd);
      v.sync();
      return n;
    },
  })),
  fatCase('msdosfs create+unlink', 'calls/s', 12.4e3, 6.2e3, (v) => {
    fill(v.files, '/d', 4);
    return { run: () => createUnlinkLoop(v.files, '/d', 20_000) };
  }),
];
