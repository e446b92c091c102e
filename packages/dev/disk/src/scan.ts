/** Which partition table a disk has, and what is in it. */
import { scanApple } from './apple.js';
import { addLabel, scanBsd } from './bsdlabel.js';
import { scanGpt } from './gpt.js';
import { mbrKind, scanMbr } from './mbr.js';
import { type Medium, type Part, type Table, TableMaker } from './table.js';

/** Sectors as a GPT may count them: an image of a disk with long sectors is read on one with short ones. */
const SECTORS: readonly number[] = [512, 4096, 2048, 1024];
/** A GPT partition which has a label in it. */
const FREEBSD_LABEL = '516e7cb4-6ecf-11d6-8ff8-00022d09712b';

/**
 * The table of a disk; undefined: there is none. A GPT counts unless the first sector has other partitions and does not speak of it; a record
 * without partitions only where there is nothing else.
 */
export function scanTable(m: Medium): Table | undefined {
  const kind = mbrKind(m.peek(0, 512));
  if (kind !== 'mbr') {
    for (const secsize of [m.secsize, ...SECTORS.filter((s) => s !== m.secsize)]) {
      const t = scanGpt(m, secsize, kind === 'protective');
      if (t !== undefined) return withLabels(m, t);
    }
  }
  if (kind === 'mbr' || kind === 'protective') return scanMbr(m);
  return scanApple(m) ?? scanBsd(m) ?? (kind === 'empty' ? scanMbr(m) : undefined);
}

/** Labels in partitions that are there for them. */
function withLabels(m: Medium, t: Table): Table {
  if (!t.parts.some((p) => p.code === FREEBSD_LABEL)) return t;
  const whole = new TableMaker(m, t.scheme, t.secsize);
  const parts = t.parts.flatMap((p): Part[] => {
    const held = p.code === FREEBSD_LABEL && p.fault === undefined ? addLabel(whole, p.off, p.size, 'freebsd', p.id) : undefined;
    return held === undefined ? [p] : [{ ...p, container: true }, ...held];
  });
  return { ...t, parts };
}
