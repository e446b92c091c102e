/**
 * Resolves packages of this tree to their sources, so that tests need no build.
 *
 * `@anykernel/x` is the src/index.ts of the package with that name; a relative './x.js' is './x.ts' where that exists. A package's own '#x' is the source
 * of what its `imports` say under a condition: 'node', or another for whoever bundles for pages.
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

/** The source of a package of this tree, or of a '#x' in folder `from` of one; undefined otherwise. */
function sourceOf(request, from, condition = 'node') {
  if (request.startsWith('#') && from !== undefined) return internalOf(request, from, condition);
  if (!request.startsWith('@anykernel/')) return undefined;
  sources ??= readSources();
  return sources.get(request);
}

function internalOf(request, from, condition) {
  if (!from.startsWith(path.join(root, 'packages'))) return undefined;
  const folder = path.join(root, ...path.relative(root, from).split(path.sep).slice(0, 3));
  const targets = JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8')).imports?.[request];
  const target = targets?.[condition] ?? targets?.default;
  return target && path.join(folder, target.replace('./dist/', 'src/').replace(/\.js$/, '.ts'));
}

module.exports = function resolve(request, options) {
  const source = sourceOf(request, options.basedir);
  if (source !== undefined) return source;
  if (request.startsWith('.') && request.endsWith('.js')) {
    const beside = path.resolve(options.basedir, request.replace(/\.js$/, '.ts'));
    if (fs.existsSync(beside)) return beside;
  }
  return options.defaultResolver(request, options);
};
module.exports.sourceOf = sourceOf;
