/** webpack: builds a project twice, the second time from its cache on the same disk; prints the names and contents of what was made. */
const fs = require('node:fs');
const path = require('node:path');
const webpack = require('webpack');

const [, , at, source] = process.argv;
if (source !== undefined) fs.cpSync(source, at, { recursive: true });

const config = {
  mode: 'production',
  context: at,
  entry: './src/index.js',
  devtool: 'source-map',
  output: { path: path.join(at, 'dist'), filename: '[name].[contenthash].js', clean: true },
  cache: { type: 'filesystem', cacheDirectory: path.join(at, 'cache') },
};

async function run() {
  const compiler = webpack(config);
  const stats = await new Promise((resolve, reject) => compiler.run((e, s) => (e ? reject(e) : resolve(s))));
  await new Promise((resolve, reject) => compiler.close((e) => (e ? reject(e) : resolve())));
  return stats.toJson({ all: false, errors: true, warnings: true, assets: true, cachedAssets: true });
}

async function main() {
  const first = await run();
  const second = await run();
  const files = fs.readdirSync(config.output.path).sort();
  const read = (name) => fs.readFileSync(path.join(config.output.path, name), 'utf8');
  console.log(
    JSON.stringify({
      errors: first.errors,
      again: second.assets.length,
      cached: fs.readdirSync(path.join(at, 'cache')),
      files: Object.fromEntries(files.map((name) => [name, read(name)])),
    }),
  );
}

main();
