/** Programs on a Node that has node:vfs. Where this Node has not, one test says so, and the rest is skipped for that reason. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundlePackage } from '@anykernel/tools-nodesuite';
import { run } from '@anykernel/tools-oracle';
import { NoVfsError, vfsProvider } from '@anykernel/vfs';

const hasVfs = run(process.execPath, ['--experimental-vfs', '-e', '0'], { env: { NODE_OPTIONS: '' } }).status === 0;
const onNewest = hasVfs ? test : test.skip;
const why = hasVfs ? '' : ` [needs node:vfs; this is Node ${process.version}]`;

test('without node:vfs a provider is refused with the reason', () => {
  expect(() => vfsProvider({} as never)).toThrow(NoVfsError);
});

const PROGRAM = `
import fs from 'node:fs'; import * as vfs from 'node:vfs'; import { createRequire } from 'node:module';
import { boot, hostNode, tmpfs, ukfs, vfsProvider } from './bundle/index.mjs';
const k = boot(hostNode({ input: false }), [tmpfs]); k.proc1.sys.mount('tmpfs', '/', 0, {});
const ours = ukfs(k.newproc({ uid: 1000, gid: 1000 }));
const files = vfs.create(vfsProvider(ours), { emitExperimentalWarning: false }); const at = files.mount(); const p = (name) => at + '/' + name;
const told = {}; const thrown = (fn) => { try { fn(); return 'nothing'; } catch (e) { return e.code; } };
fs.mkdirSync(p('d/e'), { recursive: true }); fs.writeFileSync(p('d/a'), 'one'); await fs.promises.appendFile(p('d/a'), ' two');
told.text = fs.readFileSync(p('d/a'), 'utf8'); told.direct = ours.readFileSync('/d/a', 'utf8'); told.uid = fs.statSync(p('d/a')).uid;
fs.linkSync(p('d/a'), p('hard')); fs.symlinkSync('d/a', p('soft')); told.links = [fs.statSync(p('hard')).nlink, fs.readlinkSync(p('soft')), fs.readFileSync(p('soft'), 'utf8'), fs.realpathSync(p('soft')) === p('d/a')];
fs.chmodSync(p('hard'), 0o400); told.refused = [thrown(() => fs.writeFileSync(p('hard'), '')), thrown(() => fs.readFileSync(p('none'))), thrown(() => fs.rmdirSync(p('d'))), thrown(() => fs.renameSync(p('d'), p('d/e/x')))];
fs.renameSync(p('hard'), p('moved')); told.names = [fs.readdirSync(at).sort(), fs.readdirSync(at, { recursive: true }).sort(), fs.readdirSync(at, { recursive: true, withFileTypes: true }).map((e) => e.parentPath.slice(at.length) + '/' + e.name).sort()];
const fd = fs.openSync(p('f'), 'w+'); fs.writeSync(fd, 'abcdef'); fs.unlinkSync(p('f')); const b = Buffer.alloc(3); fs.readSync(fd, b, 0, 3, 2); told.open = [String(b), fs.fstatSync(fd).size]; fs.ftruncateSync(fd, 2); told.open.push(fs.fstatSync(fd).size); fs.closeSync(fd);
await new Promise((r) => fs.createReadStream(p('d/a')).pipe(fs.createWriteStream(p('copy'))).on('finish', r)); told.stream = fs.readFileSync(p('copy'), 'utf8');
const fh = await fs.promises.open(p('h'), 'w+'); await fh.write('handle'); told.handle = [(await fh.stat()).size]; await fh.close(); told.handle.push(await fs.promises.readFile(p('h'), 'utf8'));
fs.copyFileSync(p('h'), p('h2')); fs.rmSync(p('d'), { recursive: true }); told.left = ours.readdirSync('/').sort();
fs.writeFileSync(p('m.cjs'), 'exports.x = 1'); fs.writeFileSync(p('m.mjs'), 'import { x } from "./m.cjs"; export const y = x + 1;'); told.modules = [createRequire(import.meta.url)(p('m.cjs')).x, (await import(p('m.mjs'))).y];
const seen = new Promise((r) => { const w = fs.watch(p('h'), () => { w.close(); r('changed'); }); }); fs.writeFileSync(p('h'), 'x'); told.watch = await seen;
files.unmount(); k.halt(); console.log(JSON.stringify(told));
`;

onNewest(`node:fs of Node itself works on a kernel's files${why}`, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'anykernel-vfs-'));
  try {
    const source = join(folder, 'all.ts');
    writeFileSync(
      source,
      `export { boot } from '@anykernel/rumpkern'; export { hostNode } from '@anykernel/host-node'; export { tmpfs } from '@anykernel/tmpfs'; export { ukfs } from '@anykernel/ukfs'; export { vfsProvider } from '@anykernel/vfs';`,
    );
    await bundlePackage('packages/client/vfs', join(folder, 'bundle'), [{ name: 'index', path: source }]);
    writeFileSync(join(folder, 'program.mjs'), PROGRAM);
    const { stdout, stderr } = run(process.execPath, ['--experimental-vfs', join(folder, 'program.mjs')], { env: { NODE_OPTIONS: '' } });
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual({
      text: 'one two',
      direct: 'one two',
      uid: 1000,
      links: [2, 'd/a', 'one two', true],
      refused: ['EACCES', 'ENOENT', 'ENOTEMPTY', 'EINVAL'],
      names: [
        ['d', 'moved', 'soft'],
        ['d', 'd/a', 'd/e', 'moved', 'soft'],
        ['/d', '/d/a', '/d/e', '/moved', '/soft'],
      ],
      open: ['cde', 6, 2],
      stream: 'one two',
      handle: [6, 'handle'],
      left: ['copy', 'h', 'h2', 'moved', 'soft'],
      modules: [1, 2],
      watch: 'changed',
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
