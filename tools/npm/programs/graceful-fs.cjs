/** graceful-fs, also in the place of `fs`: many files open at once, streams, renames; prints sums. */
const graceful = require('graceful-fs');
graceful.gracefulify(require('node:fs'));
const fs = require('node:fs');
const path = require('node:path');

const [, , at] = process.argv;
const COUNT = 1500;
const later = (fn, ...args) => new Promise((resolve, reject) => fn(...args, (e, r) => (e ? reject(e) : resolve(r))));

async function main() {
  const dir = path.join(at, 'many');
  graceful.mkdirSync(dir);
  const names = Array.from({ length: COUNT }, (_, i) => path.join(dir, `file${String(i).padStart(4, '0')}`));
  await Promise.all(names.map((name, i) => later(graceful.writeFile, name, `${i}`)));
  const texts = await Promise.all(names.map((name) => later(fs.readFile, name, 'utf8')));
  await Promise.all(names.slice(0, 100).map((name) => later(graceful.rename, name, `${name}.moved`)));
  const listed = await later(graceful.readdir, dir);
  const big = path.join(at, 'big');
  await new Promise((resolve, reject) => {
    const w = graceful.createWriteStream(big);
    for (let i = 0; i < 64; i++) w.write(Buffer.alloc(16384, i));
    w.end(resolve);
    w.on('error', reject);
  });
  let sum = 0;
  for await (const chunk of new graceful.ReadStream(big, { start: 1000, end: 999_999 })) for (const b of chunk) sum += b;
  console.log(
    JSON.stringify({
      total: texts.reduce((a, t) => a + Number(t), 0),
      listed: listed.length,
      first: listed.sort()[0],
      sum,
      size: graceful.statSync(big).size,
    }),
  );
}

main();
