/** Node itself is asked what a specifier means, in a tree on the host; the resolver must say the same. */
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { mustRun } from '@anykernel/tools-oracle';
import { REQUIRE_CONDITIONS, Resolver, lookupDirs } from '../src/resolve.js';

const TREE: Readonly<Record<string, string>> = {
  'package.json':
    '{"name":"self","exports":{".":"./index.js","./sub":{"import":"./sub.mjs","require":"./sub.cjs"}},"imports":{"#in":"./index.js","#dep":"dep","#fs":"fs","#p/*":"./lib/*.js","#no":null}}',
  'index.js': '',
  'sub.mjs': '',
  'sub.cjs': '',
  'lib/a.js': '',
  'lib/dir/index.js': '',
  'lib/data.json': '{}',
  'lib/noext': '',
  'lib/m.mjs': '',
  'src/main.js': '',
  'lib/both.js': '',
  'lib/both/index.js': '',
  'lib/withmain/package.json': '{"main":"./start"}',
  'lib/withmain/start.js': '',
  'lib/badmain/package.json': '{"main":"./nowhere"}',
  'lib/badmain/index.js': '',
  'lib/nomain/package.json': '{"main":"./nowhere"}',
  'lib/dirmain/package.json': '{"main":"d"}',
  'lib/dirmain/d/index.js': '',
  'node_modules/dep/package.json': '{"name":"dep","main":"main"}',
  'node_modules/dep/main.js': '',
  'node_modules/dep/deep/x.js': '',
  'node_modules/dep/deep/index.js': '',
  'node_modules/plain/index.js': '',
  'node_modules/@s/p/package.json': '{"name":"@s/p"}',
  'node_modules/@s/p/index.js': '',
  'node_modules/@s/p/x.js': '',
  'node_modules/exp/package.json': JSON.stringify({
    name: 'exp',
    exports: {
      '.': [{ unknown: './x.js' }, './main.js'],
      './a': './a.js',
      './pat/*': './p/*.js',
      './pat/special/*': './special/*.mjs',
      './pat/*.css': './css/*.css',
      './pat/private/*': null,
      './cond': { browser: './no.js', node: { import: './n.mjs', default: './n.cjs' }, default: './d.js' },
      './none': { browser: './no.js' },
      './up': '../../../index.js',
      './abs': '/etc/passwd',
      './nm': './node_modules/x.js',
      './missing': './missing.js',
      './arr': ['bad', './a.js'],
    },
  }),
  'node_modules/exp/main.js': '',
  'node_modules/exp/a.js': '',
  'node_modules/exp/p/q.js': '',
  'node_modules/exp/p/q/r.js': '',
  'node_modules/exp/special/s.mjs': '',
  'node_modules/exp/css/c.css': '',
  'node_modules/exp/n.mjs': '',
  'node_modules/exp/n.cjs': '',
  'node_modules/exp/d.js': '',
  'node_modules/str/package.json': '{"exports":"./only.js"}',
  'node_modules/str/only.js': '',
  'node_modules/str/other.js': '',
  'node_modules/mixed/package.json': '{"exports":{".":"./a.js","import":"./b.js"}}',
  'node_modules/broken/package.json': '{"exports":',
  'node_modules/broken/index.js': '',
  'src/node_modules/near/index.js': '',
  'src/node_modules/dep/package.json': '{"main":"./near.js"}',
  'src/node_modules/dep/near.js': '',
};

const SPECIFIERS = [
  './',
  '.',
  '..',
  '../',
  '../index.js',
  '../index',
  '../lib/a',
  '../lib/a.js',
  '../lib/dir',
  '../lib/dir/',
  '../lib/data',
  '../lib/data.json',
  '../lib/noext',
  '../lib/m',
  '../lib/both',
  '../lib/both/',
  '../lib/withmain',
  '../lib/badmain',
  '../lib/nomain',
  '../lib/dirmain',
  '../lib/none.js',
  '../lib/a.js/',
  '../link.js',
  '../lib/a.js?q=1#h',
  './main.js',
  '../lib/%61.js',
  '../lib%2fa.js',
  'dep',
  'dep/deep/x.js',
  'dep/deep',
  'dep/package.json',
  'near',
  'plain',
  'plain/index.js',
  '@s/p',
  '@s/p/x.js',
  '@s/p/x',
  '@s',
  'none',
  'none/x',
  'linked',
  'linked/x.js',
  'exp',
  'exp/a',
  'exp/a.js',
  'exp/pat/q',
  'exp/pat/q/r',
  'exp/pat/special/s',
  'exp/pat/c.css',
  'exp/pat/private/x',
  'exp/pat/../a',
  'exp/cond',
  'exp/none',
  'exp/up',
  'exp/abs',
  'exp/nm',
  'exp/missing',
  'exp/arr',
  'exp/',
  'str',
  'str/other.js',
  'mixed',
  'broken',
  'self',
  'self/sub',
  'self/index.js',
  '#in',
  '#dep',
  '#fs',
  '#p/a',
  '#p/none',
  '#no',
  '#nothing',
  '#',
  'fs',
  'node:fs',
  'node:nothing',
  'fs/promises',
  '',
  'https://x/y',
  'data:text/javascript,1',
];

