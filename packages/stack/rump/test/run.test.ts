import { mkdirSync, writeFileSync } from 'node:fs';
import type { Io } from '@anykernel/stack-rump';
import { bundlePackage } from '@anykernel/tools-nodesuite';
import { type RunOptions, run } from '../src/commands/run.js';
import { type Said, freshImage, folder, ran, rump } from './kit.js';

const path = folder();

/** The module that a program's process loads first: this package in one file, so that it starts as fast as an installed one. */
let preloaded: string;
beforeAll(async () => {
  const entry = path('entry.ts');
  writeFileSync(entry, `export { startRun } from '@anykernel/stack-rump';\n`);
  await bundlePackage('packages/client/rumphijack', path('bundle'), ['thread']);
  await bundlePackage('packages/stack/rump', path('bundle'), [{ name: 'index', path: entry }], ['commander', 'esbuild']);
  preloaded = path('bundle/run-preload.mjs');
  writeFileSync(preloaded, `import { startRun } from './index.mjs';\nawait startRun(import.meta.url);\n`);
});

/** Runs a program; what it said. */
async function running(words: readonly string[], o: RunOptions): Promise<Said> {
  const [out, err]: [string[], string[]] = [[], []];
  const io: Io = {
    out: (b) => void out.push(Buffer.from(b).toString()),
    err: (b) => void err.push(Buffer.from(b).toString()),
    read: () => 0,
    watched: false,
  };
  const status = await run(words, o, io, preloaded);
  return { status, out: out.join(''), err: err.join(''), bytes: Buffer.alloc(0) };
}

function program(name: string, source: string): string {
  writeFileSync(path(name), source);
  return path(name);
}

test('a program works on a mounted image, gets its words, and its status is the status', async () => {
  const image = await freshImage(path);
  const app = program(
    'app.cjs',
    `require('fs').writeFileSync('/data/said', process.argv.slice(2).join(' ')); console.log(require('fs').readdirSync('/data').length); process.exitCode = 3;`,
  );
  expect(await running([app, '-x', '--mount', 'y'], { mount: [`${image}:/data`] })).toMatchObject({ status: 3, out: '2\n', err: '' });
  expect(await ran('cat', `${image}:/said`)).toBe('-x --mount y');
});

test('a stack file says what is mounted and which program runs', async () => {
  const image = await freshImage(path);
  mkdirSync(path('stack'));
  program(
    'stack/app.mjs',
    `import { writeFileSync } from 'node:fs'; writeFileSync('/data/a', 'by the stack'); writeFileSync('/scratch/b', ''); console.log('done');`,
  );
  writeFileSync(
    path('stack/stack.json'),
    JSON.stringify({
      app: './app.mjs',
      mounts: [
        { type: 'ext2fs', source: image, on: '/data' },
        { type: 'tmpfs', on: '/scratch' },
      ],
    }),
  );
  expect(await running([], { stack: path('stack/stack.json') })).toMatchObject({ status: 0, out: 'done\n', err: '' });
  expect(await ran('cat', `${image}:/a`)).toBe('by the stack');
});

test('what makes no sense is said, and nothing runs', async () => {
  const app = program('never.cjs', 'console.log("ran")');
  expect(await rump(['run'])).toMatchObject({ status: 2, err: 'rump: name a program\n' });
  expect(await rump(['run', '--mount', 'nonsense', app])).toMatchObject({
    status: 2,
    out: '',
    err: expect.stringMatching(/^rump: mount nonsense: is IMAGE:DIR/),
  });
  expect(await rump(['run', '--redirect', 'x=y', app])).toMatchObject({
    status: 2,
    out: '',
    err: expect.stringMatching(/^rump: RUMPHIJACK: x: there are/),
  });
  expect(await running([path('absent.js')], {})).toMatchObject({ status: 1, out: '', err: `rump: ${path('absent.js')}: no such file or directory\n` });
  expect(await running([app], { mount: ['/nowhere:/data'] })).toMatchObject({
    status: 1,
    out: '',
    err: expect.stringMatching(/^rumphijack: .*ENOENT/),
  });
});
