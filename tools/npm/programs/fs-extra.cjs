/** fs-extra: its own functions, one after the other; prints what they gave and what is there in the end. */
const fs = require('fs-extra');
const path = require('node:path');

const [, , at] = process.argv;
const p = (...names) => path.join(at, ...names);
const codeOf = (promise) =>
  promise.then(
    () => 'done',
    (e) => e.code ?? e.message,
  );

async function tree(dir) {
  const out = {};
  for (const name of (await fs.readdir(dir)).sort()) {
    const st = await fs.lstat(path.join(dir, name));
    const leaf = async () =>
      st.isSymbolicLink()
        ? `-> ${path.relative(at, await fs.readlink(path.join(dir, name)))}`
        : await fs.readFile(path.join(dir, name), 'utf8');
    out[name] = st.isDirectory() ? await tree(path.join(dir, name)) : await leaf();
  }
  return out;
}

async function main() {
  await fs.remove(p('lost+found'));
  await fs.ensureDir(p('a/b/c'), 0o2755);
  await fs.outputFile(p('a/b/file.txt'), 'text');
  await fs.outputJson(p('a/data.json'), { x: [1, 2] }, { spaces: 2 });
  await fs.ensureSymlink(p('a/b/file.txt'), p('links/soft'));
  await fs.ensureLink(p('a/b/file.txt'), p('links/hard'));
  await fs.ensureFile(p('empty/file'));
  await fs.copy(p('a'), p('copy'), { preserveTimestamps: true, filter: (from) => !from.endsWith('c') });
  fs.copySync(p('links/hard'), p('copied'));
  await fs.move(p('copy/b'), p('moved/deep/b'));
  await fs.move(p('empty'), p('moved/deep'), { overwrite: true });
  fs.moveSync(p('copied'), p('moved/last'));
  await fs.writeJson(p('a/data.json'), { ...(await fs.readJson(p('a/data.json'))), y: 1 });
  await fs.emptyDir(p('links'));
  const same = (await fs.stat(p('a/data.json'))).mtimeMs >= (await fs.stat(p('copy/data.json'))).mtimeMs;
  const codes = [
    await codeOf(fs.move(p('a/b/file.txt'), p('moved/last'))),
    await codeOf(fs.copy(p('a'), p('a/inside'))),
    await codeOf(fs.copy(p('none'), p('x'))),
    await codeOf(fs.readJson(p('moved/last'))),
    await codeOf(fs.remove(p('none'))),
  ];
  console.log(
    JSON.stringify({
      tree: await tree(at),
      same,
      codes: codes.map((c) => c.replaceAll(at, '')),
      exists: [await fs.pathExists(p('a')), fs.pathExistsSync(p('b'))],
    }),
  );
}

main();
