/** ext4 with its journal and checksums: ours, the host's own driver on a loop device; ext2fs in wasm is measured with ext2. */
import { mkdtempSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Case, Subject } from './measure.js';
import { type Ext2Peer, type Peer, hostExt2, rumpExt2 } from './peers.js';
import { BLOCK, FILE_BYTES, createUnlinkLoop, fill, readFile, statAll, writeFile } from './work.js';

const MIB = 256;
const FILES = 10_000;

/** A folder on the host's disk, where transfers and flushes are real. */
function onDisk(): string {
  return mkdtempSync(join(homedir(), '.anykernel-bench-'));
}

function rumps(): Ext2Peer[] {
  return [rumpExt2('memory', MIB, 'ext4'), rumpExt2('file', MIB, 'ext4')];
}

function subjects<P extends Peer>(peers: readonly (P | undefined)[], make: (p: P) => Omit<Subject, 'name' | 'done'>): Subject[] {
  return peers.filter((p): p is P => p !== undefined).map((p) => ({ name: p.name, ...make(p), done: () => p.done() }));
}

function coldRead(p: Ext2Peer): Omit<Subject, 'name' | 'done'> {
  const fd = p.files.create('/big');
  writeFile(p.files, fd, FILE_BYTES);
  p.files.close(fd);
  const buf = new Uint8Array(BLOCK.length);
  let open = -1;
  return {
    before(): void {
      if (open >= 0) p.files.close(open);
      p.remount();
      open = p.files.open('/big');
    },
    run(): number {
      const n = readFile(p.files, open, buf, FILE_BYTES);
      p.files.close(open);
      open = -1;
      return n;
    },
  };
}

function growingWrite(p: Peer): Omit<Subject, 'name' | 'done'> {
  return {
    before: () => p.files.close(p.files.create('/big')),
    run(): number {
      const fd = p.files.open('/big');
      const n = writeFile(p.files, fd, FILE_BYTES);
      p.files.fsync(fd);
      p.files.close(fd);
      return n;
    },
  };
}

function createUnlink(p: Peer): Omit<Subject, 'name' | 'done'> {
  fill(p.files, '/d', 4);
  return { run: () => createUnlinkLoop(p.files, '/d', 20_000) };
}

function coldStat(p: Ext2Peer): Omit<Subject, 'name' | 'done'> {
  fill(p.files, '/d', FILES);
  return {
    before: () => p.remount(),
    run(): number {
      statAll(p.files, '/d', FILES);
      return 1;
    },
  };
}

export const EXT4_CASES: readonly Case[] = [
  { name: 'ext4 cold read, 64 KiB', unit: 'GB/s', reach: 1.08, c: 0.54, subjects: () => subjects(rumps(), coldRead) },
  {
    name: 'ext4 growing write and fsync on a disk, 64 KiB',
    unit: 'GB/s',
    reach: 0.8,
    c: 0.47,
    subjects: () => subjects([rumpExt2('file', MIB, 'ext4', onDisk()), hostExt2(MIB, 'ext4', onDisk())], growingWrite),
  },
  { name: 'ext4 create+unlink', unit: 'calls/s', reach: 146e3, c: 73e3, subjects: () => subjects([...rumps(), hostExt2(MIB, 'ext4')], createUnlink) },
  { name: 'ext4 stat of 10,000 files after a mount', unit: 'ms', reach: 20, subjects: () => subjects(rumps(), coldStat) },
];
