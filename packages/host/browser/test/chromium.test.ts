/** The example's page in Chromium: every way to have files works there, and what it wrote to an image is what others find. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mustRun, oracle } from '@anykernel/tools-oracle';
import { expect } from '@jest/globals';
import { bundle, serve } from './page-server.js';

const FLAGS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
  '--disable-sync', '--disable-dev-shm-usage',
];
const LIMIT_MS = 280_000;

/** Ends with this process, whatever ends it. */
const WITH_US = ['--pdeathsig', 'KILL', 'chromium'];

/** Opens `url`, and ends the browser when `told` is there. */
async function inChromium(url: string, profile: string, told: Promise<string>): Promise<string> {
  const browser = spawn('setpriv', [...WITH_US, ...FLAGS, `--user-data-dir=${profile}`, url], { stdio: ['ignore', 'ignore', 'pipe'], detached: true });
  let said = '';
  browser.stderr.on('data', (text: Buffer) => {
    said = `${said}${text.toString()}`.slice(-2000);
  });
  const ended = new Promise<void>((resolve) => browser.once('close', () => resolve()));
  const early = ended.then((): never => {
    throw new Error(`Chromium has ended: ${said}`);
  });
  early.catch(() => {});
  const late = setTimeout(() => kill(browser.pid), LIMIT_MS);
  try {
    return await Promise.race([told, early]);
  } finally {
    clearTimeout(late);
    kill(browser.pid);
    await ended;
  }
}

/** The browser, and all that it has started. */
function kill(pid: number | undefined): void {
  try {
    process.kill(-(pid as number), 'SIGKILL');
  } catch (e) {
    if ((e as { code?: string }).code !== 'ESRCH') throw e;
  }
}

function makeImage(folder: string): Uint8Array {
  mkdirSync(`${folder}/tree/docs`, { recursive: true });
  writeFileSync(`${folder}/tree/docs/hello.txt`, 'from mke2fs');
  writeFileSync(`${folder}/tree/docs/old.txt`, 'x'.repeat(50_000));
  mustRun('mke2fs', ['-q', '-t', 'ext4', '-d', `${folder}/tree`, `${folder}/disk.img`, '8m']);
  return readFileSync(`${folder}/disk.img`);
}

async function judge(folder: string): Promise<void> {
  const files = await bundle();
  files.set('/disk.img', makeImage(folder));
  const server = await serve(files);
  try {
    const told = await inChromium(server.url, `${folder}/profile`, server.told);
    expect(JSON.parse(told)).toEqual({
      memory: { text: 'first second', names: ['kept'], chown: 'EPERM' },
      blob: { type: 'ext2fs', text: 'from mke2fs', names: ['hello.txt', 'old.txt'], late: 'EAGAIN', write: 'EROFS' },
      bytes: { text: 'from mke2fs' },
      once: { starts: 1, names: ['lost+found', 'start 1', 'starts'] },
      again: { starts: 2, names: ['lost+found', 'start 1', 'start 2', 'starts'] },
    });
  } finally {
    server.close();
  }
  const changed = `${folder}/changed.img`;
  writeFileSync(changed, files.get('/disk.img') as Uint8Array);
  mustRun('e2fsck', ['-f', '-n', changed]);
  mustRun('debugfs', ['-R', `dump /made/in/a/page/large ${folder}/large`, changed]);
  expect(readFileSync(`${folder}/large`)).toEqual(Buffer.alloc(300_000, 7));
  expect(mustRun('debugfs', ['-R', 'stat /made/in/a/link', changed])).toContain('page/large');
  expect(mustRun('debugfs', ['-R', 'ls /docs', changed])).not.toContain('old.txt');
}

oracle('chromium', 'setpriv', 'mke2fs', 'e2fsck', 'debugfs').test(
  'files in memory, on an image in memory, on a Blob and on a disk that stays work in a page of Chromium',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'anykernel-page-'));
    try {
      await judge(folder);
    } finally {
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    }
  },
  300_000,
);
