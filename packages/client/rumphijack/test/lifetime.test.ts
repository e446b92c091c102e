import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { mustRun, oracle } from '@anykernel/tools-oracle';
import { Programs } from './programs.js';

const programs = new Programs();
beforeAll(() => programs.prepare());
afterAll(() => programs.remove());

function newImage(name: string): string {
  const image = join(programs.folder, name);
  mustRun('mke2fs', ['-q', '-t', 'ext2', image, '2m']);
  return image;
}

const disk = oracle('mke2fs', 'e2fsck', 'debugfs');

disk.test("what a program's own exit handlers write is on the image, and the image is clean", () => {
  const image = newImage('exit.img');
  programs.write({
    'exit.cjs': `const fs = require('fs'); process.on('exit', () => fs.writeFileSync('/data/last', 'words')); fs.writeFileSync('/data/first', ''); process.exit(3);`,
  });
  expect(programs.start(join(programs.folder, 'exit.cjs'), { env: { RUMPHIJACK_MOUNT: `${image}:/data` } }).status).toBe(3);
  expect(mustRun('debugfs', ['-R', 'cat /last', image])).toBe('words');
  mustRun('e2fsck', ['-fn', image]);
});

disk.test('a program that ends by a handler that throws, or past its handlers, has written what it wrote', () => {
  const ends = [
    [1, `process.on('exit', () => { throw new Error('no'); });`],
    [4, `process.on('exit', () => fs.writeFileSync('/data/f', '')); process.reallyExit(4);`],
  ] as const;
  for (const [status, code] of ends) {
    const image = newImage(`ends${status}.img`);
    programs.write({ [`ends${status}.cjs`]: `const fs = require('fs'); fs.writeFileSync('/data/f', 'words'); ${code}` });
    expect(programs.start(join(programs.folder, `ends${status}.cjs`), { env: { RUMPHIJACK_MOUNT: `${image}:/data` } }).status).toBe(status);
    expect(mustRun('debugfs', ['-R', 'cat /f', image])).toBe('words');
  }
});

disk.test('an image that another program writes is refused, by name and reason', () => {
  const image = newImage('two.img');
  const told = programs.told(
    `const { spawnSync } = require('child_process'), fs = require('fs');
    fs.writeFileSync('/data/f', '');
    const words = ['--import', ${JSON.stringify(programs.hijack)}, '-e', '0'];
    const child = spawnSync(process.execPath, words, { encoding: 'utf8', env: { ...process.env, RUMPHIJACK_MOUNT: process.env.RUMPHIJACK_MOUNT } });
    tell('child', [child.status, child.stderr]);`,
    'cjs',
    { env: { RUMPHIJACK_MOUNT: `${image}:/data` } },
  );
  const reason = 'EBUSY: is mounted for writing already, by this program or by another';
  expect(told).toEqual({ child: [1, `rumphijack: ${reason}, mount '${image}' -> '/data'\n`] });
});

disk.test('SIGTERM ends the program as ever, and the image is clean', async () => {
  const image = newImage('term.img');
  programs.write({ 'term.cjs': `require('fs').writeFileSync('/data/f', 'before'); console.log('ready'); setInterval(() => {}, 1000);` });
  const child = spawn(process.execPath, ['--import', programs.hijack, join(programs.folder, 'term.cjs')], {
    env: { ...process.env, RUMPHIJACK_MOUNT: `${image}:/data` },
  });
  await once(child.stdout, 'data');
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([null, 'SIGTERM']);
  expect(mustRun('debugfs', ['-R', 'cat /f', image])).toBe('before');
  mustRun('e2fsck', ['-fn', image]);
});

disk.test('a read-only mount is one', () => {
  const image = newImage('ro.img');
  const told = programs.told(`tell('refused', thrown(() => require('fs').writeFileSync('/data/f', '')));`, 'cjs', {
    env: { RUMPHIJACK_MOUNT: `${image}:/data:ro` },
  });
  expect(told).toEqual({ refused: "EROFS: read-only file system, open '/data/f'" });
});

test('children and workers are left alone', () => {
  programs.write({
    'look.cjs': `const there = require('fs').existsSync('/rump/f'); const { parentPort } = require('worker_threads'); parentPort?.postMessage(there); process.send?.(there); console.log(there);`,
  });
  const told = programs.told(
    `const fs = require('fs'), { execFileSync, fork } = require('child_process'), { Worker } = require('worker_threads'); fs.writeFileSync('/rump/f', '');
    const look = ${JSON.stringify(join(programs.folder, 'look.cjs'))};
    tell('words', process.execArgv.length);
    tell('exec', execFileSync(process.execPath, [look], { encoding: 'utf8' }).trim());
    fork(look, { silent: true }).on('message', (m) => tell('fork', m));
    new Worker(look, { stdout: true }).on('message', (m) => tell('worker', m));`,
    'cjs',
  );
  expect(told).toEqual({ words: 0, exec: 'false', fork: false, worker: false });
});

test.each([
  [{ RUMPHIJACK: 'socket=all' }, 'rumphijack: RUMPHIJACK: socket: there are path, blanket and fdoff'],
  [{ RUMPHIJACK_MOUNT: 'nonsense' }, 'rumphijack: mount nonsense: is IMAGE:DIR or IMAGE:DIR:options, and DIR an absolute path'],
  [{ RUMPHIJACK_MOUNT: '/nowhere.img:/data' }, /^rumphijack: .*ENOENT/],
  [
    { RUMPHIJACK: 'path=/rump', RUMPHIJACK_MOUNT: 'tmpfs:/data' },
    'rumphijack: mount on /data: RUMPHIJACK does not redirect that directory',
  ],
  [{ RUMPHIJACK_MOUNT: 'tmpfs:/data:nonsense' }, /^rumphijack: mount option nonsense/],
])('%j ends the program with a line that says why', (env, says) => {
  programs.write({ 'none.cjs': 'console.log("ran")' });
  const { status, stdout, stderr } = programs.start(join(programs.folder, 'none.cjs'), { env });
  expect({ status, stdout, lines: stderr.trim().split('\n') }).toEqual({
    status: 1,
    stdout: '',
    lines: [typeof says === 'string' ? says : expect.stringMatching(says)],
  });
});
