/** Checks and mends an image of ext2, ext3 or ext4, with e2fsck as the judge of the check and of the repair. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ext2fs, fsck } from '@anykernel/ext2fs';
import { run } from './program.js';
import { type Contents, open } from './reading.js';

export interface Mended {
  /** Problems that our check found, and the first; with notes of what is no fault. */
  readonly problems: number;
  readonly notes: number;
  readonly problem: string;
  /** Why it cannot be checked. */
  readonly refused: string;
  /** e2fsck's first complaint before anything was mended. Empty: none. */
  readonly before: string;
  /** The same after our repair. */
  readonly after: string;
  /** The same after e2fsck's own repair. */
  readonly judged: string;
  /** Files that could be read before, and are there after e2fsck's repair, and not after ours. */
  readonly lost: number;
  /** Files and directories that cannot be read after our repair; undefined: it cannot be mounted. */
  readonly errors: number | undefined;
}

export function mend(bytes: Uint8Array, time: number): Mended {
  const folder = mkdtempSync(join(tmpdir(), 'anykernel-corpora-'));
  try {
    return mendIn(join(folder, 'image'), bytes, time);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function mendIn(path: string, bytes: Uint8Array, time: number): Mended {
  const judge = (b: Uint8Array): string => {
    writeFileSync(path, b);
    return complaint(path);
  };
  const before = judge(bytes);
  const found = fsck(disk(bytes), { repair: false, time });
  const refused = typeof found === 'string' ? found : '';
  const problems = typeof found === 'string' ? [] : found.problems.map((p) => p.what);
  const notes = typeof found === 'string' ? 0 : found.notes.length;
  const ours = bytes.slice();
  const result = fsck(disk(ours), { repair: true, time });
  if (typeof result === 'string' && !same(bytes, ours)) throw new Error(`an image that cannot be checked was changed: ${result}`);
  const after = judge(ours);
  writeFileSync(path, bytes);
  run('e2fsck', ['-fy', path]);
  const judged = complaint(path);
  const theirs = judged === '' ? open(new Uint8Array(readFileSync(path)), ext2fs) : undefined;
  const mine = open(ours, ext2fs);
  return { problems: problems.length, notes, problem: problems[0] ?? '', refused, before, after, judged, lost: lostOf(open(bytes, ext2fs), theirs, mine), errors: mine?.errors };
}

function disk(b: Uint8Array): Parameters<typeof fsck>[0] {
  return { size: b.length, read: (off, len) => b.slice(off, off + len), write: (off, data) => b.set(data, off) };
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

/** The first thing that e2fsck -fn has to say against an image; empty: nothing. */
function complaint(path: string): string {
  const { status, out } = run('e2fsck', ['-fn', path]);
  if (status === 0) return '';
  const lines = out.split('\n').filter((line) => line !== '' && !/^(e2fsck 1|Pass \d|Warning!|Warning: skipping)/.test(line));
  return (lines[0] ?? `status ${status}`).replaceAll(path, 'image').slice(0, 160);
}

/** What was in files before, and is in some after their repair, and in none after ours. */
function lostOf(before: Contents | undefined, theirs: Contents | undefined, ours: Contents | undefined): number {
  const [kept, here] = [new Set(theirs?.hashes), new Set(ours?.hashes)];
  return [...new Set(before?.hashes)].filter((hash) => kept.has(hash) && !here.has(hash)).length;
}
