/** Bundles: nothing in them that was not required, and they run as one file, with plain Node, in a folder that knows nothing of this tree. */
import { spawnSync } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { newfs } from '@anykernel/ext2fs';
import { type BundleOptions, bundle, packageOf, resolveComponents, weigh } from '@anykernel/stack-compose';
import { oracle, run } from '@anykernel/tools-oracle';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'anykernel-bundle-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, text: string | Uint8Array): string {
  const path = join(folder, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, text);
  return path;
}

/** A small ext2 image. */
function image(name: string): string {
  const bytes = new Uint8Array(1 << 20);
  const id = Uint8Array.from({ length: 16 }, (_, i) => i);
  newfs({ size: bytes.length, write: (off, data) => bytes.set(data, off) }, { time: 1, uuid: id, hashSeed: id });
  return write(name, bytes);
}

interface Wanted extends Partial<Omit<BundleOptions, 'components'>> {
  readonly leaves: readonly string[];
}

async function made(name: string, { leaves, ...options }: Wanted): Promise<{ file: string; code: string; packages: string[] }> {
  const components = await resolveComponents(leaves, import.meta.dirname);
  const b = await bundle({ host: 'node', ...options, components });
  const packages = new Set(b.inputs.map((i) => packageOf(i)?.name ?? 'nobody'));
  return { file: write(name, b.code), code: new TextDecoder().decode(b.code), packages: [...packages].sort() };
}

function node(file: string, ...args: string[]): { status: number | null; out: string } {
  const { NODE_OPTIONS: _options, NODE_PATH: _path, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, [file, ...args], { cwd: folder, encoding: 'utf8', env, timeout: 120_000 });
  return { status, out: stdout + stderr };
}

const TMPFS = { mounts: [{ type: 'tmpfs', on: '/' }], leaves: ['tmpfs'] } as const;

