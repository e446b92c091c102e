/** minihost through the suite of hosts, and a kernel on it. */
import { hostConformance } from '@anykernel/conformance-rumpuser';
import { boot } from '@anykernel/rumpkern';
import { tmpfs } from '@anykernel/tmpfs';
import { expect, test } from '@jest/globals';
import { miniHost } from '../src/index.js';

hostConformance({
  name: 'minihost',
  lacks: ['largeFiles', 'consoleInput', 'importComponent', 'half'],
  make() {
    const host = miniHost();
    host.provide('readonly', new Uint8Array(512), true);
    return {
      host,
      wait: (ns) => new Promise((resolve) => setTimeout(resolve, Math.ceil(ns / 1e6) + 1)),
      path: (name) => name,
      readonlyFile: 'readonly',
      output: host.shown,
    };
  },
});

test('a kernel boots on minihost, and says so on its console', () => {
  const host = miniHost();
  const k = boot(host, [tmpfs], { verbose: true });
  k.proc1.sys.mount('tmpfs', '/', 0, {});
  k.proc1.sys.mkdir('/made', 0o755);
  expect(k.proc1.sys.stat('/made').nlink).toBe(2);
  k.halt();
  expect(host.shown()).toMatch(/NetBSD|rump|Anykernel/i);
});
