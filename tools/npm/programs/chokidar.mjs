/** chokidar: watches a tree while files come, change and go; prints the events, in order of path. */
import fs from 'node:fs';
import { join, relative } from 'node:path';
import { watch } from 'chokidar';

const [, , at] = process.argv;
const top = join(at, 'top');
fs.mkdirSync(join(top, 'sub'), { recursive: true });
fs.writeFileSync(join(top, 'there'), '1');

const events = [];
let heard = () => {};
const watcher = watch(top, { ignored: (path) => path.endsWith('.log') });
watcher.on('all', (event, path) => {
  events.push(`${event} ${relative(at, path)}`);
  heard();
});
await new Promise((resolve) => watcher.on('ready', resolve));
const initial = events.splice(0).sort();

/** Does something, and waits until so many events have been heard. */
async function after(count, ...actions) {
  for (const action of actions) action();
  const late = AbortSignal.timeout(10_000);
  while (events.length < count && !late.aborted) {
    await new Promise((resolve) => {
      heard = resolve;
      late.addEventListener('abort', resolve, { once: true });
    });
  }
  return events.splice(0).sort();
}

const inTop = (name) => join(top, name);
const touch = (name) => () => fs.writeFileSync(inTop(name), 'text');
const seen = [
  await after(1, touch('new')),
  await after(1, () => fs.appendFileSync(inTop('there'), 'more')),
  await after(2, () => fs.mkdirSync(inTop('sub/dir')), touch('sub/dir/leaf')),
  await after(1, touch('x.log'), () => fs.unlinkSync(inTop('new'))),
  await after(2, () => fs.rmSync(inTop('sub/dir'), { recursive: true })),
];
await watcher.close();
console.log(JSON.stringify({ initial, seen }));
