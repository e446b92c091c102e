/** The steps of the demonstration. */
import { spawnSync } from 'node:child_process';
import hostFs, { mkdirSync, readFileSync, readdirSync, readlinkSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { ext2fs } from '@anykernel/ext2fs';
import { hostNode } from '@anykernel/host-node';
import { bootStack } from '@anykernel/stack-boot';
import type { Bundle } from '@anykernel/stack-compose';
import { type Ukfs, ukfs } from '@anykernel/ukfs';

/** Writes the image in `packed` to `file`, and gives its name. */
export function unpackImage(packed: string, file: string): string {
  writeFileSync(file, gunzipSync(readFileSync(packed)));
  return file;
}

/** Writes a bundle to `path`. */
export async function writeBundle(made: Bundle, path: string): Promise<{ path: string; text: string }> {
  writeFileSync(path, made.code);
  return { path, text: `guest.mjs is the kernel as one file of ${Math.ceil(made.code.length / 1024)} KiB` };
}

/** Runs `node file argument` in `folder`. */
export function runApp(file: string, argument: string, folder: string): { readonly status: number; readonly output: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [file, argument], { cwd: folder, encoding: 'utf8', timeout: 170_000 });
  return { status: status ?? 1, output: stdout + stderr };
}

/** Calls `body` with the files of an image, as a kernel of this process sees them, read-only. */
export function withImage<T>(image: string, body: (fs: Ukfs) => T): T {
  const k = bootStack(hostNode({ input: false }), [ext2fs], [{ type: 'ext2fs', source: image, on: '/', options: ['ro'] }]);
  try {
    return body(ukfs(k.newproc()));
  } finally {
    k.halt();
  }
}

/** Copies a tree from the kernel to this machine. */
export function copyOut(fs: Ukfs, from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const entry of fs.readdirSync(from, { withFileTypes: true })) {
    const [source, dest] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) copyOut(fs, source, dest);
    else if (entry.isSymbolicLink()) symlinkSync(fs.readlinkSync(source), dest);
    else writeFileSync(dest, fs.readFileSync(source));
    if (!entry.isSymbolicLink()) hostFs.chmodSync(dest, fs.statSync(source).mode & 0o7777);
  }
}

/** How a tree in the kernel differs from one of this machine, as sentences. */
export function compareTrees(fs: Ukfs, inside: string, outside: string): string[] {
  const names = (entries: readonly string[]): string => [...entries].sort().join(' ');
  const [here, there] = [fs.readdirSync(inside), readdirSync(outside)];
  if (names(here) !== names(there)) return [`${inside} has ${names(here)}, and under plain Node ${names(there)}`];
  return there.flatMap((name) => compareNames(fs, join(inside, name), join(outside, name)));
}

function compareNames(fs: Ukfs, inside: string, outside: string): string[] {
  const [here, there] = [fs.lstatSync(inside), hostFs.lstatSync(outside)];
  if (here.mode !== there.mode) return [`${inside} has mode ${here.mode.toString(8)}, not ${there.mode.toString(8)}`];
  if (there.isDirectory()) return compareTrees(fs, inside, outside);
  const same = there.isSymbolicLink()
    ? fs.readlinkSync(inside) === readlinkSync(outside)
    : readFileSync(outside).equals(fs.readFileSync(inside));
  return same ? [] : [`${inside} has other contents`];
}

/** What e2fsck says of an image; `ok` is undefined where there is no e2fsck. */
export function fsck(image: string): { readonly ok: boolean | undefined; readonly text: string } {
  const path = [process.env['PATH'], '/usr/sbin', '/sbin'].join(delimiter);
  const { status, error, stdout } = spawnSync('e2fsck', ['-fn', image], {
    encoding: 'utf8',
    env: { ...process.env, PATH: path, LC_ALL: 'C' },
  });
  if (error !== undefined)
    return { ok: undefined, text: 'the image was not checked: there is no e2fsck here (it is in the package e2fsprogs)' };
  if (status === 0) return { ok: true, text: `e2fsck finds the image clean (${(statSync(image).size / 1024).toFixed(0)} KiB)` };
  return { ok: false, text: `e2fsck complains:\n${stdout}` };
}
