/** The shell: scripts, words, completion, and lines that are typed. */
import fs from 'node:fs';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type Io, main } from '@anykernel/stack-rump';
import { mountImage } from '../src/place.js';
import { Session } from '../src/shell/commands.js';
import { historyFile, loadHistory, saveHistory } from '../src/shell/history.js';
import { complete } from '../src/shell/shell.js';
import { LineError, splitLine } from '../src/shell/words.js';
import { folder, freshImage, ran, rump } from './kit.js';

const path = folder();

async function script(image: string, ...lines: string[]): Promise<{ status: number; out: string; err: string }> {
  return rump(['shell', image], { input: lines.map((line) => `${line}\n`).join('') });
}

describe('a script', () => {
  test('works on the image, from a directory of its own', async () => {
    const image = await freshImage(path);
    const said = await script(
      image,
      'mkdir -p a/b "with space"',
      'cd a',
      'pwd',
      'write f hello  world',
      'append f more',
      'cat f',
      'cd ..',
      'find -type f',
      'mv a/f with\\ space/g',
      'ls with*',
    );
    expect(said).toEqual({ status: 0, err: '', bytes: expect.anything(), out: ['/a', 'hello world', 'more', './a/f', 'g', ''].join('\n') });
    expect(await ran('cat', `${image}:/with space/g`)).toBe('hello world\nmore\n');
  });

  test('goes on after a failure; its status is that of the worst line', async () => {
    const image = await freshImage(path);
    const said = await script(image, 'ls none', 'write after there', 'cat after');
    expect([said.status, said.out, said.err]).toEqual([1, 'there\n', 'rump: none: no such file or directory\n']);
    const worse = await script(image, 'cat none', 'frobnicate', 'ls');
    expect([worse.status, worse.err]).toEqual([2, expect.stringContaining("unknown command 'frobnicate'")]);
  });

  test('ends with exit, and comments and empty lines are nothing', async () => {
    const image = await freshImage(path);
    expect(await script(image, '# a comment', '', '   ', 'ls # all of it', 'exit', 'write never x')).toMatchObject({
      status: 0,
      out: 'lost+found\n',
      err: '',
    });
    expect(await ran('ls', `${image}:/`)).toBe('lost+found\n');
  });

  test('copies to and from this machine, from a directory there', async () => {
    const image = await freshImage(path);
    fs.mkdirSync(path('mine/tree'), { recursive: true });
    fs.writeFileSync(path('mine/tree/file'), 'mine');
    const said = await script(
      image,
      `lcd ${path('mine')}`,
      'lls',
      'put tree',
      'cat tree/file',
      'get tree back',
      'cp tree/file host:copy',
      'lcd nowhere',
      'lpwd',
    );
    expect(said.out).toBe(`tree\nmine${path('mine')}\n`);
    expect([said.status, said.err]).toEqual([1, 'rump: nowhere: is no directory\n']);
    expect(fs.readFileSync(path('mine/back/file'), 'utf8')).toBe('mine');
    expect(fs.readFileSync(path('mine/copy'), 'utf8')).toBe('mine');
  });

  test('may be given by -c, and knows its image', async () => {
    const image = await freshImage(path);
    expect(await ran('shell', image, '-c', 'mkdir x', '-c', 'ls')).toBe('lost+found\nx\n');
    expect(await ran('shell', image, '-c', 'mount')).toContain(`${image} on / type ext2fs`);
    expect(await ran('shell', image, '-c', 'df -h')).toMatch(/^Filesystem +Type +Size.*\n.*ext2fs/);
    expect(await ran('shell', image, '-c', 'info')).toContain(': ext2fs');
    expect(JSON.parse(await ran('shell', image, '-c', 'ls --json'))).toHaveLength(2);
  });

  test('has help', async () => {
    const image = await freshImage(path);
    const all = await ran('shell', image, '-c', 'help');
    for (const name of ['ls', 'cd', 'get', 'put', 'chmod', 'exit']) expect(all).toMatch(new RegExp(`^  ${name} `, 'm'));
    expect(await ran('shell', image, '-c', 'help mkdir')).toMatch(/^Usage: mkdir \[options\] <paths\.\.\.>/);
  });

  test('on an image that is read-only changes nothing', async () => {
    const image = await freshImage(path);
    expect(await rump(['shell', '-o', 'ro', image], { input: 'mkdir x\n' })).toMatchObject({
      status: 1,
      err: expect.stringContaining('read-only file system'),
    });
  });

  test('on what is no image is refused', async () => {
    fs.writeFileSync(path('text'), 'no image');
    expect(await rump(['shell', path('text')], { input: 'ls\n' })).toMatchObject({
      status: 1,
      err: expect.stringMatching(/text: no file system/),
    });
  });
});

