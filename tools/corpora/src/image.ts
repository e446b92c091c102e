/** Other people's images, as their source packages have them: compressed, in text, or as they are. */
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { run } from './program.js';

export interface Image {
  /** `e2fsprogs/f_badroot`. */
  readonly name: string;
  readonly path: string;
  /** The type of file system that is on it, sound or not; undefined: one that nobody here knows, or parts. */
  readonly type?: string;
}

/** Longer ones are left out. */
const IMAGE_MAX: number = 192 << 20;

/** Which type is on an image of this name. */
const TYPES: readonly (readonly [RegExp, string])[] = [
  [/^e2fsprogs\/|^util-linux\/ext/, 'ext2fs'],
  [/^util-linux\/ufs/, 'ffs'],
  [/^util-linux\/(small-)?fat|^dosfstools\/|^fatcat\//, 'msdosfs'],
  [/^util-linux\/iso|^libarchive\/|^libcdio\/(?!.*udf).*\.iso$/, 'cd9660'],
];

/** All images below `folder`, where fetch.mjs has put them, by name. */
export function imagesIn(folder: string): Image[] {
  return files(folder)
    .filter((path) => !path.endsWith('/name'))
    .map((path) => {
      const name = nameOf(relative(folder, path));
      return { name, path, type: TYPES.find(([pattern]) => pattern.test(name))?.[1] };
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function files(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? files(path) : [path];
  });
}

/** The package, and the file without its folders, or the folder whose only image it is. */
function nameOf(path: string): string {
  const [pack, ...rest] = path.split('/') as [string, ...string[]];
  const file = (rest.at(-1) ?? '').replace(/\.(gz|bz2|xz|xxd|Z\.uu)$/, '');
  return `${pack}/${file === 'image' ? rest.at(-2) : file.replace(/\.img$/, '')}`;
}

/** The image's bytes; undefined: they are too many. */
export function bytesOf(image: Image): Uint8Array | undefined {
  const b = decoded(image.path);
  return b.length > IMAGE_MAX ? undefined : b;
}

function decoded(path: string): Uint8Array {
  const raw = new Uint8Array(readFileSync(path));
  if (path.endsWith('.gz')) return gunzip(raw);
  if (path.endsWith('.bz2')) return piped('bzip2', ['-dc'], raw);
  if (path.endsWith('.xz')) return piped('xz', ['-dc'], raw);
  if (path.endsWith('.Z.uu')) return piped('gzip', ['-dc'], uudecode(text(raw)));
  return path.endsWith('.xxd') ? undump(text(raw)) : raw;
}

const text = (b: Uint8Array): string => new TextDecoder('latin1').decode(b);

function gunzip(b: Uint8Array): Uint8Array {
  try {
    return new Uint8Array(gunzipSync(b, { maxOutputLength: IMAGE_MAX + 1 }));
  } catch (e) {
    if ((e as NodeJS.ErrnoException).code !== 'ERR_BUFFER_TOO_LARGE') throw e;
    return new Uint8Array(IMAGE_MAX + 1);
  }
}

function piped(program: string, args: readonly string[], input: Uint8Array): Uint8Array {
  const { status, bytes, out } = run(program, args, input);
  // gzip says 2 of an archive with something behind its end.
  if (status !== 0 && status !== 2) throw new Error(`${program}: ${out}`);
  return new Uint8Array(bytes);
}

/** Lines of a length and groups of four characters for three bytes. */
export function uudecode(t: string): Uint8Array {
  const out: number[] = [];
  const lines = t.split('\n');
  const begin = lines.findIndex((l) => l.startsWith('begin '));
  for (let i = begin < 0 ? lines.length : begin + 1; i < lines.length && lines[i] !== 'end'; i++) {
    const line = lines[i] as string;
    const six = (at: number): number => (at < line.length ? (line.charCodeAt(at) - 32) & 63 : 0);
    for (let n = six(0), at = 1; n > 0; n -= 3, at += 4) {
      const three = (six(at) << 18) | (six(at + 1) << 12) | (six(at + 2) << 6) | six(at + 3);
      out.push(...[three >> 16, (three >> 8) & 255, three & 255].slice(0, n));
    }
  }
  return Uint8Array.from(out);
}

/** Lines of an offset and 16 bytes in hexadecimal, as xxd makes them; what lies between them is zero. */
export function undump(t: string): Uint8Array {
  const lines = [...t.matchAll(/^([0-9a-f]+): ((?:[0-9a-f]+ )+)/gm)].map(([, off, hex]) => ({ off: parseInt(off as string, 16), hex: (hex as string).replaceAll(' ', '') }));
  const end = Math.max(0, ...lines.map((l) => l.off + l.hex.length / 2));
  const b = new Uint8Array(Math.min(end, IMAGE_MAX + 1));
  if (end <= IMAGE_MAX) for (const { off, hex } of lines) b.set(Uint8Array.from({ length: hex.length / 2 }, (_, i) => parseInt(hex.slice(2 * i, 2 * i + 2), 16)), off);
  return b;
}
