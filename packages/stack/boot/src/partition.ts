/** Parts of disks in the names of sources: `disk.img@2` by number, `disk.img@root` by name, `disk.img@dk1`, or by GUID. */
import { fromBytestr, toBytestr } from '@anykernel/lib-bytes';
import { ERR } from '@anykernel/lib-sys';
import { type DiskPart, type Kernel, SLEEP, WouldSleep } from '@anykernel/rumpkern';

/** There is no such part of a disk; the message says which there are. */
export class PartitionError extends Error {
  override name = 'PartitionError';
  readonly code = 'ENXIO';
}

/** A source, and the part of it that is meant. */
export interface Source {
  readonly file: string;
  readonly part: string | undefined;
}

/** A name as it is, if there is something of that name; otherwise what is in front of an @ and what follows. */
export function splitSource(source: string, exists: (file: string) => boolean): Source {
  if (!exists(source)) {
    for (let at = source.lastIndexOf('@'); at > 0; at = source.lastIndexOf('@', at - 1)) {
      const file = source.slice(0, at);
      if (at + 1 < source.length && exists(file)) return { file, part: source.slice(at + 1) };
    }
  }
  return { file: source, part: undefined };
}

/** The parts of the disk `dev`, whose name for people is `file`. PartitionError: the kernel has no component that knows parts. EIO. */
export function partsOf(k: Kernel, dev: number, file: string): readonly DiskPart[] {
  const parts = k.run(() => askParts(k, dev));
  if (parts === undefined) throw new PartitionError(`${file}: partitions need the component disk, which this kernel has not`);
  return parts;
}

function askParts(k: Kernel, dev: number): readonly DiskPart[] | undefined {
  try {
    return k.devsw.media.parts(dev, k.curlwp);
  } catch (e) {
    if (e === SLEEP) throw new WouldSleep('open');
    throw e === ERR.EIO ? new PartitionError('the partition table cannot be read') : e;
  }
}

/**
 * The part that `wanted` means: a number in the table, a node's name, a name in the table (`NAME=` says that it is one), a GUID. PartitionError: none, or several.
 */
export function findPart(parts: readonly DiskPart[], wanted: string, file: string): DiskPart {
  const name = wanted.startsWith('NAME=') ? toBytestr(wanted.slice(5)) : undefined;
  const numbered = name === undefined ? parts.find((p) => p.id === wanted || p.node === wanted) : undefined;
  if (numbered !== undefined) return numbered;
  const label = name ?? toBytestr(wanted);
  const named = parts.filter((p) => p.label !== '' && p.label === label);
  if (named.length > 1) throw new PartitionError(`${file}: ${named.length} partitions are named ${wanted}: ${named.map((p) => p.id).join(', ')}`);
  const found = named[0] ?? parts.find((p) => p.uuid !== '' && p.uuid === wanted.toLowerCase());
  if (found !== undefined) return found;
  const there = parts.length === 0 ? 'no partitions at all' : `there are ${partNames(parts)}`;
  throw new PartitionError(`${file}: has no partition ${wanted}; ${there}`);
}

/** Names shown before the rest is left out. */
const SHOWN_MAX = 16;

/** `1 (EFI System, "boot"), 2 (Linux filesystem)`. */
export function partNames(parts: readonly DiskPart[]): string {
  const names = parts.slice(0, SHOWN_MAX).map((p) => `${p.id} (${p.type}${p.label === '' ? '' : `, "${printable(fromBytestr(p.label))}"`})`);
  return names.join(', ') + (parts.length > SHOWN_MAX ? ` and ${parts.length - SHOWN_MAX} more` : '');
}

/** Names come from anybody. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, '?');
}
