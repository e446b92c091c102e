/**
 * Resolves packages of this tree to their sources, so that tests need no build.
 *
 * `@anykernel/x` is the src/index.ts of the package with that name; a relative './x.js' is './x.ts' where that exists.
 * Everything else is jest's own resolution.
 */
'use strict';
const fs = require('node:fs');
const path = require('node:path');

const root = path.resolve(__dirname, '../..');
let sources;

function subfolders(dir) {
  return fs.existsSync(dir) ? fs.readdirSync(dir).map(name => path.join(dir, name)) : [];
}

/** Map from package name to src/index.ts, of every package.json in the workspace. */
function readSources() {
  const found = new Map();
  const folders = [...subfolders(path.join(root, 'packages')).flatMap(subfolders), ...subfolders(path.join(root, 'tools'))];
  for (const folder of folders) {
    const manifest = path.join(folder, 'package.json');
    if (!fs.existsSync(manifest)) continue;
    found.set(JSON.parse(fs.readFileSync(manifest, 'utf8')).name, path.join(folder, 'src/index.ts'));
  }
  return found;
}

module.exports = function resolve(request, options) {
  if (request.startsWith('@anykernel/')) {
    sources ??= readSources();
    const source = sources.get(request);
    if (source !== undefined) return source;
  }
  if (request.startsWith('.') && request.endsWith('.js')) {
    const source = path.resolve(options.basedir, request.replace(/\.js$/, '.ts'));
    if (fs.existsSync(source)) return source;
  }
  return options.defaultResolver(request, options);
};
