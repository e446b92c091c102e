/** The suite of hosts on Node: with files of the machine, and with files in memory. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { type HostSubject, hostConformance } from '@anykernel/conformance-rumpuser';
import { bareHostNode, halfOf, hostNode, memoryFile } from '../src/index.js';

const half = { name: 'virtif', revision: 3 };

function subject(): HostSubject {
  const folder = mkdtempSync(join(tmpdir(), 'host-node-'));
  const input = new PassThrough();
  let output = '';
  const host = hostNode({
    input,
    output: { write: (chunk) => void (output += String(chunk)) },
    halves: [halfOf(half, {})],
    components: [{ name: 'foofs' }],
    files: { readonly: memoryFile(new Uint8Array(512), { readonly: true }) },
  });
  return {
    host,
    wait: (ns) => new Promise((resolve) => setTimeout(resolve, Math.ceil(ns / 1e6) + 1)),
    path: (name) => join(folder, name),
    readonlyFile: 'readonly',
    component: 'foofs',
    half,
    output: () => output,
    type: (bytes) => void input.write(bytes),
    close: () => rmSync(folder, { recursive: true }),
  };
}

hostConformance({ name: 'host/node', make: subject });

hostConformance({
  name: 'host/node, bare',
  make: () => {
    let output = '';
    return {
      host: bareHostNode({ output: { write: (chunk) => void (output += String(chunk)) } }),
      wait: (ns) => new Promise((resolve) => setTimeout(resolve, Math.ceil(ns / 1e6) + 1)),
      output: () => output,
    };
  },
  lacks: ['files', 'consoleInput', 'importComponent', 'half'],
});
