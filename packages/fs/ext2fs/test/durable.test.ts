/** What programs rely on after a power cut: what fsync promised is there, and a rename is whole; by our recovery, and by Linux's. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { readFile } from '@anykernel/conformance-diskfs';
import { O_APPEND, O_CREAT, O_RDONLY, O_RDWR, O_TRUNC } from '@anykernel/lib-sys';
import { oracle, run, withMount } from '@anykernel/tools-oracle';
import { type Ext2fsType, newfs } from '../src/index.js';
import { type World, errnoOf, mounted, pattern, withImage } from './kit.js';

const VERSIONS = 10;
const RECORD = 700;

function fresh(type: Ext2fsType): Uint8Array {
  const bytes = new Uint8Array(4000 << 10);
  newfs({ size: bytes.length, write: (off, b) => bytes.set(b, off) }, { type, time: 1e9, uuid: pattern(16, 1), hashSeed: pattern(16, 2), blockSize: 1024, inodes: 600, zeroed: true });
  return bytes;
}

/** From write `from` of the disk on: the least version of `d/config`, and of the records in `log`. */
interface Promised {
  readonly from: number;
  readonly config: number;
  readonly records: number;
}

/** A file is replaced again and again as careful programs do it, another one is appended to, and others come and go. */
function careful(w: World): Promised[] {
  const { sys } = w;
  const promises: Promised[] = [{ from: 0, config: 0, records: 0 }];
  const promise = (config: number, records: number): void => void promises.push({ from: w.disk.writes, config, records });
  sys.mkdir('d', 0o755);
  sys.mkdir('noise', 0o755);
  const log = sys.open('log', O_CREAT | O_RDWR | O_APPEND, 0o644);
  for (let v = 1; v <= VERSIONS; v++) {
    const fd = sys.open('d/new', O_CREAT | O_RDWR | O_TRUNC, 0o644);
    sys.write(fd, version(v));
    sys.fsync(fd);
    sys.close(fd);
    sys.rename('d/new', 'd/config');
    const dir = sys.open('d', O_RDONLY);
    sys.fsync(dir);
    sys.close(dir);
    promise(v, v - 1);
    sys.write(log, record(v));
    if (v % 2 === 0) sys.fdatasync(log);
    else sys.fsync(log);
    promise(v, v);
    for (let i = 0; i < 12; i++) sys.close(sys.open(`noise/${v}-${i}`, O_CREAT | O_RDWR, 0o644));
    if (v > 1) for (let i = 0; i < 12; i++) sys.unlink(`noise/${v - 1}-${i}`);
    if (v % 3 === 0) w.vfs.sync(false);
  }
  sys.close(log);
  return promises;
}

function version(v: number): Uint8Array {
  return pattern(1500 * v, v);
}
function record(v: number): Uint8Array {
  return pattern(RECORD, 100 + v);
}

/** What is wrong with what was found; undefined: a file is not there. */
function faults(config: Uint8Array | undefined, log: Uint8Array | undefined, p: Promised): string[] {
  const v = (config?.length ?? 0) / 1500;
  const found: string[] = [];
  if (v < p.config) found.push(`config is of version ${v}, and ${p.config} was promised`);
  if (config !== undefined && (!Number.isInteger(v) || Buffer.compare(config, version(v)) !== 0)) found.push(`config has ${config.length} bytes that are no version`);
  if ((log?.length ?? 0) < p.records * RECORD) found.push(`log has ${log?.length} bytes, and ${p.records} records were promised`);
  for (let r = 1; r <= p.records; r++) if (log !== undefined && Buffer.compare(log.subarray((r - 1) * RECORD, r * RECORD), record(r)) !== 0) found.push(`record ${r} of log has other bytes`);
  return found;
}

const CUTS: readonly (readonly [string, { readonly reorder?: boolean; readonly torn?: boolean }])[] = [
  ['after a write', {}],
  ['with writes that were not flushed lost at random', { reorder: true }],
  ['in the middle of a write', { torn: true, reorder: true }],
];

describe.each(['ext3', 'ext4'] as const)('%s', (type) => {
  for (const [name, cut] of type === 'ext4' ? CUTS : CUTS.slice(1, 2)) {
    test(`a power cut ${name}, anywhere: what was promised is there, and each file is whole`, () => {
      const w = mounted(fresh(type), { seed: 3, disk: { record: 'all' } });
      const promises = careful(w);
      const total = w.disk.writes;
      for (let n = promises[1].from + (cut.torn === true ? 1 : 0); n <= total; n += 2) {
        const after = mounted(w.disk.cut({ after: n, ...cut }).bytes(), {}, 1);
        const read = (path: string): Uint8Array | undefined => (errnoOf(() => after.sys.stat(path)) === '' ? readFile(after.sys, path) : undefined);
        // A write that is torn is not one after which anything was promised.
        const known = promises.findLast((p) => (cut.torn === true ? p.from < n : p.from <= n))!;
        expect([n, ...faults(read('d/config'), read('log'), known)]).toEqual([n]);
        after.k.halt();
      }
      w.k.halt();
    });
  }

  oracle('loop:ext4', 'e2fsck').test('Linux finds the same after a power cut, and e2fsck has nothing to say then', () => {
    const w = mounted(fresh(type), { seed: 3, disk: { record: 'all' } });
    const promises = careful(w);
    const total = w.disk.writes;
    for (const part of [0.3, 0.55, 0.8, 1]) {
      const n = Math.floor(total * part);
      withImage(w.disk.cut({ after: n, reorder: true }).bytes(), (path) => {
        const [config, log] = withMount(path, 'ext4', (root) => [readFileSync(join(root, 'd/config')), readFileSync(join(root, 'log'))]);
        expect([n, ...faults(config, log, promises.findLast((p) => p.from <= n)!)]).toEqual([n]);
        expect(run('e2fsck', ['-fn', path]).status).toBe(0);
      });
    }
    w.k.halt();
  });
});
