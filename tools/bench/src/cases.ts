/** The cases, in the order of the table. */
import { hostNode } from '@anykernel/host-node';
import { boot } from '@anykernel/rumpkern';
import { rumpvfs } from '@anykernel/rumpvfs';
import { tmpfs } from '@anykernel/tmpfs';
import { ext2Wasm } from './ext2wasm.js';
import { EXT4_CASES } from './ext4.js';
import { FAT_CASES } from './fat.js';
import { ISO_CASES } from './iso.js';
import { FFS_CASES } from './ffs.js';
import { FS_CASES } from './fs.js';
import { LOCAL_CASES } from './local.js';
import { NET_CASES } from './net.js';
import type { Case, Subject } from './measure.js';
import { type Ext2Peer, type Peer, hostExt2, hostTmpfs, memfs, rumpExt2, rumpTmpfs, zenfs } from './peers.js';
import { BLOCK, FILE_BYTES, createUnlinkLoop, fill, openCloseLoop, readFile, statAll, statLoop, writeFile } from './work.js';

async function memoryPeers(): Promise<Peer[]> {
  return [rumpTmpfs(), hostTmpfs(), await memfs(), await zenfs()];
}

/** How many rounds a peer gets: those that are slow get fewer. */
function rounds(peer: Peer, count: number): number {
  return peer.name.startsWith('@zenfs') ? Math.ceil(count / 20) : count;
}

function onPeers(peers: readonly Peer[], make: (p: Peer) => Omit<Subject, 'name' | 'done'>): Subject[] {
  return peers.map((p) => ({ name: p.name, ...make(p), done: () => p.done() }));
}

function bootOnce(host: ReturnType<typeof hostNode>): ReturnType<typeof boot> {
  return boot(host, [rumpvfs, tmpfs]);
}

const booting: Case[] = [
  {
    name: 'boot rumpkern + rumpvfs + tmpfs, warm',
    unit: 'ms',
    reach: 0.5,
    c: 5.4,
    subjects(): Subject[] {
      const host = hostNode();
      return [
        {
          name: 'rump',
          run(): number {
            for (let i = 0; i < 200; i++) bootOnce(host).halt();
            return 200;
          },
        },
      ];
    },
  },
  {
    name: '1,000 kernels booted in one process',
    unit: 'ms',
    reach: 1000,
    subjects(): Subject[] {
      const host = hostNode();
      let kernels: ReturnType<typeof boot>[] = [];
      return [
        {
          name: 'rump',
          before(): void {
            for (const k of kernels) k.halt();
            kernels = [];
          },
          run(): number {
            for (let i = 0; i < 1000; i++) kernels.push(bootOnce(host));
            return 1;
          },
          done(): void {
            for (const k of kernels) k.halt();
          },
        },
      ];
    },
  },
  {
    name: 'memory of a kernel',
    unit: 'KiB',
    reach: 200,
    c: 1340,
    subjects(): Subject[] {
      const host = hostNode();
      return [
        {
          name: 'rump',
          run(): number {
            const gc = globalThis.gc;
            if (gc === undefined) throw new Error('needs --expose-gc');
            gc();
            const before = used();
            const kernels = Array.from({ length: 200 }, () => bootOnce(host));
            gc();
            const bytes = (used() - before) / kernels.length;
            for (const k of kernels) k.halt();
            return bytes;
          },
        },
      ];
    },
  },
];

function used(): number {
  const m = process.memoryUsage();
  return m.heapUsed + m.arrayBuffers;
}

const calls: Case[] = [
  {
    name: 'getpid',
    unit: 'calls/s',
    reach: 31e6,
    c: 31e6,
    subjects(): Subject[] {
      const k = boot(hostNode(), []);
      const { sys } = k.newproc();
      return [
        {
          name: 'rump',
          run(): number {
            let sum = 0;
            for (let i = 0; i < 5_000_000; i++) sum += sys.getpid();
            if (sum === 0) throw new Error('no pid');
            return 5_000_000;
          },
          done: () => k.halt(),
        },
      ];
    },
  },
  {
    name: 'stat, 2 levels',
    unit: 'calls/s',
    reach: 0.99e6,
    c: 0.99e6,
    async subjects(): Promise<Subject[]> {
      return onPeers(await memoryPeers(), (p) => {
        fill(p.files, '/d', 4);
        return { run: () => statLoop(p.files, '/d/file1', rounds(p, 200_000)) };
      });
    },
  },
  {
    name: 'open+close, 2 levels',
    unit: 'calls/s',
    reach: 0.77e6,
    c: 0.77e6,
    async subjects(): Promise<Subject[]> {
      return onPeers(await memoryPeers(), (p) => {
        fill(p.files, '/d', 4);
        return { run: () => openCloseLoop(p.files, '/d/file1', rounds(p, 100_000)) };
      });
    },
  },
  {
    name: 'create+unlink',
    unit: 'calls/s',
    reach: 0.44e6,
    c: 0.22e6,
    async subjects(): Promise<Subject[]> {
      return onPeers(await memoryPeers(), (p) => {
        fill(p.files, '/d', 4);
        return { run: () => createUnlinkLoop(p.files, '/d', rounds(p, 50_000)) };
      });
    },
  },
  {
    name: 'create+unlink in a directory of 1,000',
    unit: 'calls/s',
    reach: 0.44e6,
    async subjects(): Promise<Subject[]> {
      return onPeers(await memoryPeers(), (p) => {
        fill(p.files, '/d', 1000);
        return { run: () => createUnlinkLoop(p.files, '/d', Math.ceil(rounds(p, 50_000) / (p.name.startsWith('@zenfs') ? 10 : 1))) };
      });
    },
  },
  {
    name: 'stat of 10,000 files of one directory',
    unit: 'ms',
    reach: 20,
    c: 850,
    async subjects(): Promise<Subject[]> {
      const peers = [rumpTmpfs(), rumpExt2('memory', 64), hostTmpfs(), await memfs()];
      return onPeers(peers, (p) => {
        fill(p.files, '/d', 10_000);
        return { run: () => statAll(p.files, '/d', 10_000) };
      });
    },
  },
];

