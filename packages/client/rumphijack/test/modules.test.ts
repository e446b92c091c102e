import { join } from 'node:path';
import { oracle, mustRun } from '@anykernel/tools-oracle';
import { Programs } from './programs.js';

const programs = new Programs();
beforeAll(() => programs.prepare());
afterAll(() => programs.remove());

/** A project with packages of both kinds, as files below a folder. */
const PROJECT: Readonly<Record<string, string>> = {
  'package.json': '{"name":"app","type":"module","imports":{"#own":"./own.js"}}',
  'main.js': `import { shared, twice } from 'dep'; import legacy, { named } from 'legacy'; import own from '#own'; import data from './data.json' with { type: 'json' };
import { here } from './typed.cjs'; import fs from 'node:fs';
const later = await import('./' + 'later.mjs');
console.log(JSON.stringify({ shared, twice: twice(21), legacy: legacy.named, named, own, data: data.x, here, later: later.default, url: import.meta.url, resolved: import.meta.resolve('dep'), self: process.argv[1] }));
fs.writeFileSync(new URL('out.txt', import.meta.url), 'written');`,
  'own.js': 'export default "own";',
  'data.json': '{"x":1}',
  'later.mjs': 'export default import.meta.url.split("/").pop();',
  'typed.cjs': 'exports.here = __filename.split("/").pop() + require("./data.json").x + require("dep").shared + (require.main === module);',
  'cjs/package.json': '{}',
  'cjs/main.js': `#!/usr/bin/env node
const { shared } = require('dep'); console.log(JSON.stringify({ main: require.main === module, shared, file: __filename, again: require('./main-helper') === require('./main-helper.js'), paths: module.paths[0] }));`,
  'cjs/main-helper.js': 'module.exports = {};',
  'node_modules/dep/package.json': '{"name":"dep","exports":{"import":"./dep.mjs","require":"./dep.cjs"}}',
  'node_modules/dep/dep.mjs': 'export const shared = "esm"; export { twice } from "./twice.mjs";',
  'node_modules/dep/twice.mjs': 'export const twice = (n) => 2 * n;',
  'node_modules/dep/dep.cjs': 'exports.shared = "cjs";',
  'node_modules/legacy/package.json': '{"main":"lib"}',
  'node_modules/legacy/lib/index.js': 'module.exports = require("./impl");',
  'node_modules/legacy/lib/impl.js': 'exports.named = "named"; Object.defineProperty(exports, "__esModule", { value: true });',
};

function project(at: string): Record<string, string> {
  return Object.fromEntries(Object.entries(PROJECT).map(([name, text]) => [`${at}/${name}`, text]));
}

const ESM = {
  shared: 'esm',
  twice: 42,
  legacy: 'named',
  named: 'named',
  own: 'own',
  data: 1,
  here: 'typed.cjs1cjsfalse',
  later: 'later.mjs',
};

