/** The suite of hosts on web globals: files in memory, in the origin private file system, Blobs, and a host without anything. */
import { type HostConformance, type HostSubject, hostConformance } from '@anykernel/conformance-rumpuser';
import { type HostBrowserOptions, accessFile, halfOf, hostBrowser, memoryFile } from '../src/index.js';
import { FakeAccessHandle } from './fake-access-handle.js';

const half = { name: 'virtif', revision: 3 };
const MOST = 64 * 1024 * 1024;

function subject(options: HostBrowserOptions): HostSubject {
  let typed: (bytes: Uint8Array) => void = () => {};
  let output = '';
  const host = hostBrowser({
    output: (text) => void (output += text),
    input: (give) => {
      typed = give;
      return () => void (typed = () => {});
    },
    importComponent: () => undefined,
    components: [{ name: 'foofs' }],
    halves: [halfOf(half, {})],
    ...options,
  });
  return {
    host,
    wait: (ns) => new Promise((resolve) => setTimeout(resolve, Math.ceil(ns / 1e6) + 1)),
    path: (name) => name,
    provide: (name, bytes) => host.provide(name, new Blob([bytes as Uint8Array<ArrayBuffer>])),
    readonlyFile: 'readonly',
    component: 'foofs',
    half,
    output: () => output,
    type: (bytes) => typed(bytes),
  };
}

const suites: HostConformance[] = [
  {
    name: 'host/browser, files in memory',
    lacks: ['largeFiles'],
    make: () =>
      subject({
        create: () => memoryFile(new Uint8Array(0), { growTo: MOST }),
        files: { readonly: memoryFile(new Uint8Array(512), { readonly: true }) },
      }),
  },
  {
    name: 'host/browser, the origin private file system',
    lacks: ['largeFiles'],
    make: () =>
      subject({ create: () => new FakeAccessHandle(MOST), files: { readonly: accessFile(new FakeAccessHandle(), { readonly: true }) } }),
  },
  { name: 'host/browser, Blobs', asynchronous: true, lacks: ['writing'], make: () => subject({}) },
  {
    name: 'host/browser with nothing',
    lacks: ['files', 'consoleInput', 'importComponent', 'half'],
    make: () => ({ ...subject({ input: undefined, components: [], halves: [] }), half: undefined }),
  },
];
for (const suite of suites) hostConformance(suite);
