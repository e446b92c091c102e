/** fast-glob and rimraf: finds names in a tree in all forms, and takes parts of it away; prints both. */
const fs = require('node:fs');
const path = require('node:path');
const fg = require('fast-glob');
const { rimraf, rimrafSync } = require('rimraf');

const [, , at] = process.argv;
const FILES = [
  'a.js',
  'b.ts',
  'src/c.js',
  'src/deep/d.js',
  'src/deep/.hidden.js',
  'src/deep/e.css',
  'node_modules/x/index.js',
  'build/out.js',
  'build/out.map',
];

async function main() {
  for (const file of FILES) {
    fs.mkdirSync(path.dirname(path.join(at, 'p', file)), { recursive: true });
    fs.writeFileSync(path.join(at, 'p', file), file);
  }
  fs.symlinkSync('src', path.join(at, 'p/link'));
  const cwd = path.join(at, 'p');
  const streamed = [];
  for await (const name of fg.stream('**/*.{ts,css}', { cwd })) streamed.push(name);
  const found = [
    fg.sync('**/*.js', { cwd, ignore: ['**/node_modules/**'] }),
    await fg('**/*', { cwd, dot: true, followSymbolicLinks: false, onlyFiles: false, markDirectories: true }),
    await fg('src/**', { cwd, deep: 2 }),
    fg.sync('src/*', { cwd, stats: true }).map((e) => `${e.name} ${e.stats.size}`),
    fg.sync(`${cwd}/b*`, { absolute: true }).map((name) => path.relative(at, name)),
    streamed,
  ].map((list) => list.sort());
  await rimraf(path.join(cwd, 'node_modules'));
  rimrafSync(path.join(cwd, 'build/*'), { glob: true });
  await rimraf([path.join(cwd, 'link'), path.join(cwd, 'none')], { maxRetries: 1 });
  console.log(JSON.stringify({ found, left: fg.sync('**', { cwd, onlyFiles: false, dot: true }).sort() }));
}

main();
