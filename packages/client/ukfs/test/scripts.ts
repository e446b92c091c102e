/** Scripts of calls, whose results Node's `fs` on this machine knows. */
import type { Recorder } from './oracle.js';

export type Script = (r: Recorder) => Promise<void>;

async function tree(r: Recorder): Promise<void> {
  await r.quiet('mkdir', r.at('d/e'), { recursive: true });
  await r.quiet('writeFile', r.at('d/one'), '1');
  await r.quiet('writeFile', r.at('d/e/two'), '22');
  await r.quiet('symlink', 'one', r.at('d/link'));
  await r.quiet('writeFile', r.at('f'), 'contents');
}

export const SCRIPTS: Readonly<Record<string, Script>> = {
  async 'whole files'(r) {
    await r.call('writeFile', r.at('a'), 'hello');
    await r.call('readFile', r.at('a'), 'utf8');
    await r.call('readFile', r.at('a'));
    await r.call('readFile', r.at('a'), { encoding: 'hex' });
    await r.call('readFile', r.at('a'), { encoding: 'base64' });
    await r.call('appendFile', r.at('a'), ' world');
    await r.call('readFile', r.at('a'), { encoding: 'latin1', flag: 'r' });
    await r.call('writeFile', r.at('a'), new Uint8Array([0xff, 0, 0x80]));
    await r.call('readFile', r.at('a'), 'utf8');
    await r.call('writeFile', r.at('a'), new DataView(new ArrayBuffer(3)), { flag: 'a' });
    await r.call('stat', r.at('a'));
    await r.call('writeFile', r.at('a'), 'again', { flag: 'wx' });
    await r.call('writeFile', r.at('b'), 'x', { mode: 0o600 });
    await r.call('stat', r.at('b'));
    await r.call('writeFile', r.at('c'), 'abc', { encoding: 'hex' });
    await r.call('readFile', r.at('c'), 'latin1');
    await r.call('writeFile', r.at('empty'), '');
    await r.call('readFile', r.at('empty'), 'utf8');
    await r.call('readFile', r.at('nothing'));
    await r.call('readFile', r.at('nothing'), 'utf8');
    await r.call('readFile', r.base);
    await r.call('writeFile', r.base, 'x');
    await r.call('writeFile', r.at('no/where'), 'x');
    await r.call('appendFile', r.at('new'), 'made');
    await r.call('readFile', r.at('new'), 'utf8');
    await r.call('writeFile', r.at('u'), 'grüße 🚀', 'utf16le');
    await r.call('readFile', r.at('u'), 'utf16le');
    await r.call('truncate', r.at('u'), 2 ** 31);
    await r.call('readFile', r.at('u'));
    await r.call('stat', r.at('u'));
  },

  async 'arguments that make no sense'(r) {
    for (const path of [undefined, null, 7, {}, [], true, Symbol.iterator.description === '' ? 1 : 1n, () => 1]) await r.call('stat', path);
    await r.call('stat', 'with\0nul');
    await r.call('readFile', r.at('a'), 'no-such-encoding');
    await r.call('readFile', r.at('a'), { encoding: 'no-such-encoding' });
    await r.call('writeFile', r.at('a'), 5);
    await r.call('writeFile', r.at('a'), undefined);
    await r.call('writeFile', r.at('a'), {});
    await r.call('mkdir', r.at('m'), { mode: 'rwx' });
    await r.call('mkdir', r.at('m'), { mode: 3.5 });
    await r.call('mkdir', r.at('m'), { mode: -1 });
    await r.call('chmod', r.at('a'), undefined);
    await r.call('chmod', r.at('a'), '9');
    await r.call('chown', r.at('a'), 'root', 0);
    await r.call('chown', r.at('a'), 0, -2);
    await r.call('chown', r.at('a'), 0, 2 ** 32);
    await r.call('rename', r.at('a'), undefined);
    await r.call('rename', undefined, r.at('a'));
    await r.call('link', 1, r.at('a'));
    await r.call('symlink', 1, r.at('a'));
    await r.call('symlink', r.at('a'), 1);
    await r.call('access', r.at('a'), 'r');
    await r.call('access', r.at('a'), 99);
    await r.call('truncate', r.at('a'), 'x');
    await r.call('truncate', r.at('a'), 1.5);
    await r.call('utimes', r.at('a'), 'soon', 1);
    await r.call('utimes', r.at('a'), 1, undefined);
    await r.call('writeFile', r.at('a'), 'x', { flag: 'q' });
    await r.call('copyFile', r.at('a'), r.at('b'), 'x');
    await r.call('copyFile', r.at('a'), r.at('b'), 99);
    await r.call('mkdtemp', 5);
    await r.call('readdir', 5);
    await r.call('readlink', r.at('a'), 'no-such-encoding');
    await r.call('stat', new URL('http://example.org/x'));
    await r.call('stat', new URL('file:///a%2fb'));
  },

  async 'names: not there, not a directory, too long, of all kinds'(r) {
    await tree(r);
    for (const op of ['stat', 'lstat', 'readFile', 'readdir', 'readlink', 'unlink', 'rmdir', 'access', 'realpath', 'statfs']) {
      await r.call(op, r.at('nothing'));
      await r.call(op, r.at('f/below'));
      await r.call(op, r.at('x'.repeat(256)));
    }
    await r.call('stat', '');
    await r.call('stat', Buffer.from(r.at('f')));
    await r.call('stat', new URL(`file://${r.at('f')}`));
    await r.call('stat', r.at('f/'));
    await r.call('stat', r.at('d/'));
    await r.call('stat', r.at('d/../d/./one'));
    await r.call('writeFile', r.at('grüße'), 'ü');
    await r.call('readFile', r.at('grüße'), 'utf8');
    await r.call('readFile', r.at('日本語'), 'utf8');
    await r.call('writeFile', Buffer.concat([Buffer.from(r.at('')), Buffer.from([0xff, 0xfe, 0x80])]), 'bytes');
    await r.call('readdir', r.base);
    await r.call('readdir', r.base, 'buffer');
    await r.call('readdir', r.base, { encoding: 'latin1' });
    await r.call('readFile', Buffer.concat([Buffer.from(r.at('')), Buffer.from([0xff, 0xfe, 0x80])]), 'utf8');
    await r.call('readFile', Buffer.concat([Buffer.from(r.at('')), Buffer.from([0xff, 0xfe])]), 'utf8');
    await r.call('readlink', r.at('d/link'), 'buffer');
  },

  async 'options of the wrong kind'(r) {
    await tree(r);
    for (const value of [1, 'yes', null]) {
      await r.call('rm', r.at('f'), { recursive: value });
      await r.call('rm', r.at('nothing'), { force: value });
      await r.call('mkdir', r.at('m'), { recursive: value });
    }
    await r.call('readdir', r.at('d'), { withFileTypes: 1 });
    await r.call('readdir', r.at('d'), '');
    await r.call('writeFile', r.at('a'), 'x', { flag: '', encoding: '' });
  },

  async realpath(r) {
    await tree(r);
    for (const name of ['d/link', 'd/../f', 'f/..', 'f/', 'd/', 'd/.', 'd//e/', 'nothing/../f', 'nothing', 'd/link/', 'd/e/../../f', 'f/x']) {
      await r.call('realpath', r.at(name));
    }
    const odd = Buffer.concat([Buffer.from(r.at('odd/')), Buffer.from([0xff, 0xfe])]);
    await r.quiet('mkdir', odd, { recursive: true });
    await r.call('readdir', r.at('odd'), 'buffer');
    await r.call('readdir', odd);
  },

  async stat(r) {
    await tree(r);
    await r.call('stat', r.at('f'));
    await r.call('stat', r.at('f'), { bigint: true });
    await r.call('stat', r.at('d'));
    await r.call('stat', r.at('d/link'));
    await r.call('lstat', r.at('d/link'));
    await r.call('lstat', r.at('d/link'), { bigint: true });
    await r.call('symlink', 'loop', r.at('loop'));
    await r.call('stat', r.at('loop'));
    await r.call('lstat', r.at('loop'));
    await r.call('symlink', 'nowhere', r.at('dangling'));
    await r.call('stat', r.at('dangling'));
    await r.call('access', r.at('f'));
    await r.call('access', r.at('f'), 4);
    await r.call('access', r.at('f'), 1);
    await r.call('access', r.at('dangling'));
  },

  async directories(r) {
    await tree(r);
    await r.call('readdir', r.at('d'));
    await r.call('readdir', r.at('d'), { withFileTypes: true });
    await r.call('readdir', r.base, { recursive: true });
    await r.call('readdir', r.base, { recursive: true, withFileTypes: true });
    await r.call('readdir', r.at('f'));
    await r.call('mkdir', r.at('d'));
    await r.call('mkdir', r.at('f'));
    await r.call('mkdir', r.at('p/q/r'));
    await r.call('mkdir', r.at('p/q/r'), { recursive: true });
    await r.call('mkdir', r.at('p/q/r'), { recursive: true });
    await r.call('mkdir', r.at('p/q/s/t/'), { recursive: true });
    await r.call('mkdir', r.at('f'), { recursive: true });
    await r.call('mkdir', r.at('f/g'), { recursive: true });
    await r.call('mkdir', r.at('f/g/h'), { recursive: true });
    await r.call('mkdir', r.at('d/link/x'), { recursive: true });
    await r.call('mkdir', r.at('m700'), 0o700);
    await r.call('mkdir', r.at('m711'), { mode: '711' });
    await r.call('stat', r.at('m700'));
    await r.call('stat', r.at('m711'));
    await r.call('rmdir', r.at('d'));
    await r.call('rmdir', r.at('f'));
    await r.call('rmdir', r.at('p/q/r'));
    await r.call('rmdir', r.at('p/q/r'));
    await r.call('rmdir', r.at('d/link'));
    await r.call('unlink', r.at('d'));
    await r.call('mkdtemp', r.at('nodir/x-'));
  },

  async 'rename, link, symlink, unlink'(r) {
    await tree(r);
    await r.call('rename', r.at('f'), r.at('g'));
    await r.call('rename', r.at('f'), r.at('h'));
    await r.call('rename', r.at('g'), r.at('d'));
    await r.call('rename', r.at('d'), r.at('g'));
    await r.call('rename', r.at('d'), r.at('d/e/inside'));
    await r.call('rename', r.at('g'), r.at('d/one'));
    await r.call('readFile', r.at('d/one'), 'utf8');
    await r.call('mkdir', r.at('empty'));
    await r.call('rename', r.at('d'), r.at('empty'));
    await r.call('readdir', r.base, { recursive: true });
    await r.call('rename', r.at('empty'), r.at('no/where'));
    await r.call('link', r.at('empty/one'), r.at('two'));
    await r.call('stat', r.at('two'));
    await r.call('link', r.at('empty/one'), r.at('two'));
    await r.call('link', r.at('empty'), r.at('three'));
    await r.call('link', r.at('nothing'), r.at('three'));
    await r.call('rename', r.at('two'), r.at('empty/one'));
    await r.call('readdir', r.base);
    await r.call('link', r.at('empty/link'), r.at('linklink'));
    await r.call('lstat', r.at('linklink'));
    await r.call('symlink', 'anything at all', r.at('s'));
    await r.call('readlink', r.at('s'));
    await r.call('symlink', 'anything', r.at('s'));
    await r.call('symlink', '', r.at('s2'));
    await r.call('symlink', 'x', r.at('s3'), 'file');
    await r.call('readlink', r.at('two'));
    await r.call('unlink', r.at('s'));
    await r.call('unlink', r.at('s'));
    await r.call('realpath', r.at('empty/link'));
    await r.call('realpath', r.at('empty/e/..'));
    await r.call('realpath', r.at('nothing'));
    await r.call('symlink', 'l2', r.at('l1'));
    await r.call('symlink', 'l1', r.at('l2'));
    await r.call('realpath', r.at('l1'));
    await r.call('readFile', r.at('l1'));
  },

  async attributes(r) {
    await tree(r);
    await r.call('chmod', r.at('f'), 0o640);
    await r.call('stat', r.at('f'));
    await r.call('chmod', r.at('f'), '0755');
    await r.call('stat', r.at('f'));
    await r.call('chmod', r.at('nothing'), 0o600);
    await r.call('chown', r.at('f'), 0, 0);
    await r.call('chown', r.at('f'), -1, -1);
    await r.call('chown', r.at('nothing'), 0, 0);
    await r.call('lchown', r.at('d/link'), 0, 0);
    await r.call('lchown', r.at('nothing'), 0, 0);
    await r.call('utimes', r.at('f'), 1000, 2000.5);
    await times(r, 'stat', 'f');
    await r.call('utimes', r.at('f'), new Date(5000), '77');
    await times(r, 'stat', 'f');
    await r.call('utimes', r.at('f'), new Date(-5000), new Date(-1250));
    await times(r, 'stat', 'f');
    await r.call('lutimes', r.at('d/link'), 3, 4);
    await times(r, 'lstat', 'd/link');
    await r.call('utimes', r.at('nothing'), 1, 2);
    await r.call('lutimes', r.at('nothing'), 1, 2);
    await r.call('truncate', r.at('f'), 3);
    await r.call('readFile', r.at('f'), 'utf8');
    await r.call('truncate', r.at('f'), 6);
    await r.call('readFile', r.at('f'));
    await r.call('truncate', r.at('f'));
    await r.call('readFile', r.at('f'), 'utf8');
    await r.call('truncate', r.at('nothing'), 1);
    await r.call('truncate', r.at('d'), 1);
  },

  async rm(r) {
    await tree(r);
    await r.call('rm', r.at('nothing'));
    await r.call('rm', r.at('nothing'), { force: true });
    await r.call('rm', r.at('f/below'), { force: true });
    await r.call('rm', r.at('d'));
    await r.call('rm', r.at('d/link'));
    await r.call('rm', r.at('f'));
    await r.call('rm', r.at('d'), { recursive: true });
    await r.call('readdir', r.base);
    await r.call('rm', r.at('d'), { recursive: true });
    await r.call('rm', r.at('d'), { recursive: true, force: true });
  },

  async 'copyFile and cp'(r) {
    await tree(r);
    await r.call('copyFile', r.at('f'), r.at('copy'));
    await r.call('readFile', r.at('copy'), 'utf8');
    await r.call('copyFile', r.at('f'), r.at('copy'), 1);
    await r.call('copyFile', r.at('nothing'), r.at('copy'));
    await r.call('copyFile', r.at('f'), r.at('no/where'));
    await r.call('copyFile', r.at('d'), r.at('copy2'));
    await r.call('copyFile', r.at('f'), r.at('d'));
    await r.call('chmod', r.at('f'), 0o751);
    await r.call('copyFile', r.at('f'), r.at('copy3'));
    await r.call('stat', r.at('copy3'));
    await r.call('cp', r.at('f'), r.at('copy4'));
    await r.call('stat', r.at('copy4'));
    await r.call('cp', r.at('d'), r.at('d2'));
    await r.call('cp', r.at('d'), r.at('d2'), { recursive: true });
    await r.call('readdir', r.at('d2'), { recursive: true, withFileTypes: true });
    await r.call('readFile', r.at('d2/e/two'), 'utf8');
    await r.call('readlink', r.at('d2/link'));
    await r.call('cp', r.at('f'), r.at('d2/one'), { force: false, errorOnExist: true });
    await r.call('cp', r.at('f'), r.at('d2/one'), { force: false });
    await r.call('readFile', r.at('d2/one'), 'utf8');
    await r.call('cp', r.at('f'), r.at('d2/one'));
    await r.call('readFile', r.at('d2/one'), 'utf8');
    await r.call('cp', r.at('d'), r.at('d/e/inside'), { recursive: true });
    await r.call('cp', r.at('d'), r.at('f'), { recursive: true });
    await r.call('cp', r.at('f'), r.at('d'), { recursive: true });
    await r.call('cp', r.at('f'), r.at('f'));
    await r.call('cp', r.at('nothing'), r.at('x'));
    await r.call('cp', r.at('f'), r.at('deep/er/copy'));
    await r.call('readdir', r.base, { recursive: true });
    await r.call('cp', r.at('d'), r.at('d3'), { recursive: true, filter: (from: string) => !from.endsWith('two') });
    await r.call('readdir', r.at('d3'), { recursive: true });
    await r.call('utimes', r.at('f'), 100, 200);
    await r.call('cp', r.at('f'), r.at('old'), { preserveTimestamps: true });
    const old = (await r.quiet('stat', r.at('old'))) as { mtimeMs: number };
    r.log.push(`modification time ${old.mtimeMs}`);
    await r.call('cp', r.at('d/link'), r.at('deref'), { dereference: true });
    await r.call('lstat', r.at('deref'));
  },
};

