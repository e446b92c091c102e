/** isomorphic-git: a repository is made, grown, branched, read and cloned; prints what it says. With a URL it clones from there. */
import fs from 'node:fs';
import { join } from 'node:path';
import git from 'isomorphic-git';
import http from 'isomorphic-git/http/node';

const [, , at, url, out] = process.argv;
const FILES = 5000;
const author = { name: 'A', email: 'a@example.org', timestamp: 1_700_000_000, timezoneOffset: 0 };

const dir = join(at, 'repo');
fs.mkdirSync(dir);
await git.init({ fs, dir, defaultBranch: 'main' });
fs.mkdirSync(join(dir, 'src/deep'), { recursive: true });
fs.writeFileSync(join(dir, 'README'), 'first\n');
fs.writeFileSync(join(dir, 'src/deep/run.sh'), '#!/bin/sh\n', { mode: 0o755 });
fs.symlinkSync('README', join(dir, 'link'));
await git.add({ fs, dir, filepath: '.' });
const first = await git.commit({ fs, dir, message: 'first', author });
await git.branch({ fs, dir, ref: 'side', checkout: true });
fs.appendFileSync(join(dir, 'README'), 'second\n');
await git.remove({ fs, dir, filepath: 'link' });
fs.unlinkSync(join(dir, 'link'));
await git.add({ fs, dir, filepath: 'README' });
const second = await git.commit({ fs, dir, message: 'second', author });
await git.checkout({ fs, dir, ref: 'main' });
const onMain = [
  fs.readFileSync(join(dir, 'README'), 'utf8'),
  fs.readlinkSync(join(dir, 'link')),
  fs.statSync(join(dir, 'src/deep/run.sh')).mode & 0o111,
];
await git.merge({ fs, dir, ours: 'main', theirs: 'side', author });
await git.checkout({ fs, dir, ref: 'main' });
const log = (await git.log({ fs, dir })).map(({ oid, commit }) => `${oid} ${commit.message.trim()}`);

const many = join(dir, 'many');
for (let i = 0; i < FILES; i++) {
  if (i % 100 === 0) fs.mkdirSync(join(many, `${i / 100}`), { recursive: true });
  fs.writeFileSync(join(many, `${Math.floor(i / 100)}/f${i}`), `${i}`);
}
const matrix = await git.statusMatrix({ fs, dir });
const fresh = matrix.filter(([, head, work, stage]) => head === 0 && work === 2 && stage === 0).length;
const status = [await git.status({ fs, dir, filepath: 'README' }), await git.status({ fs, dir, filepath: 'many/0/f1' })];
await git.add({ fs, dir, filepath: ['many/0', 'many/1'] });
const third = await git.commit({ fs, dir, message: 'third', author });

let cloned;
if (url !== undefined) {
  const to = join(at, 'clone');
  await git.clone({ fs, http, dir: to, url, ref: 'main', singleBranch: false });
  const files = await git.listFiles({ fs, dir: to });
  cloned = {
    files,
    text: fs.readFileSync(join(to, 'a.txt'), 'utf8'),
    branches: await git.listBranches({ fs, dir: to, remote: 'origin' }),
    dirty: (await git.statusMatrix({ fs, dir: to })).filter(([, h, w, s]) => h !== 1 || w !== 1 || s !== 1).length,
  };
}
// Out to the host, where git itself looks at it.
if (out !== undefined) fs.cpSync(dir, out, { recursive: true, preserveTimestamps: true });
console.log(JSON.stringify({ first, second, third, onMain, log, fresh, status, cloned }));
