/** On what the probe runs: kernels through ukfs, the libraries that people use instead, the host itself. */
import nodeFs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newfs } from '@anykernel/ext2fs';
import { bareHostNode } from '@anykernel/host-node';
import { bareBoot } from '@anykernel/rumpkern';
import { ukfs } from '@anykernel/stack-ukfs';
import { rootTmpfs } from '@anykernel/tmpfs';
import { ukfs as ukfsOf } from '@anykernel/ukfs';
import type { Fs } from './probe.js';

export interface Subject {
  readonly fs: Fs;
  /** Where the checks make their directories. */
  readonly base: string;
  done(): void;
}

function ext2Image(): Uint8Array {
  const image = new Uint8Array(32 << 20);
  const id = Uint8Array.from({ length: 16 }, (_, i) => i + 3);
  newfs({ size: image.length, write: (off, data) => image.set(data, off) }, { time: 1, uuid: id, hashSeed: id });
  return image;
}

async function ukfsOn(mount?: Uint8Array): Promise<Subject> {
  const fs = await ukfs({ umask: 0o022, ...(mount === undefined ? {} : { mount }) });
  fs.mkdirSync('/probe');
  return { fs: fs as unknown as Fs, base: '/probe', done: () => fs.halt() };
}

export const SUBJECTS: Readonly<Record<string, () => Promise<Subject>>> = {
  'ukfs, tmpfs': () => ukfsOn(),
  'ukfs, bare kernel': () => {
    const kernel = bareBoot(bareHostNode(), [rootTmpfs]);
    const proc = kernel.newproc();
    proc.sys.umask(0o022);
    const fs = ukfsOf(proc);
    fs.mkdirSync('/probe');
    return Promise.resolve({ fs: fs as unknown as Fs, base: '/probe', done: () => kernel.halt() });
  },
  'ukfs, ext2fs': () => ukfsOn(ext2Image()),
  async memfs() {
    const { Volume, createFsFromVolume } = await import('memfs');
    const fs = createFsFromVolume(new Volume()) as unknown as Fs;
    fs.mkdirSync('/probe');
    return { fs, base: '/probe', done: () => undefined };
  },
  async '@zenfs/core'() {
    const { InMemory, configureSingle, fs } = await import('@zenfs/core');
    await configureSingle({ backend: InMemory });
    fs.mkdirSync('/probe');
    return { fs: fs as unknown as Fs, base: '/probe', done: () => undefined };
  },
  async host() {
    process.umask(0o022);
    const parent = nodeFs.existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
    const base = nodeFs.mkdtempSync(join(parent, 'anykernel-posix-'));
    return { fs: nodeFs, base, done: () => nodeFs.rmSync(base, { recursive: true, force: true }) };
  },
};