/** More of the same, on what options there are. */
export const OPTION_SCRIPTS: Readonly<Record<string, Script>> = {
  async 'options that are none'(r) {
    await tree(r);
    for (const bad of [1, true, Symbol.iterator, 'x']) {
      await r.call('rm', r.at('f'), bad);
      await r.call('cp', r.at('f'), r.at('g'), bad);
      if (typeof bad !== 'string') for (const op of ['readFile', 'readdir', 'readlink', 'realpath']) await r.call(op, r.at('d/link'), bad);
    }
    for (const name of ['retryDelay', 'maxRetries', 'recursive', 'force']) {
      for (const bad of ['x', -1, undefined, null, 1.5]) await r.call('rm', r.at('d'), { [name]: bad });
    }
    for (const name of ['dereference', 'errorOnExist', 'force', 'preserveTimestamps', 'recursive', 'verbatimSymlinks', 'filter']) {
      for (const bad of ['x', 1, null]) await r.call('cp', r.at('f'), r.at('g'), { [name]: bad });
    }
    await r.call('cp', r.at('f'), r.at('g'), { dereference: true, verbatimSymlinks: true });
    await r.call('readdir', r.at('d'), { recursive: 'yes' });
    await r.call('writeFile', r.at('f'), 'x', { flush: 'yes' });
    await r.call('writeFile', r.at('f'), 'x', { flush: true });
    await r.call('readFile', r.at('f'), { flag: 'a+', encoding: 'utf8' });
    await r.call('writeFile', r.at('hex'), 'abcd', 'hex');
    await r.call('readFile', r.at('hex'));
  },

  async 'cp of links and onto what is there'(r) {
    await tree(r);
    await r.quiet('symlink', r.at('d'), r.at('todir'));
    await r.quiet('symlink', 'd/one', r.at('toone'));
    await r.call('cp', r.at('toone'), r.at('copy1'));
    await r.call('readlink', r.at('copy1'));
    await r.call('cp', r.at('toone'), r.at('copy2'), { verbatimSymlinks: true });
    await r.call('readlink', r.at('copy2'));
    await r.call('cp', r.at('toone'), r.at('copy1'));
    await r.call('cp', r.at('d'), r.at('copy3'), { recursive: true, dereference: true });
    await r.call('lstat', r.at('copy3/link'));
    await r.call('cp', r.at('d/e'), r.at('copy3/e'), { recursive: true, errorOnExist: true, force: false });
    await r.call('cp', r.at('d'), r.at('d/e/new/deep'), { recursive: true });
    await r.call('copyFile', r.at('f'), r.at('f'));
    await r.call('copyFile', r.at('f'), r.at('f2'), 2);
    await r.call('copyFile', r.at('toone'), r.at('f3'));
    await r.call('lstat', r.at('f3'));
    await r.call('readFile', r.at('f3'), 'utf8');
  },

  async 'truncate and write at odd places'(r) {
    await tree(r);
    await r.call('truncate', r.at('f'), -5);
    await r.call('stat', r.at('f'));
    await r.call('truncate', r.at('f'), 2 ** 33);
    await r.call('stat', r.at('f'));
    await r.call('truncate', r.at('f'), 2 ** 53);
    await r.call('symlink', 'x', r.at('bad'), 'sideways');
    await r.call('stat', r.at('f'), { throwIfNoEntry: false });
    await r.call('rmdir', r.at('f'), { recursive: false, maxRetries: 1 });
    await r.call('link', r.at('f'), r.at('f/x'));
    await r.call('mkdir', r.at('x'), { recursive: true, mode: 'u+x' });
    await r.call('mkdtemp', r.at('none/'), 'no-such-encoding');
  },
};

