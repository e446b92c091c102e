/** Commands about space: du, df, info. */
import { MNT_NOATIME, MNT_NODEV, MNT_NOEXEC, MNT_NOSUID, MNT_RDONLY, MNT_SYNCHRONOUS, type Statvfs } from '@anykernel/lib-sys';
import { toBytestr } from '@anykernel/lib-bytes';
import type { Context } from '../context.js';
import { columns, humanSize, shown } from '../format.js';
import { join } from '../paths.js';
import type { MountedImage, Place } from '../place.js';
import { PlaceError } from '../errors.js';

export interface DuOptions {
  readonly human?: boolean;
  readonly summarize?: boolean;
  readonly all?: boolean;
}

export function du(ctx: Context, operands: readonly string[], o: DuOptions): void {
  ctx.each(operands.length === 0 ? ['.'] : operands, false, (place) => {
    place.fs.lstat(place.path);
    usage(ctx, place, place.path, place.text, o, new Set(), 0);
  });
}

/** Bytes on disk below `path`; a file with several names counts once. */
function usage(ctx: Context, place: Place, path: string, text: string, o: DuOptions, seen: Set<string>, depth: number): number {
  let bytes = 0;
  let isDir = false;
  try {
    const st = place.fs.lstat(path);
    isDir = st.isDirectory();
    if (st.nlink > 1 && !isDir) {
      const file = `${st.dev}:${st.ino}`;
      if (seen.has(file)) return 0;
      seen.add(file);
    }
    bytes = st.blocks * 512;
    if (isDir)
      for (const name of place.fs.readdir(path)) bytes += usage(ctx, place, join(path, name), join(text, name), o, seen, depth + 1);
  } catch (e) {
    ctx.complain(text, e);
  }
  const wanted = depth === 0 || ((isDir || o.all === true) && o.summarize !== true);
  if (wanted) ctx.put({ path: text, bytes }, `${o.human === true ? humanSize(bytes) : Math.ceil(bytes / 1024)}\t${shown(text)}`);
  return bytes;
}

/** The image that an operand of df or info means: `disk.img` is as good as `disk.img:`. */
function imageOf(ctx: Context, text: string): MountedImage {
  const { image } = ctx.at(text.includes(':') ? text : `${text}:`);
  if (image === undefined) throw new PlaceError(`${text}: is no disk image`);
  return image;
}

function figures(image: MountedImage): Statvfs {
  return image.proc.sys.statvfs1('/', 0);
}

function percentUsed(sb: Statvfs): number {
  const used = sb.blocks - sb.bfree;
  return used === 0 ? 0 : Math.ceil((100 * used) / Math.max(1, used + sb.bavail));
}

export function df(ctx: Context, operands: readonly string[], o: { readonly human?: boolean }): void {
  const rows: string[][] = [['Filesystem', 'Type', o.human === true ? 'Size' : '1K-blocks', 'Used', 'Avail', 'Use%', 'Inodes', 'IFree']];
  const size = (n: number): string => (o.human === true ? humanSize(n) : String(Math.ceil(n / 1024)));
  const records: object[] = [];
  for (const text of operands) {
    try {
      const image = imageOf(ctx, text);
      const sb = figures(image);
      const [total, used, avail] = [sb.blocks * sb.frsize, (sb.blocks - sb.bfree) * sb.frsize, sb.bavail * sb.frsize];
      rows.push([
        toBytestr(image.file),
        image.type,
        size(total),
        size(used),
        size(avail),
        `${percentUsed(sb)}%`,
        String(sb.files),
        String(sb.ffree),
      ]);
      records.push({
        image: toBytestr(image.file),
        type: image.type,
        size: total,
        used,
        available: avail,
        inodes: sb.files,
        inodesFree: sb.ffree,
      });
    } catch (e) {
      ctx.complain(toBytestr(text), e);
    }
  }
  const lines = columns(rows, [2, 3, 4, 5, 6, 7]);
  if (records.length > 0) ctx.say(lines[0] ?? '');
  for (const [i, r] of records.entries()) ctx.put(r, lines[i + 1] ?? '');
}

const FLAG_WORDS: readonly (readonly [number, string])[] = [
  [MNT_RDONLY, 'ro'],
  [MNT_SYNCHRONOUS, 'sync'],
  [MNT_NOEXEC, 'noexec'],
  [MNT_NOSUID, 'nosuid'],
  [MNT_NODEV, 'nodev'],
  [MNT_NOATIME, 'noatime'],
];

/** What is known of an image: its type, its figures, and what the kernel said when it mounted it. */
export function info(ctx: Context, operands: readonly string[]): void {
  for (const text of operands) {
    try {
      const image = imageOf(ctx, text);
      const sb = figures(image);
      const messages = image.kernel.msgbuf
        .text()
        .trim()
        .split('\n')
        .filter((line) => line.includes(image.type));
      const flags = FLAG_WORDS.filter(([bit]) => (sb.flag & bit) !== 0).map(([, word]) => word);
      const lines = [
        `${toBytestr(image.file)}: ${image.type}`,
        `  ${sb.blocks} blocks of ${sb.frsize} bytes (${humanSize(sb.blocks * sb.frsize)}B), ${sb.bfree} free`,
        `  ${sb.files} inodes, ${sb.ffree} free; names of up to ${sb.namemax} bytes`,
        ...(flags.length === 0 ? [] : [`  mounted ${flags.join(', ')}`]),
        ...messages.map((line) => `  ${shown(toBytestr(line))}`),
      ];
      const numbers = {
        blockSize: sb.frsize,
        blocks: sb.blocks,
        blocksFree: sb.bfree,
        inodes: sb.files,
        inodesFree: sb.ffree,
        nameMax: sb.namemax,
      };
      ctx.put({ image: toBytestr(image.file), type: image.type, ...numbers, flags, messages: messages.map(toBytestr) }, lines.join('\n'));
    } catch (e) {
      ctx.complain(toBytestr(text), e);
    }
  }
}
