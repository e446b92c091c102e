/** A kernel in a real Worker which has nothing of Node left, as one file that a bundler for browsers has made. */
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { expect, test } from '@jest/globals';
import { bundled } from './bundled.js';

const packages = fileURLToPath(new URL('../../../', import.meta.url));

const ENTRY = `
import { hostBrowser } from '@anykernel/host-browser';
import { boot } from '@anykernel/rumpkern';

const { port, image } = globalThis.given;
const host = hostBrowser({ output: (text) => port.postMessage(text), files: { image, blob: new Blob(['a blob']) } });
const k = boot(host);
const p = k.newproc();
const [r, w] = p.sys.pipe();
const buf = new Uint8Array(5);
const read = p.call.read(r, buf);
await p.call.nanosleep({ sec: 0, nsec: 5_000_000 });
p.sys.write(w, new Uint8Array([104, 101, 108, 108, 111]));
await read;
k.proc1.sys.write(1, buf);
const data = new Uint8Array(6);
await new Promise((done) => host.open('blob', {}).read(data, 0, done));
k.proc1.sys.write(1, data);
const file = host.open('image', { read: true, write: true });
file.write(buf, 1);
k.halt();
for (const nr of [1, 2, 3])
  host.alarm({}, 0, () => {
    if (nr === 2) throw new Error('alarm 2 fails');
    port.postMessage('alarm ' + nr);
  }, true);
await new Promise((ended) => host.alarm({}, 0, ended, true));
port.postMessage({ globals: ['process', 'setImmediate', 'require'].filter((name) => name in globalThis), stopped: k.stopped });
port.close();
`;

test('a kernel boots in a Worker from one file for browsers, sleeps, reads a Blob, writes shared memory, and halts; an alarm that fails is alone', async () => {
  const [{ text: code }] = await bundled({ stdin: { contents: ENTRY, resolveDir: packages, loader: 'ts' } });
  expect(code).not.toMatch(/['"`]node:/);
  // Not taken away below: the Blob of later versions of Node needs it.
  expect(code).not.toMatch(/\bBuffer\b/);
  const image = new Uint8Array(new SharedArrayBuffer(8));
  const start = `
    import { workerData, parentPort } from 'node:worker_threads';
    globalThis.given = { port: parentPort, image: workerData };
    process.on('uncaughtException', (e) => parentPort.postMessage(e.message));
    for (const name of ['process', 'setImmediate', 'require', 'global']) delete globalThis[name];
    await import(${JSON.stringify(`data:text/javascript,${encodeURIComponent(code)}`)});`;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(start)}`), { workerData: image });
  const told: unknown[] = [];
  worker.on('message', (message) => told.push(message));
  const status = await new Promise((resolve, reject) => worker.once('error', reject).once('exit', resolve));
  expect(told).toEqual(['hello', 'a blob', 'alarm 1', 'alarm 2 fails', 'alarm 3', { globals: [], stopped: 'the kernel has been halted' }]);
  expect(String.fromCharCode(...image)).toBe('\0hello\0\0');
  expect(status).toBe(0);
});