/** Reading, overwriting, growing: a file of 64 MiB in calls of 64 KiB. */
function bulk(
  name: string,
  reach: number,
  c: number,
  run: (p: Peer, fd: number, buf: Uint8Array) => number,
  before?: (p: Peer) => void,
): Case {
  return {
    name,
    unit: 'GB/s',
    reach,
    c,
    async subjects(): Promise<Subject[]> {
      return onPeers(await memoryPeers(), (p) => {
        const fd = p.files.create('/big');
        writeFile(p.files, fd, FILE_BYTES);
        const buf = new Uint8Array(BLOCK.length);
        return { run: () => run(p, fd, buf), ...(before === undefined ? {} : { before: () => before(p) }) };
      });
    },
  };
}

const data: Case[] = [
  bulk('tmpfs read, 64 KiB', 6, 4.7, (p, fd, buf) => readFile(p.files, fd, buf, FILE_BYTES)),
  bulk('tmpfs overwrite, 64 KiB', 8, 4.7, (p, fd) => writeFile(p.files, fd, FILE_BYTES)),
  bulk(
    'tmpfs growing write, 64 KiB',
    2,
    0.54,
    (p, fd) => writeFile(p.files, fd, FILE_BYTES),
    (p) => p.files.truncate('/big', 0),
  ),
];

const EXT2_MIB = 256;

async function ext2Peers(): Promise<Peer[]> {
  const host = hostExt2(EXT2_MIB);
  return [rumpExt2('memory', EXT2_MIB), rumpExt2('file', EXT2_MIB), ...(host === undefined ? [] : [host])];
}

function isExt2(p: Peer): p is Ext2Peer {
  return 'remount' in p;
}

function ext2Case(
  name: string,
  unit: Case['unit'],
  reach: number,
  c: number | undefined,
  make: (p: Peer) => Omit<Subject, 'name' | 'done'>,
  wasm: 'read' | 'grow' | 'create' | 'stat',
): Case {
  return {
    name,
    unit,
    reach,
    ...(c === undefined ? {} : { c }),
    async subjects(): Promise<Subject[]> {
      return [...onPeers(await ext2Peers(), make), await ext2Wasm(wasm, EXT2_MIB)];
    },
  };
}

const ext2: Case[] = [
  ext2Case(
    'ext2 cold read, 64 KiB',
    'GB/s',
    1,
    0.43,
    (p) => {
      const fd = p.files.create('/big');
      writeFile(p.files, fd, FILE_BYTES);
      p.files.close(fd);
      const buf = new Uint8Array(BLOCK.length);
      let open = -1;
      return {
        before(): void {
          if (open >= 0) p.files.close(open);
          if (isExt2(p)) p.remount();
          open = p.files.open('/big');
        },
        run(): number {
          const n = readFile(p.files, open, buf, FILE_BYTES);
          p.files.close(open);
          open = -1;
          return n;
        },
      };
    },
    'read',
  ),
  ext2Case(
    'ext2 growing write and sync, 64 KiB',
    'GB/s',
    0.8,
    0.26,
    (p) => ({
      before: () => p.files.close(p.files.create('/big')),
      run(): number {
        const fd = p.files.open('/big');
        const n = writeFile(p.files, fd, FILE_BYTES);
        p.files.close(fd);
        if (isExt2(p)) p.kernel.proc1.sys.sync();
        return n;
      },
    }),
    'grow',
  ),
  ext2Case(
    'ext2 create+unlink',
    'calls/s',
    60e3,
    4.5e3,
    (p) => {
      fill(p.files, '/d', 4);
      return { run: () => createUnlinkLoop(p.files, '/d', 20_000) };
    },
    'create',
  ),
  ext2Case(
    'ext2 stat',
    'calls/s',
    500e3,
    undefined,
    (p) => {
      fill(p.files, '/d', 4);
      return { run: () => statLoop(p.files, '/d/file1', 100_000) };
    },
    'stat',
  ),
];

export const CASES: readonly Case[] = [...booting, ...calls, ...data, ...ext2, ...FS_CASES, ...EXT4_CASES, ...FFS_CASES, ...FAT_CASES, ...ISO_CASES, ...LOCAL_CASES, ...NET_CASES];
