/** tar: packs a tree, lists it, unpacks it in both forms; prints names, modes and contents. */
import fs from 'node:fs';
import { join } from 'node:path';
import * as tar from 'tar';

const [, , at] = process.argv;
const source = join(at, 'source');
fs.mkdirSync(join(source, 'deep/deeper'), { recursive: true });
fs.writeFileSync(join(source, 'script.sh'), '#!/bin/sh\n', { mode: 0o755 });
fs.writeFileSync(join(source, 'deep/big'), Buffer.alloc(300_000, 'abc'));
fs.writeFileSync(join(source, `deep/deeper/${'long'.repeat(40)}`), 'long name');
fs.writeFileSync(join(source, 'ünï'), 'text');
fs.symlinkSync('deep/big', join(source, 'soft'));
fs.linkSync(join(source, 'script.sh'), join(source, 'deep/hard'));
fs.utimesSync(join(source, 'script.sh'), 1_000_000_000, 1_000_000_000);

await tar.create({ gzip: true, file: join(at, 'all.tgz'), cwd: source, portable: true }, ['.']);
tar.create({ file: join(at, 'some.tar'), cwd: source, sync: true }, ['deep', 'ünï']);
const listed = [];
await tar.list({ file: join(at, 'all.tgz'), onReadEntry: (entry) => listed.push(`${entry.type} ${entry.path} ${entry.size}`) });
for (const dir of ['out1', 'out2', 'out3']) fs.mkdirSync(join(at, dir));
await tar.extract({ file: join(at, 'all.tgz'), cwd: join(at, 'out1') });
tar.extract({ file: join(at, 'some.tar'), cwd: join(at, 'out2'), sync: true });
await new Promise((resolve, reject) => {
  fs.createReadStream(join(at, 'all.tgz'))
    .pipe(tar.extract({ cwd: join(at, 'out3'), strip: 1 }))
    .on('close', resolve)
    .on('error', reject);
});
await tar.replace({ file: join(at, 'some.tar'), cwd: source }, ['script.sh']);
const replaced = [];
tar.list({ file: join(at, 'some.tar'), sync: true, onReadEntry: (entry) => replaced.push(entry.path) });

function walk(dir, below = '') {
  return fs
    .readdirSync(join(dir, below))
    .sort()
    .flatMap((name) => {
      const path = join(below, name);
      const st = fs.lstatSync(join(dir, path));
      if (st.isDirectory()) return [`${path}/ ${(st.mode & 0o777).toString(8)}`, ...walk(dir, path)];
      const what = st.isSymbolicLink()
        ? `-> ${fs.readlinkSync(join(dir, path))}`
        : `${st.size} ${(st.mode & 0o777).toString(8)} ${st.nlink}`;
      return [`${path} ${what}`];
    });
}
const same = fs.readFileSync(join(at, 'out1/deep/big')).equals(fs.readFileSync(join(source, 'deep/big')));
console.log(
  JSON.stringify({
    listed: listed.sort(),
    replaced: replaced.sort(),
    out: ['out1', 'out2', 'out3'].map((dir) => walk(join(at, dir))),
    same,
    mtime: fs.statSync(join(at, 'out1/script.sh')).mtimeMs,
  }),
);
