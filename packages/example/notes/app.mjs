/**
 * A small program of the ordinary kind: it reads a folder of notes, writes an index, files the drafts, and keeps a journal.
 *
 *     node app.mjs FOLDER
 *
 * It knows nothing of rump kernels: it imports node:fs and node:fs/promises, and runs on any folder of this machine.
 */
import fs, { readFileSync, writeFileSync } from 'node:fs';
import { mkdir, readFile, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';

const folder = process.argv[2] ?? 'notes';

/** Every note below the folder, as a path within it. */
async function notes() {
  const names = await readdir(folder, { recursive: true });
  return names.filter((name) => name.endsWith('.md') && name !== 'INDEX.md').sort();
}

const title = (text) => /^# (.*)$/m.exec(text)?.[1] ?? 'untitled';
const words = (text) => text.split(/\s+/).filter(Boolean).length;

const lines = ['# Index', ''];
for (const name of await notes()) {
  const text = await readFile(path.join(folder, name), 'utf8');
  lines.push(`- [${title(text)}](${name}): ${words(text)} words`);
}
writeFileSync(path.join(folder, 'INDEX.md'), `${lines.join('\n')}\n`);
console.log(`${lines.length - 2} notes are in the index`);

// Drafts are filed: written beside, then put in place by a rename.
const archive = path.join(folder, 'archive', 'drafts');
await mkdir(archive, { recursive: true });
for (const name of fs.readdirSync(path.join(folder, 'drafts'))) {
  const draft = path.join(folder, 'drafts', name);
  const filed = readFileSync(draft, 'utf8').replace(/^# /, '# Filed: ');
  writeFileSync(path.join(archive, `.${name}.new`), filed, { mode: (await stat(draft)).mode & 0o777 });
  await rename(path.join(archive, `.${name}.new`), path.join(archive, name));
  fs.unlinkSync(draft);
  console.log(`${name} is filed`);
}
await rm(path.join(folder, 'drafts'), { recursive: true });

// A journal with a line in the middle of nowhere: the file is 1 MiB long, and takes a few blocks.
const journal = await fs.promises.open(path.join(folder, 'journal.txt'), 'w+');
await journal.write('first line\n');
await journal.write('last line\n', 1024 * 1024);
await journal.sync();
await journal.close();
const { size, blocks } = fs.statSync(path.join(folder, 'journal.txt'));
console.log(`the journal is ${size} bytes long and takes ${blocks * 512 < size ? 'less than that' : 'all of it'} on the disk`);

try {
  readFileSync(path.join(folder, 'nowhere.md'));
} catch (error) {
  console.log(`what is not there: ${error.code}, ${error.syscall}`);
}