oracle('mke2fs', 'e2fsck', 'debugfs').test('programs and their packages run from a disk image, whatever they are made of', () => {
  programs.write(project('project'));
  const image = join(programs.folder, 'disk.img');
  mustRun('mke2fs', ['-q', '-t', 'ext2', '-d', join(programs.folder, 'project'), image, '4m']);
  const env = { RUMPHIJACK_MOUNT: `${image}:/app` };
  const esm = programs.start('/app/main.js', { env });
  expect(esm.stderr.replace(/.*ExperimentalWarning.*|\(Use .node --trace.*/g, '').trim()).toBe('');
  expect(JSON.parse(esm.stdout)).toEqual({
    ...ESM,
    url: 'file:///app/main.js',
    resolved: 'file:///app/node_modules/dep/dep.mjs',
    self: '/app/main.js',
  });
  const cjs = programs.start('/app/cjs/main', { env });
  expect(cjs.stderr).toBe('');
  expect(JSON.parse(cjs.stdout)).toEqual({
    main: true,
    shared: 'cjs',
    file: '/app/cjs/main.js',
    again: true,
    paths: '/app/cjs/node_modules',
  });
  expect(mustRun('debugfs', ['-R', 'cat /out.txt', image])).toBe('written');
  mustRun('e2fsck', ['-fn', image]);
});

test('modules of the host and of the kernel use each other', () => {
  programs.write({
    ...project('rump'),
    'node_modules/hosts/index.js': 'exports.side = "host"; exports.kernels = () => require("/rump/legacy.js");',
  });
  const told = programs.told(
    `import fs from 'fs'; import { createRequire } from 'module'; fs.cpSync(${JSON.stringify(join(programs.folder, 'rump'))}, '/rump', { recursive: true });
    fs.writeFileSync('/rump/legacy.js', 'module.exports = "kernel";'); fs.writeFileSync('/rump/package.json', '{}');
    const require = createRequire(import.meta.url);
    tell('required', [require('hosts').kernels(), require('/rump/legacy'), require.resolve('legacy', { paths: ['/rump'] })]);
    tell('imported', [(await import('/rump/node_modules/dep/dep.mjs')).twice(4), (await import('/rump/legacy.js')).default]);
    fs.mkdirSync('/rump/x'); fs.writeFileSync('/rump/x/up.mjs', 'export * from "dep"; export { default as c } from "legacy";'); tell('packages', Object.keys(await import('/rump/x/up.mjs')));
    tell('missing', [await rejected(import('/rump/none.mjs')), thrown(() => require('/rump/none')), await rejected(import('/rump/x'))].map((m) => m.split(/[\\n,]/)[0]));
    tell('codes', await import('/rump/none.mjs').catch((e) => e.code));`,
    'mjs',
    { cwd: programs.folder },
  );
  expect(told).toEqual({
    required: ['kernel', 'kernel', '/rump/node_modules/legacy/lib/index.js'],
    imported: [8, 'kernel'],
    packages: ['c', 'shared', 'twice'],
    missing: [
      expect.stringMatching(/^Cannot find module '\/rump\/none\.mjs'/),
      "Cannot find module '/rump/none'",
      expect.stringMatching(/^Directory import '\/rump\/x' is not supported/),
    ],
    codes: 'ERR_MODULE_NOT_FOUND',
  });
});

test('a file without a type is what its syntax says', () => {
  const told = programs.told(
    `import fs from 'fs'; fs.writeFileSync('/rump/e.js', 'export const kind = typeof require;'); fs.writeFileSync('/rump/c.js', 'exports.kind = typeof require;');
    tell('kinds', [(await import('/rump/e.js')).kind, (await import('/rump/c.js')).kind]);`,
    'mjs',
  );
  expect(told).toEqual({ kinds: ['undefined', 'function'] });
});

test('TypeScript without a type is what its syntax says, where Node takes types away', () => {
  const told = programs.told(
    `import fs from 'fs'; fs.writeFileSync('/rump/e.ts', 'interface A { n: number } export const a: A = { n: 1 };'); fs.writeFileSync('/rump/c.ts', 'const n: number = 2; module.exports = { n };');
    const there = Boolean(process.features.typescript);
    tell('kinds', there ? [(await import('/rump/e.ts')).a.n, (await import('/rump/c.ts')).default.n] : [1, 2]);`,
    'mjs',
  );
  expect(told).toEqual({ kinds: [1, 2] });
});

test('a file of variables is loaded, and a directory that goes by itself knows where it is', () => {
  const told = programs.told(
    `import fs from 'node:fs';
    fs.writeFileSync('/rump/.env', 'HOME=none\\nTHERE="a b"');
    process.loadEnvFile('/rump/.env');
    tell('variables', [process.env.THERE, process.env.HOME === 'none']);
    try { process.loadEnvFile('/rump/none'); } catch (e) { tell('error', e.code); }
    const made = fs.mkdtempDisposableSync?.('/rump/t-');
    tell('made', made === undefined || (made.path.startsWith('/rump/t-') && fs.existsSync(made.path)));
    made?.remove();
    tell('left', fs.readdirSync('/rump'));`,
    'mjs',
  );
  expect(told).toEqual({ variables: ['a b', false], error: 'ENOENT', made: true, left: ['.env'] });
});

test('import attributes are judged as on the host', () => {
  const told = programs.told(
    `import fs from 'node:fs';
    const here = ${JSON.stringify(programs.folder)};
    for (const dir of [here, '/rump']) {
      fs.writeFileSync(dir + '/data.json', '{"a":1}');
      fs.writeFileSync(dir + '/code.mjs', 'export default 1');
    }
    const outcome = (path, options) => import(path, options).then((m) => m.default, (e) => [e.name, e.code, e.message.replaceAll(/file:.*[/]/g, '')]);
    const json = { with: { type: 'json' } };
    const cases = [['data.json'], ['data.json', json], ['code.mjs', json], ['code.mjs', { with: { type: 'css' } }], ['code.mjs', { with: { none: '' } }]];
    for (const side of [here, '/rump']) tell(side === here ? 'host' : 'kernel', await Promise.all(cases.map(([name, options]) => outcome(side + '/' + name, options))));`,
    'mjs',
  );
  const [refused, parsed, ...others] = told['host'] as unknown[];
  expect([parsed, ...[refused, ...others].map((o) => (o as string[])[0])]).toEqual([{ a: 1 }, ...Array(4).fill('TypeError')]);
  expect(told['kernel']).toEqual(told['host']);
});

test('stack traces go by source maps beside a module', () => {
  const told = programs.told(
    `import fs from 'node:fs';
    fs.mkdirSync('/rump/out/maps', { recursive: true });
    fs.writeFileSync('/rump/out/code.mjs', 'export const fail = () => { throw new Error("no") };\\n//# sourceMappingURL=maps/code.map\\n');
    fs.writeFileSync('/rump/out/maps/code.map', '{"version":3,"sources":["../../src/code.ts"],"names":[],"mappings":"AAUA"}');
    try { (await import('/rump/out/code.mjs')).fail(); } catch (e) { tell('at', e.stack.split('\\n')[1].replace(/.*[(]/, '')); }`,
    'mjs',
    { words: ['--enable-source-maps'] },
  );
  expect(told).toEqual({ at: '/rump/src/code.ts:11:1)' });
});
