/** glob(): what Node's own finds, where it has one; and known answers everywhere. */
import hostFs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Tree, fromTree, symlink } from '@anykernel/ukfs';
import { type Subject, kernelOn } from './kernel.js';

const TREE: Tree = {
  'a/f1.js': '',
  'a/b/f2.ts': '',
  'a/b/c/f3.js': '',
  '.h/f4.js': '',
  '.dot': '',
  'x/y.md': '',
  'x/la': symlink('../a'),
  'n/img1.png': '',
  'n/img2.png': '',
  'n/img10.png': '',
  'n/[odd].txt': '',
  'n/grüße.txt': '',
};

let s: Subject;
let base: string;
beforeAll(() => {
  s = kernelOn('tmpfs of a bare kernel, on Node');
  base = hostFs.mkdtempSync(join(tmpdir(), 'anykernel-glob-'));
  fromTree(s.fs, TREE, base);
  for (const name of s.fs.globSync('**/{*,.*}', { cwd: base })) copyToHost(name);
  copyToHost('.h');
  copyToHost('.h/f4.js');
});
afterAll(() => {
  s.k.halt();
  hostFs.rmSync(base, { recursive: true });
});

function copyToHost(name: string): void {
  const at = join(base, name);
  const st = s.fs.lstatSync(at);
  hostFs.mkdirSync(st.isDirectory() ? at : join(at, '..'), { recursive: true });
  if (st.isSymbolicLink()) hostFs.symlinkSync(s.fs.readlinkSync(at), at);
  else if (st.isFile()) hostFs.writeFileSync(at, '');
}

const KNOWN: readonly (readonly [string, readonly string[]])[] = [
  ['*', ['a', 'n', 'x']],
  ['**/*.js', ['a/b/c/f3.js', 'a/f1.js']],
  ['a/**', ['a', 'a/b', 'a/b/c', 'a/b/c/f3.js', 'a/b/f2.ts', 'a/f1.js']],
  ['a/*/', ['a/b']],
  ['.*', ['.dot', '.h']],
  ['.h/*', ['.h/f4.js']],
  ['{a,x}/*', ['a/b', 'a/f1.js', 'x/la', 'x/y.md']],
  ['n/img{1..3}.png', ['n/img1.png', 'n/img2.png']],
  ['n/img?.png', ['n/img1.png', 'n/img2.png']],
  ['n/img[0-9]*.png', ['n/img1.png', 'n/img10.png', 'n/img2.png']],
  ['n/img[!1]*', ['n/img2.png']],
  ['+(a|x)/*', ['a/b', 'a/f1.js', 'x/la', 'x/y.md']],
  ['!(a|x)', ['n']],
  ['@(a|n)/*.{js,txt}', ['a/f1.js', 'n/[odd].txt', 'n/grüße.txt']],
  ['n/gr??e.txt', ['n/grüße.txt']],
  ['n/[[]*', ['n/[odd].txt']],
  ['a/../x/*', ['x/la', 'x/y.md']],
  ['x/la/*', ['x/la/b', 'x/la/f1.js']],
  ['x/*/*.js', []],
  ['**/b/**', ['a/b', 'a/b/c', 'a/b/c/f3.js', 'a/b/f2.ts']],
  ['a/b', ['a/b']],
  ['nothing', []],
  ['*/**/f?.{js,ts}', ['a/b/c/f3.js', 'a/b/f2.ts', 'a/f1.js']],
];

test.each(KNOWN)('%s', (pattern, names) => {
  expect(s.fs.globSync(pattern, { cwd: base }).sort()).toEqual([...names].sort());
});

const hostGlob = (hostFs as { globSync?: (pattern: string | string[], options: object) => string[] }).globSync;

test('the same as Node finds, where Node has it', () => {
  const patterns = [...KNOWN.map(([p]) => p), '**', '**/', `${base}/*`, '[ax]/*', 'a/**/c', 'a//b', './a/*', '**/.*', 'a/**/'];
  const both = patterns.map((p) => {
    const ours = s.fs.globSync(p, { cwd: base }).sort();
    return [p, ours, hostGlob === undefined ? ours : hostGlob(p, { cwd: base }).sort()] as const;
  });
  for (const [p, ours, node] of both) expect([p, ours]).toEqual([p, node]);
});

test('what is excluded is left out with all below it', () => {
  const glob = (exclude: unknown): string[] => s.fs.globSync('a/**', { cwd: base, exclude: exclude as never }).sort();
  expect(glob((name: string) => name === 'c')).toEqual(['a', 'a/b', 'a/b/f2.ts', 'a/f1.js']);
  expect(glob(['a/b'])).toEqual(['a', 'a/f1.js']);
  expect(glob(['**/*.js'])).toEqual(['a', 'a/b', 'a/b/c', 'a/b/f2.ts']);
});

test('Dirents, links that are followed, a greatest depth', () => {
  const entries = s.fs.globSync('a/*', { cwd: base, withFileTypes: true });
  expect(entries.map((e) => [e.name, e.parentPath, e.isDirectory()]).sort()).toEqual([
    ['b', `${base}/a`, true],
    ['f1.js', `${base}/a`, false],
  ]);
  expect(s.fs.globSync('x/**/*.js', { cwd: base, followSymlinks: true }).sort()).toEqual(['x/la/b/c/f3.js', 'x/la/f1.js']);
  expect(s.fs.globSync('**', { cwd: base, maxDepth: 1 }).sort()).toEqual(['.', 'a', 'n', 'x']);
});

test('links are not gone through in circles', () => {
  s.fs.mkdirSync(`${base}/round/target`, { recursive: true });
  s.fs.writeFileSync(`${base}/round/target/f`, '');
  s.fs.symlinkSync('target', `${base}/round/link`);
  s.fs.symlinkSync(`${base}/round`, `${base}/round/target/up`);
  const names = ['', '/link', '/link/f', '/link/up', '/target', '/target/f', '/target/up'];
  const options = { cwd: base, followSymlinks: true };
  expect(s.fs.globSync('round/**', options).sort()).toEqual(names.map((name) => `round${name}`));
  expect(s.fs.globSync('round/target/*/../u?', { cwd: base })).toEqual(['round/target/up']);
  s.fs.rmSync(`${base}/round`, { recursive: true });
});

test('callback and iterator; several patterns; a current directory', async () => {
  s.k.proc1.sys.chmod(base, 0o755);
  const called = await new Promise((resolve) => s.fs.glob([`${base}/a/*`, `${base}/x/y*`], (_e, names) => resolve(names.sort())));
  expect(called).toEqual([`${base}/a/b`, `${base}/a/f1.js`, `${base}/x/y.md`]);
  const names: string[] = [];
  for await (const name of s.fs.promises.glob('*.md', { cwd: `${base}/x` })) names.push(name);
  expect(names).toEqual(['y.md']);
});

test('patterns of any kind end', () => {
  for (const odd of ['{'.repeat(50), '['.repeat(50), '+('.repeat(50), '{a,{b,{c', '[z-a]', '[[:alpha:]]', '\\', '{1..100000000}', '*'.repeat(200), '**/'.repeat(50)]) {
    expect(Array.isArray(s.fs.globSync(odd, { cwd: base }))).toBe(true);
  }
  for (const bad of [5, null, {}, [5]]) expect(() => s.fs.globSync(bad as never)).toThrow('patterns');
  expect(() => s.fs.globSync('a', { exclude: 5 } as never)).toThrow('options.exclude');
});