/** Scripts on descriptors, which the promise form has in its FileHandle. */
export const DESCRIPTOR_SCRIPTS: Readonly<Record<string, Script>> = {
  async descriptors(r) {
    const fd = await r.quiet('open', r.at('a'), 'w+');
    await r.call('write', fd, 'hello');
    await r.call('write', fd, Buffer.from('XY'), 0, 1);
    await r.call('write', fd, 'J', 0);
    await r.call('write', fd, 'end', 10, 'latin1');
    const buf = Buffer.alloc(20, '.');
    await r.call('read', fd, buf, 0, 20, 0);
    await r.call('readFile', r.at('a'), 'latin1');
    await r.call('read', fd, buf, 5, 2, 1);
    await r.call('read', fd, buf);
    await r.call('read', fd, { buffer: buf, offset: 1, length: 3, position: 0 });
    await r.call('read', fd, buf, { offset: 1, length: 3, position: 2 });
    await r.call('read', fd, buf, 0, 21, 0);
    await r.call('read', fd, buf, 21, 0, 0);
    await r.call('read', fd, buf, -1, 1, 0);
    await r.call('read', fd, buf, 0, 1, -5);
    await r.call('read', fd, buf, 0, 1, 1.5);
    await r.call('read', fd, buf, 0, 1, 'x');
    await r.call('read', fd, 'nobuffer', 0, 1, 0);
    await r.call('readv', fd, [Buffer.alloc(3), Buffer.alloc(3)], 0);
    await r.call('writev', fd, [Buffer.from('aa'), Buffer.from('bbb')], 1);
    await r.call('readFile', fd, 'latin1');
    await r.call('fstat', fd);
    await r.call('ftruncate', fd, 4);
    await r.call('ftruncate', fd, -1);
    await r.call('fchmod', fd, 0o600);
    await r.call('fchown', fd, 0, 0);
    await r.call('futimes', fd, 5, 6);
    await r.call('fsync', fd);
    await r.call('fdatasync', fd);
    await r.call('fstat', fd);
    await r.call('writeFile', fd, 'more');
    await r.call('readFile', r.at('a'), 'latin1');
    await r.call('close', fd);
    for (const op of ['close', 'fstat', 'fsync', 'ftruncate']) await r.call(op, 9999);
    await r.call('read', 9999, buf, 0, 1, 0);
    await r.call('write', 9999, 'x');
    for (const bad of [-1, 1.5, 'x', undefined, 2 ** 31]) await r.call('close', bad);
    for (const bad of ['x', {}, null]) await r.call('readv', 5, bad);
    await r.call('writev', 5, [1]);
    await r.call('writev', 9999, []);
    await r.call('write', 5, 'abc', 0, 'hex');
    for (const bad of [1, {}, null, undefined]) await r.call('write', 5, bad);
  },

  async 'open flags'(r) {
    await r.quiet('writeFile', r.at('f'), 'contents');
    await r.call('open', r.at('nothing'), 'r');
    await r.call('open', r.at('nothing'), 'r+');
    await r.call('open', r.at('f'), 'wx');
    await r.call('open', r.at('f'), 'ax+');
    await r.call('open', r.at('f'), 'zz');
    await r.call('open', r.at(''), 'w');
    await r.call('open', r.at('f/'), 'r');
    await r.call('open', r.at('new/'), 'w');
    const read = await r.quiet('open', r.at('f'), 'r');
    await r.call('write', read, 'x');
    await r.quiet('close', read);
    const append = await r.quiet('open', r.at('f'), 'a');
    await r.call('write', append, '!', 0);
    await r.call('read', append, Buffer.alloc(1), 0, 1, 0);
    await r.quiet('close', append);
    await r.call('readFile', r.at('f'), 'utf8');
    const directory = await r.quiet('open', r.base, 'r');
    await r.call('read', directory, Buffer.alloc(4), 0, 4, 0);
    await r.call('fstat', directory);
    await r.quiet('close', directory);
  },
};

async function times(r: Recorder, op: string, name: string): Promise<void> {
  const st = (await r.quiet(op, r.at(name))) as { atimeMs: number; mtimeMs: number; atime: Date; mtime: Date };
  r.log.push(`times of ${name}: ${st.atimeMs} ${st.mtimeMs} ${st.atime.getTime()} ${st.mtime.getTime()}`);
}
