import { parseRedirection } from '../src/redirection.js';
import { Routes } from '../src/routes.js';

const at = (setting: string, cwd = '/home'): Routes => new Routes(parseRedirection(setting), cwd);

test('a prefix is taken off, and ends at a directory', () => {
  const r = at('path=/rump');
  expect(['/rump', '/rump/', '/rump/a/b', '/rumpus', '/', '/home/rump/x'].map((p) => r.of(p))).toEqual([
    '/',
    '/',
    '/a/b',
    undefined,
    undefined,
    undefined,
  ]);
  expect(['/', '/a', 'a'].map((p) => r.visible(p))).toEqual(['/rump', '/rump/a', 'a']);
});

test('a prefix of slashes is one', () => {
  const r = at('path=//');
  expect(['//a', '//', '/a'].map((p) => r.of(p))).toEqual(['/a', '/', undefined]);
  expect(r.visible('/a')).toBe('//a');
});

test('a blanket keeps the name, and begins names that are longer', () => {
  const r = at('blanket=/data:/etc/x');
  expect(['/data', '/data/a', '/database', '/etc', '/etc/x', '/dat'].map((p) => r.of(p))).toEqual([
    '/data',
    '/data/a',
    '/database',
    undefined,
    '/etc/x',
    undefined,
  ]);
  expect(r.visible('/data/a')).toBe('/data/a');
});

test('directories of mounts end where they end', () => {
  const r = new Routes({ path: undefined, blanket: [], dirs: ['/data'], fdoff: 128 }, '/');
  expect(['/data', '/data/a', '/database'].map((p) => r.of(p))).toEqual(['/data', '/data/a', undefined]);
});

test('a path is judged without . and .., and given as it is', () => {
  const r = at('path=/rump');
  expect(r.of('/rump/link/../a')).toBe('/link/../a');
  expect(r.of('/rump/../etc/passwd')).toBeUndefined();
  expect(r.of('/rump/../rump/a/')).toBe('/a/');
  expect(r.of('/home/../rump/a')).toBe('/a');
  expect(r.of('/home//x')).toBeUndefined();
  expect(r.of('/./rump/.git')).toBe('/.git');
});

test('relative paths go where the absolute ones would', () => {
  const r = at('blanket=/home/data');
  expect(['data/x', './data', '../home/data', 'other', ''].map((p) => r.of(p))).toEqual([
    '/home/data/x',
    '/home/data',
    '/home/data',
    undefined,
    undefined,
  ]);
  r.moveTo('/home/data/a', true);
  expect(['x', '../b', '../../secret', '/etc'].map((p) => r.of(p))).toEqual(['x', '../b', undefined, undefined]);
  expect(r.hostPathOf('../../secret')).toBe('/home/secret');
  r.moveTo('/home/data/a', false);
  expect(r.of('x')).toBe('/home/data/a/x');
});

test('bytes and URLs are routed like text', () => {
  const r = at('path=/rump');
  const name = Buffer.from('/rump/\xff', 'latin1');
  expect(Buffer.from(r.of(name) as Uint8Array).toString('latin1')).toBe('/\xff');
  expect(r.of(new URL('file:///rump/a%20b'))).toBe('/a b');
  for (const url of ['http://host/rump/a', 'file:///rump/a%2fb', 'file://host/rump/a']) expect(r.of(new URL(url))).toBeUndefined();
  for (const no of [undefined, null, 3, {}, Symbol.iterator]) expect(r.of(no)).toBeUndefined();
});
