import { Programs } from './programs.js';

const programs = new Programs();
beforeAll(() => programs.prepare());
afterAll(() => programs.remove());

test('all three forms read and write on the kernel, and the host stays as it was', () => {
  const told = programs.told(
    `const fs = require('node:fs'), { promisify } = require('node:util');
    fs.mkdirSync('/rump/d'); fs.writeFileSync('/rump/d/a', 'one');
    (async () => {
      await fs.promises.appendFile('/rump/d/a', ' two');
      await promisify(fs.appendFile)('/rump/d/a', ' three');
      tell('text', fs.readFileSync(new URL('file:///rump/d/a'), 'utf8'));
      tell('bytes', String(fs.readFileSync(Buffer.from('/rump/d/a'))));
      tell('names', fs.readdirSync('/rump'));
      tell('exists', [fs.existsSync('/rump/d'), await promisify(fs.exists)('/rump/d'), await promisify(fs.exists)('/rump/e'), await promisify(fs.exists)('/')]);
      tell('class', [fs.statSync('/rump/d') instanceof fs.Stats, fs.readdirSync('/rump', { withFileTypes: true })[0] instanceof fs.Dirent]);
    })();`,
    'cjs',
  );
  expect(told).toEqual({
    text: 'one two three',
    bytes: 'one two three',
    names: ['d'],
    exists: [true, true, false, true],
    class: [true, true],
  });
});

test('named imports of both modules are redirected', () => {
  const told = programs.told(
    `import { writeFileSync, createReadStream } from 'fs'; import { readFile, open } from 'node:fs/promises'; import * as all from 'node:fs'; import whole from 'fs';
    writeFileSync('/rump/a', 'text'); tell('read', [await readFile('/rump/a', 'utf8'), all.readFileSync('/rump/a', 'utf8'), whole.readFileSync('/rump/a', 'utf8')]);
    const fh = await open('/rump/a'); tell('handle', [String(await fh.readFile()), fh.fd >= 2 ** 29]); await fh.close();
    let text = ''; for await (const chunk of createReadStream('/rump/a', { start: 1 })) text += chunk; tell('stream', text);`,
    'mjs',
  );
  expect(told).toEqual({ read: ['text', 'text', 'text'], handle: ['text', true], stream: 'ext' });
});

test('descriptors of both sides are used side by side', () => {
  const told = programs.told(
    `const fs = require('fs');
    fs.writeFileSync('/rump/a', 'kernel'); fs.writeFileSync('b', 'host');
    const [a, b] = [fs.openSync('/rump/a', 'r+'), fs.openSync('b')];
    const read = (fd) => { const buf = Buffer.alloc(10); return buf.toString('utf8', 0, fs.readSync(fd, buf, 0, 10, 0)); };
    tell('read', [read(a), read(b)]);
    fs.ftruncateSync(a, 3); tell('sizes', [fs.fstatSync(a).size, fs.fstatSync(b).size]);
    fs.closeSync(a); fs.closeSync(b);
    tell('closed', thrown(() => fs.fstatSync(a)));
    fs.createReadStream('b').pipe(fs.createWriteStream('/rump/c')).on('finish', () => tell('piped', fs.readFileSync('/rump/c', 'utf8')));`,
    'cjs',
  );
  expect(told).toEqual({ read: ['kernel', 'host'], sizes: [3, 4], closed: 'EBADF: bad file descriptor, fstat', piped: 'host' });
});

test('what comes out of the kernel has the names that the program knows', () => {
  const told = programs.told(
    `import fs from 'fs'; fs.mkdirSync('/rump/d/e', { recursive: true }); fs.writeFileSync('/rump/d/a', ''); fs.symlinkSync('/rump/d/a', '/rump/link');
    tell('errors', [thrown(() => fs.readFileSync('/rump/no')), await rejected(fs.promises.rename('/rump/no', '/rump/x')), await new Promise((r) => fs.stat('/rump/no', (e) => r(e.path)))]);
    tell('realpath', [fs.realpathSync('/rump/link'), fs.realpathSync.native('/rump/d/../link'), await fs.promises.realpath('/rump/d/')]);
    tell('readlink', [fs.readlinkSync('/rump/link'), fs.readFileSync('/rump/link').length]);
    tell('mkdir', fs.mkdirSync('/rump/x/y/z', { recursive: true }));
    tell('mkdtemp', /^\\/rump\\/d\\/t-.{6}$/.test(fs.mkdtempSync('/rump/d/t-')));
    tell('dirents', fs.readdirSync('/rump/x', { withFileTypes: true, recursive: true }).map((e) => [e.parentPath ?? e.path, e.name]));
    const dir = fs.opendirSync('/rump/x'); const entries = []; for await (const e of dir) entries.push(e.parentPath ?? e.path); tell('opendir', [dir.path, entries]);
    const seen = []; fs.cpSync('/rump/x', '/rump/w', { recursive: true, filter: (a, b) => seen.push(a + ' ' + b) }); tell('filter', seen[0]);`,
    'mjs',
  );
  expect(told).toEqual({
    errors: [
      "ENOENT: no such file or directory, open '/rump/no'",
      "ENOENT: no such file or directory, rename '/rump/no' -> '/rump/x'",
      '/rump/no',
    ],
    realpath: ['/rump/d/a', '/rump/d/a', '/rump/d'],
    readlink: ['/rump/d/a', 0],
    mkdir: '/rump/x',
    mkdtemp: true,
    dirents: [
      ['/rump/x', 'y'],
      ['/rump/x/y', 'z'],
    ],
    opendir: ['/rump/x', ['/rump/x']],
    filter: '/rump/x /rump/w',
  });
});

