/** ISO 9660: cd9660 beside the host's own driver on a loop device, where it has one, and the backend for ISO images of ZenFS. */
import { execFileSync } from 'node:child_process';
import nodeFs, { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cd9660 } from '@anykernel/cd9660';
import { hostNode } from '@anykernel/host-node';
import { bootStack } from '@anykernel/stack-boot';
import { type Files, fsFiles, prefixed, sysFiles } from './files.js';
import type { Case, Subject } from './measure.js';
import { scratch } from './peers.js';
import { BLOCK, FILE_BYTES, readFile, statAll } from './work.js';

const COUNT = 2000;

/** A disc with a large file and a directory of many. */
interface Disc {
  readonly name: string;
  readonly files: Files;
  /** Nothing is cached any more. */
  cold(): void | Promise<void>;
  done(): void;
}

/** The image, in a folder of its own. */
function makeIso(): { dir: string; image: string } {
  const dir = scratch();
  const tree = join(dir, 'tree');
  mkdirSync(join(tree, 'd'), { recursive: true });
  writeFileSync(join(tree, 'big.bin'), new Uint8Array(FILE_BYTES).fill(0x5a));
  for (let i = 0; i < COUNT; i++) writeFileSync(join(tree, `d/file${i}`), 'x');
  const image = join(dir, 'disc.iso');
  execFileSync('genisoimage', ['-quiet', '-R', '-o', image, tree], { stdio: 'pipe' });
  rmSync(tree, { recursive: true });
  return { dir, image };
}

function rumpIso(where: 'file' | 'memory'): Disc {
  const { dir, image } = makeIso();
  const host = hostNode();
  if (where === 'memory') host.provide('memory:disk', new Uint8Array(readFileSync(image)));
  const kernel = bootStack(host, [cd9660], [{ type: 'cd9660', source: where === 'file' ? image : 'memory:disk', on: '/e', options: ['ro'] }]);
  const { sys } = kernel.proc1;
  const spec = sys.getvfsstat(1).find((s) => s.mntonname === '/e')?.mntfromname;
  const files = prefixed({ ...sysFiles(sys), open: (path) => sys.open(path, 0) }, '/e');
  return {
    name: `rump cd9660, ${where}`,
    files,
    cold(): void {
      sys.unmount('/e', 0);
      sys.mount('cd9660', '/e', 1, { fspec: spec });
    },
    done(): void {
      kernel.halt();
      rmSync(dir, { recursive: true });
    },
  };
}

/** The host kernel's own driver on a loop device; undefined where it has none. */
function hostIso(): Disc | undefined {
  const { dir, image } = makeIso();
  const mnt = join(dir, 'mnt');
  mkdirSync(mnt);
  const mount = (): void => void execFileSync('mount', ['-t', 'iso9660', '-o', 'loop,ro', image, mnt], { stdio: 'pipe' });
  try {
    mount();
  } catch {
    rmSync(dir, { recursive: true });
    return undefined;
  }
  return {
    name: 'host iso9660, loop',
    files: { ...fsFiles(nodeFs, mnt), open: (path) => nodeFs.openSync(mnt + path, 'r') },
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

async function zenIso(): Promise<Disc> {
  const { configure, fs, umount } = await import('@zenfs/core');
  const { Iso } = (await import('@zenfs/archives' as string)) as unknown as { Iso: never };
  const { dir, image } = makeIso();
  const data = new Uint8Array(readFileSync(image));
  rmSync(dir, { recursive: true });
  const mount = (): Promise<void> => configure({ mounts: { '/iso': { backend: Iso, data } as never } });
  await mount();
  const zen = fs as unknown as typeof nodeFs;
  return {
    name: '@zenfs/archives Iso, memory',
    files: { ...fsFiles(zen, '/iso'), open: (path) => zen.openSync(`/iso${path}`, 'r') },
    async cold(): Promise<void> {
      umount('/iso');
      await mount();
    },
    done: () => umount('/iso'),
  };
}

/** `zen`: it finds the files; their names have to have an extension for that, and nothing of Rock Ridge is seen. */
function isoCase(name: string, unit: Case['unit'], reach: number | undefined, zen: boolean, make: (d: Disc) => Omit<Subject, 'name' | 'done'>): Case {
  return {
    name,
    unit,
    ...(reach === undefined ? {} : { reach }),
    async subjects(): Promise<Subject[]> {
      const host = hostIso();
      const discs = [rumpIso('memory'), rumpIso('file'), ...(host === undefined ? [] : [host]), ...(zen ? [await zenIso()] : [])];
      return discs.map((d) => ({ name: d.name, ...make(d), done: () => d.done() }));
    },
  };
}

export const ISO_CASES: readonly Case[] = [
  isoCase('cd9660 cold read, 64 KiB', 'GB/s', 1, true, (d) => {
    const buf = new Uint8Array(BLOCK.length);
    return {
      before: () => d.cold(),
      run(): number {
        const fd = d.files.open('/big.bin');
        const n = readFile(d.files, fd, buf, FILE_BYTES);
        d.files.close(fd);
        return n;
      },
    };
  }),
  isoCase(`cd9660 stat of ${COUNT} files, after mounting`, 'ms', undefined, false, (d) => ({
    before: () => d.cold(),
    run: () => statAll(d.files, '/d', COUNT),
  })),
];
