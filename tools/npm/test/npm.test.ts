/** The same program gives the same on the host, on a memory file system and on an ext2 image, which is clean afterwards. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mustRun, oracle } from '@anykernel/tools-oracle';
import { NpmPrograms } from '@anykernel/tools-npm';

const npm = new NpmPrograms();
beforeAll(() => npm.prepare());
afterAll(() => npm.remove());

const disk = oracle('mke2fs', 'e2fsck');
const TIME_MS = 500_000;

const PACKAGES: readonly (readonly [packages: string, program: string])[] = [
  ['fs-extra', 'fs-extra.cjs'],
  ['graceful-fs', 'graceful-fs.cjs'],
  ['tar', 'tar.mjs'],
  ['chokidar', 'chokidar.mjs'],
  ['fast-glob and rimraf', 'glob.cjs'],
];

for (const [packages, program] of PACKAGES) {
  disk.test(
    `${packages}: on kernels as on the host`,
    () => {
      const host = npm.run(program, 'host');
      expect(npm.run(program, 'tmpfs')).toEqual(host);
      expect(npm.run(program, 'ext2', [], npm.image(`${program}.img`))).toEqual(host);
    },
    TIME_MS,
  );
}

for (const bundler of ['vite.mjs', 'webpack.cjs']) {
  const name = bundler.split('.')[0] as string;
  disk.test(
    `${name} builds a project whose sources and output are on an ext2 image`,
    () => {
      const source = npm.copy(name);
      const host = npm.run(bundler, 'host', [source]);
      expect(npm.run(bundler, 'ext2', [], npm.image(`${name}.img`, source))).toEqual(host);
    },
    TIME_MS,
  );
}

/** A bare repository of git's own, served on loopback. */
async function serve(): Promise<{ readonly url: string; readonly server: ChildProcess }> {
  const folder = join(npm.folder, 'served');
  const work = join(folder, 'work');
  mkdirSync(work, { recursive: true });
  const git = (...args: readonly string[]): string =>
    mustRun('git', ['-C', work, '-c', 'user.name=A', '-c', 'user.email=a@example.org', '-c', 'safe.directory=*', ...args]);
  git('init', '-q', '-b', 'main');
  for (let i = 0; i < 50; i++) writeFileSync(join(work, `${i}.txt`), `${i}\n`.repeat(i));
  writeFileSync(join(work, 'a.txt'), 'from git\n');
  git('add', '-A');
  git('commit', '-q', '-m', 'all');
  git('branch', 'other');
  mustRun('git', ['clone', '-q', '--bare', work, join(folder, 'bare.git')]);
  const script = fileURLToPath(new URL('../programs/gitserver.mjs', import.meta.url));
  const server = spawn(process.execPath, [script, folder], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [port] = (await once(server.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
  return { url: `http://127.0.0.1:${Number(port)}/bare.git`, server };
}

oracle('mke2fs', 'e2fsck', 'git').test(
  'isomorphic-git makes and clones repositories on an ext2 image, which git itself reads',
  async () => {
    const { url, server } = await serve();
    try {
      const [onHost, onDisk] = [join(npm.folder, 'out-host'), join(npm.folder, 'out-disk')];
      const host = npm.run('git.mjs', 'host', [url, onHost]);
      expect(host).toMatchObject({
        fresh: 5000,
        status: ['unmodified', '*added'],
        cloned: { text: 'from git\n', branches: ['HEAD', 'main', 'other'], dirty: 0 },
      });
      expect(npm.run('git.mjs', 'ext2', [url, onDisk], npm.image('git.img'))).toEqual(host);
      cpSync(onDisk, join(npm.folder, 'looked-at'), { recursive: true, verbatimSymlinks: true });
      const git = (...args: readonly string[]): string =>
        mustRun('git', ['-C', join(npm.folder, 'looked-at'), '-c', 'safe.directory=*', ...args]);
      git('fsck', '--strict', '--full');
      expect(git('log', '--format=%s').trim().split('\n')).toEqual(['third', 'second', 'first']);
      expect(git('ls-tree', '-r', '--name-only', 'HEAD').trim().split('\n')).toHaveLength(202);
    } finally {
      server.kill();
      await once(server, 'exit');
    }
  },
  TIME_MS,
);
