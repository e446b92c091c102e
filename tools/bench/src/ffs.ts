/** FFS: ours on UFS2, with and without a log. Neither the host nor a package of npm has a driver that writes it: NetBSD's rump kernel in C is the measure. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ffs, fsck } from '@anykernel/ffs';
import { hostNode } from '@anykernel/host-node';
import { MNT_LOG } from '@anykernel/lib-sys';
import { bootStack } from '@anykernel/stack-boot';
import { type Files, prefixed, sysFiles } from './files.js';
import type { Case, Subject } from './measure.js';
import { scratch } from './peers.js';
import { BLOCK, FILE_BYTES, createUnlinkLoop, fill, readFile, writeFile } from './work.js';

const MIB = 256;

interface Volume {
  readonly name: string;
  readonly files: Files;
  /** Everything is on the disk. */
  sync(): void;
  /** Nothing is cached any more. */
  cold(): void;
  done(): void;
}

/** An image made by makefs, with blocks of 16 KiB. */
function makeImage(dir: string): string {
  const image = join(dir, 'disk.img');
  mkdirSync(join(dir, 'tree'));
  execFileSync('makefs', ['-t', 'ffs', '-o', 'version=2,bsize=16384,fsize=2048', '-s', `${MIB}m`, '-f', '10000', image, join(dir, 'tree')], { stdio: 'pipe' });
  return image;
}

/** The checker finds nothing to mend, or throws. */
function assertClean(b: Uint8Array): void {
  const { problems } = fsck({ size: b.length, read: (off, len) => b.subarray(off, off + len), write: () => undefined }, { time: 0 });
  if (problems.length > 0) throw new Error(problems[0].text);
}

function volume(where: 'file' | 'memory', log: boolean): Volume {
  const dir = scratch();
  const image = makeImage(dir);
  const host = hostNode();
  const bytes = where === 'memory' ? new Uint8Array(readFileSync(image)) : undefined;
  if (bytes !== undefined) host.provide('memory:disk', bytes);
  const kernel = bootStack(host, [ffs], [{ type: 'ffs', source: bytes === undefined ? image : 'memory:disk', on: '/e', options: log ? ['log'] : [] }]);
  const { sys } = kernel.proc1;
  const spec = sys.getvfsstat(1).find((s) => s.mntonname === '/e')?.mntfromname;
  return {
    name: `rump ffs2${log ? ' with a log' : ''}, ${where}`,
    files: prefixed(sysFiles(sys), '/e'),
    sync: () => sys.sync(),
    cold(): void {
      sys.unmount('/e', 0);
      sys.mount('ffs', '/e', log ? MNT_LOG : 0, { fspec: spec });
    },
    done(): void {
      kernel.halt();
      if (bytes !== undefined) writeFileSync(image, bytes);
      assertClean(new Uint8Array(readFileSync(image)));
      rmSync(dir, { recursive: true });
    },
  };
}

function ffsCase(name: string, unit: Case['unit'], reach: number, c: number, log: boolean, make: (v: Volume) => Omit<Subject, 'name' | 'done'>): Case {
  return {
    name,
    unit,
    reach,
    c,
    subjects: (): Subject[] => (['memory', 'file'] as const).map((where) => {
      const v = volume(where, log);
      return { name: v.name, ...make(v), done: () => v.done() };
    }),
  };
}

function coldRead(v: Volume): Omit<Subject, 'name' | 'done'> {
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
}

function growingWrite(v: Volume): Omit<Subject, 'name' | 'done'> {
  return {
    before: () => v.files.close(v.files.create('/big')),
    run(): number {
      const fd = v.files.open('/big');
      const n = writeFile(v.files, fd, FILE_BYTES);
      v.files.close(fd);
      v.sync();
      return n;
    },
  };
}

function createUnlink(v: Volume): Omit<Subject, 'name' | 'done'> {
  fill(v.files, '/d', 4);
  return { run: () => createUnlinkLoop(v.files, '/d', 20_000) };
}

export const FFS_CASES: readonly Case[] = [
  ffsCase('ffs2 cold read, 64 KiB', 'GB/s', 1.08, 0.54, false, coldRead),
  ffsCase('ffs2 growing write and sync, 64 KiB', 'GB/s', 0.94, 0.47, false, growingWrite),
  ffsCase('ffs2 create+unlink', 'calls/s', 9e3, 4.5e3, false, createUnlink),
  ffsCase('ffs2 create+unlink with a log', 'calls/s', 146e3, 73e3, true, createUnlink),
];
