/**
 * A minimal stack at work: composed, weighed, booted, and with an unmodified program inside that keeps its notes on a disk image.
 *
 * The image was made by mke2fs (make-image.sh). The program (app.mjs) runs twice: as a guest of the kernel on the image, and under plain
 * Node on a copy of the same files. Both must leave the same tree.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ResolvedComponent, bundle, drawText, graphOf, resolveComponents, weigh } from '@anykernel/stack-compose';
import { compareTrees, copyOut, fsck, runApp, unpackImage, withImage, writeBundle } from './steps.js';
import { bootTimes } from './boot-times.js';

type Say = (text: string) => void;

const HERE = fileURLToPath(new URL('..', import.meta.url));
const APP = join(HERE, 'app.mjs');
const IMAGE = join(HERE, 'disk.img.gz');
/** Where the image is mounted in the kernel, and the folder on it. */
const MOUNT = '/disk';
const NOTES = `${MOUNT}/notes`;

/** Runs it; the exit status. */
export async function demonstrate(say: Say): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'anykernel-notes-'));
  try {
    return await inFolder(folder, say);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function inFolder(folder: string, say: Say): Promise<number> {
  const components = await resolveComponents(['ext2fs'], HERE);
  await showStack(components, say);
  showBoot(components, say);

  const image = unpackImage(IMAGE, join(folder, 'disk.img'));
  const file = await writeBundle(await guest(components, image), join(folder, 'guest.mjs'));
  const copy = join(folder, 'copy');
  withImage(image, (fs) => copyOut(fs, '/', copy));
  say(`\nThe image was made by mke2fs. It is not mounted on this machine, and nobody needs to be root. ${file.text}, with app.mjs in it.`);

  say(`\n$ node guest.mjs ${NOTES}        (the program as a guest of the kernel: its node:fs is the kernel's)`);
  const inside = runApp(file.path, NOTES, folder);
  say(inside.output.trimEnd().replace(/^/gm, '  '));
  say('\n$ node app.mjs copy/notes           (the same file under plain Node, on a copy of the same files)');
  const outside = runApp(APP, join(copy, 'notes'), folder);
  say(outside.output.trimEnd().replace(/^/gm, '  '));

  const failed = check(image, copy, inside, outside, say);
  if (failed === 0) suggest(say);
  return failed === 0 ? 0 : 1;
}

async function guest(components: readonly ResolvedComponent[], image: string): ReturnType<typeof bundle> {
  return bundle({ components, host: 'node', mounts: [{ type: 'ext2fs', source: image, on: MOUNT }], app: APP, minify: true });
}

async function showStack(components: readonly ResolvedComponent[], say: Say): Promise<void> {
  say('A stack of one leaf, ext2fs, and what it requires:\n');
  say(
    drawText(graphOf(components.map((c) => c.component)))
      .trimEnd()
      .replace(/^/gm, '  '),
  );
  const weights = await weigh({ components, host: 'node' });
  say('\nWhat it weighs, with the host and node:fs (bytes, minified and compressed):\n');
  for (const w of weights.packages) say(`  ${w.name.padEnd(28)} ${String(w.minified).padStart(8)} ${String(w.gzip).padStart(8)}`);
  say(`  ${'the whole, as one file'.padEnd(28)} ${String(weights.minified).padStart(8)} ${String(weights.gzip).padStart(8)}`);
}

function showBoot(components: readonly ResolvedComponent[], say: Say): void {
  const { first, best } = bootTimes(components.map((c) => c.component));
  say(`\nIt boots in ${first.toFixed(1)} ms, and in ${best.toFixed(2)} ms once the process is warm.`);
}

/** How many checks failed. */
function check(
  image: string,
  copy: string,
  inside: { status: number; output: string },
  outside: { status: number; output: string },
  say: Say,
): number {
  const differences = withImage(image, (fs) => compareTrees(fs, '/notes', join(copy, 'notes')));
  const clean = fsck(image);
  const checks: [boolean | undefined, string][] = [
    [inside.status === 0 && outside.status === 0, 'both runs ended well'],
    [inside.output === outside.output, 'they said the same'],
    [differences.length === 0, `they left the same tree${differences.map((d) => `\n         ${d}`).join('')}`],
    [clean.ok, clean.text],
  ];
  say('\nChecks:');
  for (const [ok, text] of checks) say(`  ${ok === undefined ? '-   ' : ok ? 'ok  ' : 'FAIL'} ${text}`);
  return checks.filter(([ok]) => ok === false).length;
}

function suggest(say: Say): void {
  say(`
What to try next:
  npx rump newfs -t ext2fs --size 64m disk.img     make an image
  npx rump cp -r docs disk.img:/                   copy a tree into it
  npx rump tree disk.img:/docs                     look at it
  npx rump shell disk.img                          work on it, with completion and history
  npx rump graph ext2fs tmpfs --format svg         draw a stack
  npx rump compose ext2fs --app app.mjs -o app.js  put a program and its kernel in one file
The program is packages/example/notes/app.mjs, and docs/README.md says where to read on.`);
}
