/** Programs on Node's own `fs` and on ukfs: what they write down is the same. */
import hostFs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { withoutDifferences } from './differences.js';
import { type KernelName, kernelOn } from './kernel.js';
import { PROGRAMS, type Program } from './programs.js';

async function run(fs: typeof hostFs, base: string, program: Program): Promise<string[]> {
  const lines: string[] = [];
  await program(fs, base, (line) => {
    lines.push(typeof line === 'string' ? line : String(JSON.stringify(line, (_, v: unknown) => (typeof v === 'bigint' ? `${v}n` : v))));
  });
  return withoutDifferences(lines);
}

describe.each(['tmpfs of a bare kernel, on Node', 'ext2fs, in the simulator'] as KernelName[])('on %s', (kernel) => {
  test.each(Object.keys(PROGRAMS))('%s', async (name) => {
    const program = PROGRAMS[name] as Program;
    const base = hostFs.mkdtempSync(join(tmpdir(), 'anykernel-ukfs-'));
    const { k, fs } = kernelOn(kernel);
    k.proc1.sys.umask(process.umask());
    try {
      fs.mkdirSync(base, { recursive: true });
      const node = await run(hostFs, base, program);
      const ours = await run(fs as unknown as typeof hostFs, base, program);
      expect(ours).toEqual(node);
    } finally {
      hostFs.rmSync(base, { recursive: true, force: true });
      k.halt();
    }
  });
});
