/**
 * Node's own `fs` is the oracle: the same calls on a folder of this machine and on a kernel give the same results, and the same errors to
 * the last word. What differs on purpose stands in `DIFFERS`.
 */
import hostFs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { KERNELS, type KernelName, kernelOn } from './kernel.js';
import { type AnyFs, FORMS, type Form, Recorder } from './oracle.js';
import { DESCRIPTOR_SCRIPTS, OPTION_SCRIPTS, SCRIPTS, type Script } from './scripts.js';
import { withoutDifferences } from './differences.js';

async function record(fs: AnyFs, form: Form, base: string, script: Script): Promise<string[]> {
  const r = new Recorder(fs, form, base);
  await script(r);
  return withoutDifferences(r.log);
}

/** Runs the script on this machine and on a kernel, below the same path. */
async function both(name: KernelName, form: Form, script: Script): Promise<{ node: string[]; ours: string[] }> {
  const base = hostFs.mkdtempSync(join(tmpdir(), 'anykernel-ukfs-'));
  const { k, fs } = kernelOn(name);
  k.proc1.sys.umask(process.umask());
  try {
    fs.mkdirSync(base, { recursive: true });
    fs.chmodSync(base, 0o700);
    return { node: await record(hostFs, form, base, script), ours: await record(fs, form, base, script) };
  } finally {
    hostFs.rmSync(base, { recursive: true, force: true });
    k.halt();
  }
}

describe.each(Object.keys(KERNELS) as KernelName[])('on %s', (kernel) => {
  describe.each(FORMS)('the %s form does as node:fs does', (form) => {
    const scripts = { ...SCRIPTS, ...OPTION_SCRIPTS };
    test.each(Object.keys(scripts))('%s', async (name) => {
      const { node, ours } = await both(kernel, form, scripts[name] as Script);
      expect(ours).toEqual(node);
    });
  });
  describe.each(['synchronous', 'callback'] as const)('the %s form does as node:fs does', (form) => {
    test.each(Object.keys(DESCRIPTOR_SCRIPTS))('%s', async (name) => {
      const { node, ours } = await both(kernel, form, DESCRIPTOR_SCRIPTS[name] as Script);
      expect(ours).toEqual(node);
    });
  });
});
