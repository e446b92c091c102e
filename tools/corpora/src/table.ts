/** The findings as a table: a line for each source package. */
import type { Finding } from './judge.js';
import { wrong } from './known.js';

export function table(findings: readonly Finding[]): string {
  const packs = [...new Set(findings.map((f) => packOf(f)))];
  const rows = packs.map((pack) => row(pack, findings.filter((f) => packOf(f) === pack)));
  return ['| | images | ours | opened | files read | checked | as e2fsck says | mended | not mended | kept not |', '|---|---|---|---|---|---|---|---|---|---|', ...rows].join('\n');
}

const packOf = (f: Finding): string => f.image.name.split('/', 1)[0] as string;

function row(pack: string, of: readonly Finding[]): string {
  const mended = of.filter((f) => f.mended !== undefined);
  const checked = mended.filter((f) => f.mended?.refused === '');
  const judged = mended.filter((f) => f.mended?.judged === '');
  const count = (list: readonly Finding[], is: (f: Finding) => boolean): number => list.filter(is).length;
  return `| ${[
    pack,
    of.length,
    count(of, (f) => f.image.type !== undefined),
    count(of, (f) => f.opened.length > 0),
    of.reduce((sum, f) => sum + f.opened.reduce((n, c) => n + c.files, 0), 0),
    checked.length,
    count(checked, (f) => wrong(f, 'finds') === ''),
    count(judged, (f) => wrong(f, 'mends') === ''),
    count(judged, (f) => wrong(f, 'mends') !== ''),
    count(mended, (f) => wrong(f, 'keeps') !== ''),
  ].join(' | ')} |`;
}