describe('words', () => {
  const texts = (line: string): string[] => splitLine(line).map((w) => w.text);

  test('are split as sh(1) splits them', () => {
    expect(texts(`  a 'b c' "d \\"e\\"" f\\ g h#i 'j'"k" # rest`)).toEqual(['a', 'b c', 'd "e"', 'f g', 'h#i', 'jk']);
    expect(texts(`''`)).toEqual(['']);
    expect(splitLine(`*.c '*.c' \\*.c [a]`).map((w) => w.pattern)).toEqual([true, false, false, true]);
  });

  test.each([`'open`, `a "open`, 'ends\\'])('%s is not closed', (line) => {
    expect(() => splitLine(line)).toThrow(LineError);
  });

  test('are patterns where they are not quoted', async () => {
    const image = await freshImage(path);
    await ran('shell', image, '-c', 'mkdir d1 d2 e', '-c', 'touch d1/a.txt d2/b.txt d2/c.md .hidden');
    const said = await script(image, 'find d?/*.txt', 'find /[de]/..', "ls '*'", 'ls *.none', 'ls -d *');
    expect(said.out).toBe(
      'd1/a.txt\nd2/b.txt\nd1\nd2\ne\nlost+found\n'.replace(
        'd2/b.txt\n',
        'd2/b.txt\n/e/..\n/e/../.hidden\n/e/../d1\n/e/../d1/a.txt\n/e/../d2\n/e/../d2/b.txt\n/e/../d2/c.md\n/e/../e\n/e/../lost+found\n',
      ),
    );
    expect(said.err).toBe('rump: *: no such file or directory\nrump: *.none: no such file or directory\n');
  });
});

describe('completion', () => {
  let session: Session;
  beforeEach(async () => {
    const image = await freshImage(path, '1m');
    await ran('shell', image, '-c', 'mkdir -p etc/deep "my docs"', '-c', 'touch etc/default etc/x .profile');
    session = new Session(mountImage(image, false, {}));
    fs.mkdirSync(path('host/inner'), { recursive: true });
    session.hostDir = path('host');
  });
  afterEach(() => session.image.kernel.halt());

  test.each([
    ['', 'l', ['ls ', 'lcd ', 'lpwd ', 'lls ', 'ln '], 'l'],
    ['ls ', 'e', ['etc/'], 'e'],
    ['ls ', 'etc/de', ['etc/deep/', 'etc/default '], 'etc/de'],
    ['cat ', '/etc/x', ['/etc/x '], '/etc/x'],
    ['cd ', 'my', ['my\\ docs/'], 'my'],
    ['cd ', 'my\\ d', ['my\\ docs/'], 'my\\ d'],
    ['ls ', '.', ['.profile '], '.'],
    ['ls ', 'none/', [], 'none/'],
    ['put ', 'in', ['inner/'], 'in'],
    ['cp etc/x ', 'host:in', ['host:inner/'], 'host:in'],
    ['cp etc/x ', 'host:', ['host:inner/'], 'host:'],
    ['ls ', '--re', ['--recursive'], '--re'],
    ['help ', 'mk', ['mkdir'], 'mk'],
  ])('of %j%j', (before, word, found, replaced) => {
    const [hits, what] = complete(session, before + word);
    expect([[...hits].sort(), what]).toEqual([[...found].sort(), replaced]);
  });
});

/** The arrow. */
const UP = '\x1b[A';

describe('lines that are typed', () => {
  test('are edited, completed, remembered', async () => {
    const image = await freshImage(path);
    const state = process.env['XDG_STATE_HOME'];
    process.env['XDG_STATE_HOME'] = path('state');
    const input = new PassThrough();
    const output = new PassThrough();
    const said: string[] = [];
    output.on('data', (part) => said.push(String(part)));
    const out: Uint8Array[] = [];
    const io: Io = {
      out: (b) => void out.push(b.slice()),
      err: (b) => void out.push(b.slice()),
      read: () => 0,
      watched: false,
      typed: { input, output },
    };
    const ended = main(['shell', image], io);
    // A slip and a backspace, a tab, the line before again (arrow up), the end of the input.
    for (const keys of ['mkdir onx\x7fe\r', 'cd o\t\r', 'pwd\r', UP, '\r', '\x04']) {
      // Key by key: what comes at once is taken for pasted text, in which a tab is a tab.
      for (const key of keys === UP ? [UP] : keys) input.write(key);
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    }
    input.end();
    expect(await ended).toBe(0);
    if (state === undefined) delete process.env['XDG_STATE_HOME'];
    else process.env['XDG_STATE_HOME'] = state;
    expect(Buffer.concat(out).toString()).toContain('/one\n/one\n');
    expect(said.join('')).toContain('rump:/one> ');
    expect(fs.readFileSync(path('state/anykernel/rump_history'), 'utf8')).toBe('mkdir one\ncd one/\npwd\n');
  });
});

describe('history', () => {
  test('is where the XDG directories say', () => {
    expect(historyFile({ XDG_STATE_HOME: '/s' })).toBe('/s/anykernel/rump_history');
    expect(historyFile({})).toMatch(/\/\.local\/state\/anykernel\/rump_history$/);
    expect(historyFile({ XDG_STATE_HOME: 'relative' })).toMatch(/\/\.local\/state\//);
  });

  test('comes back as it was, the newest first, for its owner alone', () => {
    const file = path('deep/history');
    saveHistory(file, ['newest', 'older']);
    expect(loadHistory(file)).toEqual(['newest', 'older']);
    expect(fs.statSync(file).mode & 0o777).toBe(0o600);
    saveHistory(
      file,
      Array.from({ length: 3000 }, (_, i) => String(i)),
    );
    expect(loadHistory(file)).toHaveLength(1000);
  });

  test('that cannot be kept is no error', () => {
    fs.writeFileSync(path('no-folder'), '');
    saveHistory(path('no-folder/history'), ['x']);
    expect(loadHistory(path('no-folder/history'))).toEqual([]);
  });
});