describe('what is in a bundle', () => {
  test('is what was required, and nothing else', async () => {
    const { code, packages } = await made('tmpfs.mjs', { ...TMPFS, minify: true });
    expect(packages).toEqual([
      '@anykernel/host-node',
      '@anykernel/lib-bytes',
      '@anykernel/lib-component',
      '@anykernel/lib-hostkit',
      '@anykernel/lib-sys',
      '@anykernel/rumpkern',
      '@anykernel/rumpvfs',
      '@anykernel/stack-boot',
      '@anykernel/stack-compose',
      '@anykernel/tmpfs',
      '@anykernel/ukfs',
    ]);
    const foreign = ['ext2', 'lost+found', 'esbuild', 'commander', 'hostBrowser', 'hostSim', 'child_process', '<svg'];
    expect(foreign.filter((word) => code.includes(word))).toEqual([]);
    expect(code.includes('tmpfs')).toBe(true);
  });

  test('a leaf brings its own, and only that', async () => {
    const { code, packages } = await made('ext2.mjs', { leaves: ['ext2fs'], minify: true });
    expect(packages).toContain('@anykernel/ext2fs');
    expect(packages).not.toContain('@anykernel/tmpfs');
    expect(code.includes('tmpfs')).toBe(false);
  });

  test('for a Worker names no module of Node', async () => {
    const { code, packages } = await made('worker.mjs', { ...TMPFS, host: 'worker' });
    expect(/from\s*"node:|require\(/.exec(code)?.[0]).toBeUndefined();
    expect(packages).toContain('@anykernel/host-browser');
    expect(packages).not.toContain('@anykernel/host-node');
  });

  test('minified it is smaller, and works', async () => {
    const app = write('tiny.mjs', `import fs from 'node:fs'; fs.writeFileSync('/x', '1'); console.log(fs.readdirSync('/').join());`);
    const [plain, small] = [await made('plain.mjs', { ...TMPFS, app }), await made('small.mjs', { ...TMPFS, app, minify: true })];
    expect(small.code.length).toBeLessThan(plain.code.length * 0.7);
    expect(node(small.file)).toEqual({ status: 0, out: 'x\n' });
  });
});

const EVERY_WAY = `
import def, { readFileSync, writeFileSync, constants, Stats } from 'node:fs';
import * as ns from 'fs';
import { writeFile } from 'fs/promises';
import promises from 'node:fs/promises';
import { join } from 'node:path';
import { helper } from 'helper';
import cjs from './inner.cjs';

writeFileSync('/a', 'one');
ns.appendFileSync('/a', ' two');
await writeFile('/b', 'three');
await promises.appendFile('/b', ' four');
def.mkdirSync('/dir');
helper(join('/dir', 'by-helper'));
cjs('/dir/by-cjs');
def.writeSync(1, 'descriptor 1 is the console\\n');
console.log(readFileSync('/a', 'utf8'), '|', readFileSync('/b', 'utf8'), '|', def.readdirSync('/', { recursive: true }).sort().join());
console.log(def.statSync('/a') instanceof Stats, constants.O_CREAT, def.existsSync('/etc/passwd'), process.argv[2]);
`;

describe('a bundle with an application inside', () => {
  test('runs as one file, with the kernel behind every way to import fs', async () => {
    const app = write('app/app.mjs', EVERY_WAY);
    write('app/inner.cjs', `const fs = require('fs'); module.exports = (path) => fs.writeFileSync(path, 'cjs');\n`);
    write(
      'app/node_modules/helper/package.json',
      '{"name":"helper","version":"1.0.0","type":"module","exports":"./index.js","sideEffects":false}',
    );
    write(
      'app/node_modules/helper/index.js',
      `import { writeFileSync } from 'node:fs';\nexport const helper = (path) => writeFileSync(path, 'helped');\n`,
    );
    const { file } = await made('everyway.mjs', { ...TMPFS, app });
    rmSync(join(folder, 'app'), { recursive: true });
    const lines = ['descriptor 1 is the console', 'one two | three four | a,b,dir,dir/by-cjs,dir/by-helper', 'true 64 false argument', ''];
    expect(node(file, 'argument')).toEqual({ status: 0, out: lines.join('\n') });
  });

  oracle('e2fsck').test('keeps its files on an image, which is clean afterwards', async () => {
    const source = image('kept.img');
    const app = write(
      'keep.mjs',
      `import fs from 'node:fs'; fs.mkdirSync('/d'); fs.writeFileSync('/d/f', 'x'.repeat(100000)); process.exit(3);`,
    );
    const mounts = [{ type: 'ext2fs', source, on: '/' }];
    const { file } = await made('keeper.mjs', { leaves: ['ext2fs'], mounts, app });
    expect(node(file)).toEqual({ status: 3, out: '' });
    expect(run('e2fsck', ['-fn', source]).status).toBe(0);
    expect(run('debugfs', ['-R', 'cat /d/f', source]).stdout).toHaveLength(100000);
  });

  test('that throws is written back too, and says its own error', async () => {
    const source = image('thrown.img');
    const app = write('throw.mjs', `import fs from 'node:fs'; fs.writeFileSync('/before', ''); throw new Error('of the application');`);
    const { file } = await made('thrower.mjs', { leaves: ['ext2fs'], mounts: [{ type: 'ext2fs', source, on: '/' }], app });
    const { status, out } = node(file);
    expect(status).toBe(1);
    expect(out).toContain('of the application');
    expect(readFileSync(source).includes('before')).toBe(true);
  });

  test('says at start when the image is not there', async () => {
    const { file } = await made('missing.mjs', { leaves: ['ext2fs'], mounts: [{ type: 'ext2fs', source: '/nowhere/disk.img', on: '/' }] });
    const { status, out } = node(file);
    expect(status).toBe(1);
    expect(out).toMatch(/ENOENT.*nowhere\/disk\.img/);
  });

  test('that imports what is not there cannot be made, and the error names it', async () => {
    const app = write('bad.mjs', `import x from 'no-such-package'; console.log(x);`);
    await expect(made('bad-bundle.mjs', { ...TMPFS, app })).rejects.toThrow(/no-such-package/);
    await expect(made('bad-bundle.mjs', { ...TMPFS, app: join(folder, 'absent.mjs') })).rejects.toThrow(/absent\.mjs: no such file or directory$/);
  });
});

describe('a bundle without an application', () => {
  test('exports the kernel, its host and its fs', async () => {
    const { file } = await made('library.mjs', TMPFS);
    const main = `import { kernel, host, fs } from './${basename(file)}';
      fs.writeFileSync('/x', 'y'); console.log(fs.readFileSync('/x', 'utf8'), typeof host.malloc, kernel.proc1.sys.getpid()); kernel.halt();`;
    expect(node(write('uses.mjs', main))).toEqual({ status: 0, out: 'y function 1\n' });
  });
});

describe('a bundle for a Worker', () => {
  test('runs in one, on an image that it fetches', async () => {
    const bytes = readFileSync(image('served.img'));
    const server = createServer((_request, answer) => answer.end(bytes)).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const source = `http://127.0.0.1:${(server.address() as AddressInfo).port}/disk.img`;
    const app = write(
      'worker-app.mjs',
      `import fs from 'node:fs'; fs.writeFileSync('/in-worker', 'there'); console.log(fs.readdirSync('/').sort().join());`,
    );
    const { file } = await made('worker-ext2.mjs', {
      leaves: ['ext2fs'],
      host: 'worker',
      mounts: [{ type: 'ext2fs', source, on: '/' }],
      app,
    });
    const worker = new Worker(file, { stdout: true, execArgv: [] });
    let out = '';
    worker.stdout.on('data', (part) => (out += String(part)));
    const status = await new Promise((resolve, reject) => worker.once('exit', resolve).once('error', reject));
    server.close();
    expect([status, out]).toEqual([0, 'in-worker,lost+found\n']);
  });

  test('says which image could not be fetched', async () => {
    const server = createServer((_request, answer) => answer.writeHead(404).end()).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const source = `http://127.0.0.1:${(server.address() as AddressInfo).port}/none.img`;
    const { file } = await made('worker-404.mjs', { leaves: ['ext2fs'], host: 'worker', mounts: [{ type: 'ext2fs', source, on: '/' }] });
    const worker = new Worker(file, { execArgv: [] });
    const error = await new Promise((resolve) => worker.once('error', resolve));
    server.close();
    expect(String(error)).toMatch(/none\.img: 404/);
  });
});

describe('weigh', () => {
  test('gives each package its bytes, the heaviest first, and the whole', async () => {
    const components = await resolveComponents(['tmpfs'], import.meta.dirname);
    const w = await weigh({ components, host: 'node' });
    const names = w.packages.map((p) => p.name);
    expect(names).toContain('@anykernel/tmpfs');
    expect(names).not.toContain('@anykernel/ext2fs');
    expect(w.packages.map((p) => p.minified)).toEqual(w.packages.map((p) => p.minified).sort((a, b) => b - a));
    for (const p of [...w.packages, w]) expect(p.gzip).toBeGreaterThan(0);
    expect(w.gzip).toBeLessThan(w.minified);
  });
});
