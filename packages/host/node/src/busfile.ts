/**
 * A bus file: mapped into memory, so that its lock is one for all processes, with koffi (an optional package). Whoever has written also writes the version
 * word through the descriptor, which wakes those who watch the file; they look every 10 ms besides.
 */
import type { BusEnd } from '@anykernel/lib-hostkit';
import { ERR } from '@anykernel/lib-sys';
import { closeSync, fstatSync, ftruncateSync, openSync, watch, writeSync } from './builtin.js';
import { errnoOf } from './errno.js';
import { koffiOf, libc } from './libc.js';

const BUS_FILE_LEN = 1_048_576;
const LOOK_MS = 10;
/** PROT_READ | PROT_WRITE, and MAP_SHARED: the same numbers on Linux, macOS and the BSDs. */
const PROT = 3;
const MAP_SHARED = 1;
const MAP_FAILED = 0xffff_ffff_ffff_ffffn;

interface Mapping {
  readonly memory: ArrayBuffer;
  unmap(): void;
}

/** Maps the start of a file, shared. ENODEV: koffi is not installed. ENOMEM. */
function map(fd: number, len: number): Mapping {
  const koffi = koffiOf();
  const mmap = libc('void *mmap(void *addr, size_t len, int prot, int flags, int fd, int64_t off)');
  const munmap = libc('int munmap(void *addr, size_t len)');
  const at = mmap(null, len, PROT, MAP_SHARED, fd, 0);
  if (at === null || koffi.address(at) === MAP_FAILED) throw ERR.ENOMEM;
  return { memory: koffi.view(at, len), unmap: () => void munmap(at, len) };
}

/** Opens a bus file, and makes it if it is not there. ENODEV: koffi is not installed. EINVAL: it is too short. */
export function openBusFile(path: string): BusEnd {
  koffiOf();
  let fd = -1;
  try {
    fd = openSync(path, 'a+');
    closeSync(fd);
    fd = openSync(path, 'r+');
    if (fstatSync(fd).size === 0) ftruncateSync(fd, BUS_FILE_LEN);
    if (fstatSync(fd).size !== BUS_FILE_LEN) throw ERR.EINVAL;
    const { memory, unmap } = map(fd, BUS_FILE_LEN);
    return new FileEnd(path, fd, new Uint8Array(memory), unmap);
  } catch (e) {
    if (fd >= 0) closeSync(fd);
    throw errnoOf(e);
  }
}

class FileEnd implements BusEnd {
  readonly native = false;
  #stop: (() => void) | undefined;

  constructor(
    readonly path: string,
    readonly fd: number,
    readonly memory: Uint8Array,
    readonly unmap: () => void,
  ) {}

  ring(): void {
    writeSync(this.fd, this.memory, 4, 4, 4);
  }

  listen(fn: () => void): void {
    const watcher = watch(this.path, { persistent: false }, fn);
    const timer = setInterval(fn, LOOK_MS).unref();
    this.#stop = () => {
      watcher.close();
      clearInterval(timer);
    };
  }

  /** The driver looks at the memory no more. */
  close(): void {
    this.#stop?.();
    closeSync(this.fd);
    this.unmap();
  }
}
