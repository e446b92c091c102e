/** The examples of the README are run, each on kernels of its own. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { hostNode } from '@anykernel/host-node';
import { boot } from '@anykernel/rumpkern';
import { tmpfs } from '@anykernel/tmpfs';
import * as all from '@anykernel/ukfs';
import { type Subject, kernelOn } from './kernel.js';

const README = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

/** The pieces of code in a language. */
function examples(language: string): string[] {
  return [...README.matchAll(/```(\w+)\n([\s\S]*?)```/g)].filter((m) => m[1] === language).map((m) => m[2] as string);
}

type Names = Readonly<Record<string, unknown>>;
const AsyncFunction = (async () => undefined).constructor as new (...args: string[]) => (...args: unknown[]) => Promise<void>;

async function runWith(code: string, names: Names): Promise<void> {
  await new AsyncFunction(...Object.keys(names), code)(...Object.values(names));
}

let on: Subject;
let disk: Subject;
beforeEach(() => {
  on = kernelOn('tmpfs of a bare kernel, on Node');
  disk = kernelOn('ext2fs, in the simulator');
});
afterEach(() => {
  on.k.halt();
  disk.k.halt();
});

test('there are as many as there should be', () => {
  expect([examples('ts').length, examples('js').length]).toEqual([1, 6]);
});

test.each(examples('js').map((code) => [code.split('\n', 1)[0], code] as const))('what begins with %s', async (_, code) => {
  await runWith(code, { assert, k: on.k, fs: on.fs, ukfs: all.ukfs, disk: disk.fs });
});

test('what stands under Use', async () => {
  const [code = ''] = examples('ts');
  const said: unknown[] = [];
  const process = { stdout: { write: (piece: unknown) => said.push(String(piece)) } };
  await runWith(code.replace(/^import .*$/gm, ''), { ...all, hostNode, boot, tmpfs, process });
  expect(said).toEqual(['hello']);
});
