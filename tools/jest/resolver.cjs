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
  return fs.existsSync(dir) ? fs.readdirSync(dir).map((name) => path.join(dir, name)) : [];
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

/** The source of a package of this tree, or undefined. */
function sourceOf(request) {
  if (!request.startsWith('@anykernel/')) return undefined;
  sources ??= readSources();
  return sources.get(request);
}

module.exports = function resolve(request, options) {
  const source = sourceOf(request);
  if (source !== undefined) return source;
  if (request.startsWith('.') && request.endsWith('.js')) {
    const beside = path.resolve(options.basedir, request.replace(/\.js$/, '.ts'));
    if (fs.existsSync(beside)) return beside;
  }
  return options.defaultResolver(request, options);
};
module.exports.sourceOf = sourceOf;
