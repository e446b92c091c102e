/** Commands about stacks. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { folder, freshImage, ran, results, rump } from './kit.js';

const path = folder();

describe('graph, why and weigh', () => {
  test('graph draws, in three formats', async () => {
    expect(await ran('graph', 'ext2fs')).toMatch(/^ext2fs\n├─ rumpkern\n├─ rumpvfs\n│  └─ rumpkern\n├─ ufs\n│  ├─ rumpkern\n│  └─ rumpvfs \(above\)\n└─ jbd2\n   └─ rumpvfs \(above\)\n/);
    expect(await ran('graph', 'tmpfs', '-f', 'svg')).toMatch(/^<svg [\s\S]*tmpfs[\s\S]*<\/svg>\n$/);
    const [graph] = await results<{ nodes: { name: string }[] }>('graph', 'tmpfs');
    expect(graph?.nodes.map((n) => n.name)).toContain('rumpvfs');
    expect(JSON.parse(await ran('graph', 'tmpfs', '-f', 'json'))).toEqual(graph);
  });

  test('why gives the ways down, and status 1 for what is not there', async () => {
    expect(await ran('why', 'rumpkern', 'tmpfs')).toContain('tmpfs -> rumpvfs -> rumpkern\n');
    expect(await ran('why', 'tmpfs', 'tmpfs')).toBe('tmpfs: you asked for it\n');
    expect(await rump(['why', 'ext2fs', 'tmpfs'])).toMatchObject({ status: 1, err: 'rump: ext2fs: is not in this stack\n' });
  });

  test('weigh has a line for each package, and the whole', async () => {
    const text = await ran('weigh', 'tmpfs');
    expect(text).toMatch(/^package +minified +gzip\n/);
    expect(text).toMatch(/^@anykernel\/tmpfs +\d+ +\d+$/m);
    expect(text).toMatch(/^the whole bundle +\d+ +\d+\n$/m);
  });

  test('a component that is not there is named', async () => {
    expect(await rump(['graph', 'nofs'])).toMatchObject({
      status: 1,
      err: expect.stringMatching(/^rump: nofs: package @anykernel\/nofs is not installed/),
    });
  });
});

describe('compose', () => {
  test('makes a file that runs, from names', async () => {
    fs.writeFileSync(
      path('app.mjs'),
      `import fs from 'node:fs'; fs.writeFileSync('/x', 'in the kernel'); console.log(fs.readFileSync('/x', 'utf8'));`,
    );
    expect(await ran('compose', 'tmpfs', '--app', path('app.mjs'), '-o', path('app.bundle.mjs'), '-m')).toMatch(
      /app\.bundle\.mjs: \d+ bytes from \d+ modules\n/,
    );
    expect(spawnSync(process.execPath, [path('app.bundle.mjs')], { encoding: 'utf8' })).toMatchObject({
      status: 0,
      stdout: 'in the kernel\n',
      stderr: '',
    });
  });

  test('makes one from a stack file, whose paths are relative to it', async () => {
    const image = await freshImage(path);
    fs.renameSync(image, path('stack.img'));
    fs.writeFileSync(path('list.mjs'), `import { readdirSync } from 'node:fs'; console.log(readdirSync('/').join());`);
    fs.writeFileSync(path('stack.json'), JSON.stringify({ mounts: [{ type: 'ext2fs', source: 'stack.img', on: '/' }], app: './list.mjs' }));
    const { bytes } = await rump(['compose', '--stack', path('stack.json')]);
    fs.writeFileSync(path('listed.mjs'), bytes);
    expect(spawnSync(process.execPath, [path('listed.mjs')], { encoding: 'utf8' })).toMatchObject({ status: 0, stdout: 'lost+found\n' });
  });

  test('says what is wrong with a stack file, or an application', async () => {
    fs.writeFileSync(path('bad.json'), '{"components": ["ext2fs"], "mount": []}');
    expect(await rump(['compose', '--stack', path('bad.json')])).toMatchObject({
      status: 1,
      err: expect.stringMatching(/bad\.json: the stack: has no field "mount"/),
    });
    expect(await rump(['compose', '--stack', path('none.json')])).toMatchObject({
      status: 1,
      err: expect.stringMatching(/none\.json: no such file/),
    });
    expect(await rump(['compose', 'tmpfs', '--app', path('none.mjs')])).toMatchObject({
      status: 1,
      err: expect.stringContaining('none.mjs'),
    });
    expect(await rump(['compose', 'tmpfs', '-o', path('no/where.mjs')])).toMatchObject({
      status: 1,
      err: expect.stringMatching(/where\.mjs: no such file/),
    });
  });
});