const ASK = `
import { createRequire } from 'node:module';
const require = createRequire(import.meta.url);
const told = (fn) => { try { return String(fn()); } catch (e) { return 'throws ' + e.code; } };
console.log(JSON.stringify(JSON.parse(process.argv[2]).map((s) => [told(() => require.resolve(s)), told(() => import.meta.resolve(s))])));
`;

const FILES = {
  kind(path: string): 'file' | 'dir' | undefined {
    try {
      return statSync(path).isDirectory() ? 'dir' : 'file';
    } catch {
      return undefined;
    }
  },
  text(path: string): string | undefined {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      return undefined;
    }
  },
  real: (path: string): string => realpathSync(path),
} as const;

let root: string;
let node: readonly (readonly [string, string])[];

beforeAll(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'anykernel-resolve-')));
  for (const [name, text] of Object.entries({ ...TREE, 'src/ask.mjs': ASK })) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  symlinkSync('lib/a.js', join(root, 'link.js'));
  symlinkSync('@s/p', join(root, 'node_modules/linked'));
  node = JSON.parse(mustRun(process.execPath, [join(root, 'src/ask.mjs'), JSON.stringify(SPECIFIERS)])) as readonly (readonly [
    string,
    string,
  ])[];
});

afterAll(() => rmSync(root, { recursive: true, force: true }));

function told(fn: () => unknown): string {
  try {
    return String(fn());
  } catch (e) {
    return `throws ${(e as { code?: string }).code}`;
  }
}

test('require() means what it means to Node', () => {
  const resolver = new Resolver(FILES);
  const from = join(root, 'src/ask.mjs');
  const ours = SPECIFIERS.map((s) =>
    told(() => {
      const found = resolver.require(s, from, /^\.\.?(\/|$)/.test(s) ? [join(root, 'src')] : lookupDirs(join(root, 'src')), [
        '.js',
        '.json',
        '.node',
      ]);
      if (found === undefined) throw Object.assign(new Error(s), { code: 'MODULE_NOT_FOUND' });
      return found;
    }),
  );
  // What is no path and no package is left to Node, which has words of its own for it; Node 20 cannot require a module of its own by `imports`, and
  // has no code for a broken package.json.
  const left = new Set(['', 'node:nothing', '#fs', 'broken']);
  const pairs = (answers: readonly (string | undefined)[]): object =>
    Object.fromEntries(SPECIFIERS.map((s, i) => [s, answers[i]]).filter(([s]) => !left.has(s as string)));
  expect(pairs(ours)).toEqual(pairs(node.map(([r]) => r)));
});

test('import means what it means to Node', () => {
  const resolver = new Resolver(FILES);
  const parent = pathToFileURL(join(root, 'src/ask.mjs')).href;
  const conditions = new Set([...REQUIRE_CONDITIONS].filter((c) => c !== 'require').concat('import'));
  const ours = SPECIFIERS.map((s) => told(() => resolver.import(s, parent, conditions)));
  // import.meta.resolve() of Node gives the URL of what cannot be imported, too: a directory, or nothing.
  const refused = { dir: 'throws ERR_UNSUPPORTED_DIR_IMPORT', none: 'throws ERR_MODULE_NOT_FOUND' } as const;
  const known = (answer: string | undefined, s: string): string | undefined => {
    if (s === 'node:nothing' || answer?.startsWith('file:') !== true) return s === 'node:nothing' ? undefined : answer;
    const kind = FILES.kind(new URL(answer).pathname) ?? 'none';
    return kind === 'file' ? answer : refused[kind];
  };
  const pairs = (answers: readonly (string | undefined)[]): object =>
    Object.fromEntries(SPECIFIERS.map((s, i) => [s, known(answers[i], s)]));
  expect(pairs(ours)).toEqual(pairs(node.map(([, i]) => i)));
});
