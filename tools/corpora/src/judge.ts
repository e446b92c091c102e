/** What is found out of one image. */
import { type Image, bytesOf } from './image.js';
import { type Mended, mend } from './mending.js';
import { type Contents, change, openAll } from './reading.js';

export interface Finding {
  readonly image: Image;
  /** Bytes of the image; undefined: it is too long. */
  readonly size?: number;
  /** What the drivers that take it find in it. */
  readonly opened: readonly Contents[];
  /** For images of ext2, ext3 and ext4. */
  readonly mended?: Mended;
  /** What must not be: an exception that is no errno, memory or time beyond the limit. */
  readonly fault?: string;
  readonly ms: number;
}

/** Seconds since 1970, for what a repair writes: later than any of the images. */
const TIME = 1_790_000_000;

export function judge(image: Image): Finding {
  const start = process.cpuUsage();
  const found = findings(image);
  const { user, system } = process.cpuUsage(start);
  return { image, ...found, ms: Math.round((user + system) / 1000) };
}

function findings(image: Image): Omit<Finding, 'image' | 'ms'> {
  const bytes = bytesOf(image);
  if (bytes === undefined) return { opened: [] };
  try {
    const opened = openAll(bytes);
    for (const { as } of opened) change(bytes, as);
    return { size: bytes.length, opened, mended: image.type === 'ext2fs' ? mend(bytes, TIME) : undefined };
  } catch (e) {
    return { size: bytes.length, opened: [], fault: (e as Error).stack ?? String(e) };
  }
}