test('between the sides nothing is renamed or linked, and everything is copied', () => {
  const told = programs.told(
    `import fs from 'fs'; fs.mkdirSync('tree/sub', { recursive: true }); fs.writeFileSync('tree/sub/f', 'deep', { mode: 0o600 }); fs.symlinkSync('sub/f', 'tree/l');
    tell('refused', [thrown(() => fs.renameSync('tree', '/rump/tree')), await rejected(fs.promises.link('tree/sub/f', '/rump/f')), await new Promise((r) => fs.rename('/rump/a', 'b', (e) => r(e.code)))]);
    fs.cpSync('tree', '/rump/tree', { recursive: true }); tell('in', [fs.readFileSync('/rump/tree/l', 'utf8'), fs.readlinkSync('/rump/tree/l'), fs.statSync('/rump/tree/sub/f').mode & 0o777]);
    await fs.promises.cp('/rump/tree', 'back', { recursive: true }); tell('out', fs.readFileSync('back/sub/f', 'utf8'));
    await fs.promises.cp('tree', '/rump/some', { recursive: true, filter: async (from) => !from.endsWith('/l') }); tell('some', fs.readdirSync('/rump/some'));
    tell('decided', thrown(() => fs.cpSync('tree', '/rump/none', { recursive: true, filter: async () => true })).slice(0, 59));
    tell('options', [{ recursive: 1 }, { filter: 1 }, 1].map((o) => thrown(() => fs.cpSync('tree', '/rump/none', o)) === thrown(() => fs.cpSync('tree', 'none', o))));
    fs.copyFile('back/sub/f', '/rump/one', (e) => tell('copied', [e, fs.readFileSync('/rump/one', 'utf8')]));
    tell('excl', thrown(() => fs.copyFileSync('back/sub/f', '/rump/tree/sub/f', fs.constants.COPYFILE_EXCL)));
    tell('invalid', [thrown(() => fs.renameSync('/rump/a', 1)), thrown(() => fs.renameSync('/rump/a', 'b\\0'))].map((m) => m.slice(0, 24)));`,
    'mjs',
  );
  const f = `${programs.folder}/`;
  expect(told).toEqual({
    refused: [
      "EXDEV: cross-device link not permitted, rename 'tree' -> '/rump/tree'",
      "EXDEV: cross-device link not permitted, link 'tree/sub/f' -> '/rump/f'",
      'EXDEV',
    ],
    in: ['deep', 'sub/f', 0o600],
    out: 'deep',
    some: ['sub'],
    options: [true, true, true],
    decided: 'Expected boolean to be returned from the "filter" function ',
    copied: [null, 'deep'],
    excl: "EEXIST: file already exists, copyfile 'back/sub/f' -> '/rump/tree/sub/f'",
    invalid: ['The "newPath" argument m', "The argument 'newPath' m"],
  });
  expect(f).toContain('anykernel-hijack-');
});

test('the current directory leads from one side to the other and back', () => {
  const told = programs.told(
    `const fs = require('fs'), path = require('path'); const home = process.cwd();
    fs.mkdirSync('/rump/a/b', { recursive: true }); process.chdir('/rump/a'); fs.writeFileSync('b/f', '1');
    tell('in', [process.cwd(), path.resolve('b'), fs.readFileSync('./b/f', 'utf8'), fs.realpathSync('b/..'), fs.existsSync('/etc/passwd'), fs.existsSync('../../etc/passwd')]);
    tell('refused', thrown(() => process.chdir('none')));
    process.chdir('../..'); tell('up', [process.cwd(), fs.existsSync('etc/passwd'), fs.readFileSync('rump/a/b/f', 'utf8')]);
    process.chdir(home); tell('home', process.cwd() === home);
    process.umask(0o77); fs.writeFileSync('/rump/m', ''); tell('umask', [process.umask(), fs.statSync('/rump/m').mode & 0o777]);`,
    'cjs',
  );
  expect(told).toEqual({
    in: ['/rump/a', '/rump/a/b', '1', '/rump/a', true, true],
    refused: "ENOENT: no such file or directory, chdir '/rump/a' -> 'none'",
    up: ['/', true, '1'],
    home: true,
    umask: [0o77, 0o600],
  });
});

test('a program hijacks itself and goes back, with permissions of a user of its own', () => {
  programs.write({
    'self.mjs': `import { hijack } from ${JSON.stringify('./hijack/index.mjs')}; import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
    const before = existsSync('/scratch'); const h = hijack({ mounts: ['tmpfs:/scratch'], uid: 1000, gid: 1000 });
    h.kernel.proc1.sys.mkdir('/scratch/roots', 0o700); writeFileSync('/scratch/mine', '');
    let refused; try { readdirSync('/scratch/roots'); } catch (e) { refused = e.code; }
    const uid = statSync('/scratch/mine').uid; process.chdir('/scratch'); h.undo();
    console.log(before, refused, uid, existsSync('/scratch'), process.cwd(), h.kernel.stopped !== undefined);`,
  });
  expect(programs.start(`${programs.folder}/self.mjs`, { words: ['--no-warnings'], env: { RUMPHIJACK: '' } }).stdout).toBe(
    'false EACCES 1000 false / true\n',
  );
});
