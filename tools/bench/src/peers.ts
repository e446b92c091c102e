/** The subjects: kernels with tmpfs and ext2fs, and those that people use today. */
import { execFileSync } from 'node:child_process';
import nodeFs, { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ext2fs } from '@anykernel/ext2fs';
import { hostNode } from '@anykernel/host-node';
import type { Kernel } from '@anykernel/rumpkern';
import { bootStack } from '@anykernel/stack-boot';
import { tmpfs } from '@anykernel/tmpfs';
import { type Files, fsFiles, prefixed, sysFiles } from './files.js';

/** Something with files, and how to be done with it. */
export interface Peer {
  readonly name: string;
  readonly files: Files;
  done(): void;
}

export function rumpTmpfs(): Peer & { kernel: Kernel } {
  const kernel = bootStack(hostNode(), [tmpfs], [{ type: 'tmpfs', on: '/t' }]);
  const p = kernel.newproc({ comm: 'bench' });
  p.sys.chroot('/t');
  p.sys.chdir('/');
  return { name: 'rump tmpfs', kernel, files: sysFiles(p.sys), done: () => kernel.halt() };
}

/** A directory of its own on the host's tmpfs, or where temporary files are. */
export function scratch(): string {
  return mkdtempSync(join(nodeFs.existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'anykernel-bench-'));
}

export function hostTmpfs(): Peer {
  const dir = scratch();
  return { name: 'node:fs, host tmpfs', files: fsFiles(nodeFs, dir), done: () => rmSync(dir, { recursive: true }) };
}

export async function memfs(): Promise<Peer> {
  const { Volume, createFsFromVolume } = await import('memfs');
  const fs = createFsFromVolume(new Volume()) as unknown as typeof nodeFs;
  return { name: 'memfs', files: fsFiles(fs, ''), done: () => undefined };
}

export async function zenfs(): Promise<Peer> {
  const { InMemory, configureSingle, fs } = await import('@zenfs/core');
  await configureSingle({ backend: InMemory });
  return { name: '@zenfs/core', files: fsFiles(fs as unknown as typeof nodeFs, ''), done: () => undefined };
}

/** An image made by mke2fs with today's defaults, `mib` MiB large, in `file`. */
export function makeImage(file: string, mib: number, type = 'ext2'): void {
  execFileSync('mke2fs', ['-q', '-F', '-t', type, file, `${mib}m`], { stdio: 'pipe' });
}

/** e2fsck finds nothing to mend, or throws. */
export function assertClean(file: string): void {
  execFileSync('e2fsck', ['-fn', file], { stdio: 'pipe' });
}

export interface Ext2Peer extends Peer {
  readonly kernel: Kernel;
  /** Unmounts, mounts again: nothing is cached. */
  remount(): void;
}

/** ext2fs on an image, in a file or in memory; `dir`: on a disk of the host's, to be removed at the end. */
export function rumpExt2(where: 'file' | 'memory', mib: number, type = 'ext2', dir = scratch()): Ext2Peer {
  const image = join(dir, 'disk.img');
  makeImage(image, mib, type);
  const host = hostNode();
  const bytes = where === 'memory' ? new Uint8Array(readFileSync(image)) : undefined;
  if (bytes !== undefined) host.provide('memory:disk', bytes);
  const kernel = bootStack(host, [ext2fs], [{ type: 'ext2fs', source: bytes === undefined ? image : 'memory:disk', on: '/e' }]);
  const files = prefixed(sysFiles(kernel.proc1.sys), '/e');
  const spec = kernel.proc1.sys.getvfsstat(1).find((s) => s.mntonname === '/e')?.mntfromname;
  return {
    name: `rump ext2fs${type === 'ext2' ? '' : `, ${type}`}, ${where}`,
    kernel,
    files,
    remount(): void {
      kernel.proc1.sys.unmount('/e', 0);
      kernel.proc1.sys.mount('ext2fs', '/e', 0, { fspec: spec });
    },
    done(): void {
      kernel.halt();
      if (bytes !== undefined) writeFileSync(image, bytes);
      assertClean(image);
      rmSync(dir, { recursive: true });
    },
  };
}

/** The host kernel's own ext2 on a loop device; undefined where it cannot be mounted. */
export function hostExt2(mib: number, type = 'ext2', dir = scratch()): Peer | undefined {
  const image = join(dir, 'disk.img');
  const mnt = join(dir, 'mnt');
  makeImage(image, mib, type);
  nodeFs.mkdirSync(mnt);
  try {
    execFileSync('mount', ['-o', 'loop', image, mnt], { stdio: 'pipe' });
  } catch {
    rmSync(dir, { recursive: true });
    return undefined;
  }
  return {
    name: `host ${type}, loop`,
    files: fsFiles(nodeFs, mnt),
    done(): void {
      execFileSync('umount', [mnt]);
      rmSync(dir, { recursive: true });
    },
  };
}
