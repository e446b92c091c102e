/** Claims on bytes of files, between programs. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { mustRun, oracle, run, withFolder } from '@anykernel/tools-oracle';
import { claimBytes } from '../src/claims.js';
import type { Said } from './holder.js';

const ROOT = join(import.meta.dirname, '../../../..');

/** Another program that claims bytes, and what became of it. */
async function holder(file: string, off: number, len: number): Promise<{ readonly child: ChildProcess; readonly said: string }> {
  const words = ['--import', join(ROOT, 'tools/run/typescript.mjs'), join(import.meta.dirname, 'holder.ts'), file, `${off}`, `${len}`];
  const child = spawn(process.execPath, words, { stdio: ['pipe', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return { child, said: (JSON.parse(line.toString()) as Said).code };
}

async function ended({ child }: { readonly child: ChildProcess }, how: 'input' | 'kill'): Promise<void> {
  if (how === 'kill') child.kill('SIGKILL');
  else child.stdin?.end();
  await once(child, 'exit');
}

function claimed(file: string, off: number, len: number): string {
  const fd = openSync(file, 'r+');
  try {
    claimBytes(fd, claimed, off, len)();
    return 'claimed';
  } catch (e) {
    return (e as Said).code;
  } finally {
    closeSync(fd);
  }
}

const OWNER = {};

test('what one program has claimed no other can, until it ends; beside it everybody can', async () => {
  const folder = mustRun('mktemp', ['-d']).trim();
  const file = join(folder, 'disk.img');
  writeFileSync(file, '');
  truncateSync(file, 1 << 20);
  const first = await holder(file, 0, 4096);
  expect(first.said).toBe('claimed');
  expect([claimed(file, 0, 4096), claimed(file, 4095, 10), claimed(file, 4096, 10)]).toEqual(['EBUSY', 'EBUSY', 'claimed']);
  const second = await holder(file, 1024, 1024);
  expect(second.said).toBe('EBUSY');
  await Promise.all([ended(first, 'kill'), ended(second, 'input')]);
  expect(claimed(file, 0, 4096)).toBe('claimed');
  const third = await holder(file, 0, 4096);
  expect(third.said).toBe('claimed');
  await ended(third, 'input');
  run('rm', ['-r', folder]);
});

oracle('root', 'mke2fs', 'loop:ext4').test('a block device that the machine has mounted is not claimed, and one that is claimed the machine does not mount', () =>
  withFolder((folder) => {
    const file = join(folder, 'disk.img');
    const at = join(folder, 'at');
    mustRun('mkdir', [at]);
    writeFileSync(file, '');
    truncateSync(file, 1 << 20);
    mustRun('mke2fs', ['-q', '-F', file]);
    const device = mustRun('losetup', ['-f', '--show', file]).trim();
    try {
      mustRun('mount', ['-t', 'ext4', device, at]);
      expect(claimed(device, 0, 1 << 20)).toBe('EBUSY');
      mustRun('umount', [at]);
      const fd = openSync(device, 'r+');
      const end = claimBytes(fd, OWNER, 0, 512);
      expect(run('mount', ['-t', 'ext4', device, at]).status).not.toBe(0);
      expect(claimed(device, 512, 512)).toBe('claimed');
      end();
      closeSync(fd);
      expect(claimed(device, 0, 512)).toBe('claimed');
    } finally {
      run('umount', [at]);
      mustRun('losetup', ['-d', device]);
    }
  }),
);
