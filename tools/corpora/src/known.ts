/** Where what was found is not what it should be, and the list of those that are known, each with its reason: known.json. */
import { readFileSync } from 'node:fs';
import type { Finding } from './judge.js';

/** It is opened by its driver and by no other; its check finds what e2fsck finds; after its repair e2fsck finds nothing; what could be read can be read. */
export type Point = 'opens' | 'finds' | 'mends' | 'keeps';

const KNOWN = JSON.parse(readFileSync(new URL('../known.json', import.meta.url), 'utf8')) as Readonly<Record<Point, Readonly<Record<string, string>>>>;

export const POINTS: readonly Point[] = ['opens', 'finds', 'mends', 'keeps'];

/** What is wrong with a finding at a point; empty: nothing. */
export function wrong(f: Finding, point: Point): string {
  if (f.fault !== undefined) return '';
  return { opens, finds, mends, keeps }[point](f);
}

function opens({ image, opened, size }: Finding): string {
  if (size === undefined) return '';
  const strangers = opened.filter(({ as }) => as !== image.type && !as.startsWith('dk'));
  if (strangers.length > 0) return `it is opened as ${strangers.map(({ as }) => as).join(', ')}`;
  // Those of e2fsprogs are damaged: what can be read of them after their repair counts.
  if (image.type === undefined || image.name.startsWith('e2fsprogs/')) return '';
  const own = opened.find(({ as }) => as === image.type);
  if (own === undefined) return 'it is not opened';
  return own.errors > 0 ? `${own.errors} files or directories cannot be read` : '';
}

function finds({ mended: m }: Finding): string {
  if (m === undefined || m.refused !== '') return '';
  if (m.before !== '' && m.problems + m.notes === 0) return `not noticed: ${m.before}`;
  return m.before === '' && m.problems > 0 ? `noticed, and nothing is wrong: ${m.problem}` : '';
}

function mends({ mended: m }: Finding): string {
  if (m === undefined || m.judged !== '') return '';
  if (m.refused !== '') return `not checked: ${m.refused}`;
  if (m.after !== '') return m.after;
  return m.errors === undefined ? 'it cannot be mounted' : '';
}

function keeps({ mended: m }: Finding): string {
  if (m === undefined || m.refused !== '') return '';
  return m.lost > 0 ? `${m.lost} files are lost` : '';
}

/** Why it is known to be so; undefined: it is not. */
export function reasonOf(name: string, point: Point): string | undefined {
  return KNOWN[point][name];
}

/** Where findings and the list differ, as sentences; `all`: these are all images, and whatever is listed must be among them. */
export function differences(findings: readonly Finding[], all: boolean): string[] {
  const lines: string[] = [];
  for (const f of findings) {
    if (f.fault !== undefined) lines.push(`${f.image.name}: ${f.fault}`);
    for (const point of POINTS) {
      const [said, reason] = [wrong(f, point), reasonOf(f.image.name, point)];
      if (said !== '' && reason === undefined) lines.push(`${f.image.name} ${point} not: ${said}`);
      if (said === '' && reason !== undefined) lines.push(`${f.image.name} ${point}, and is listed: ${reason}`);
    }
  }
  if (!all) return lines;
  const names = new Set(findings.map((f) => f.image.name));
  for (const point of POINTS) for (const name of Object.keys(KNOWN[point])) if (!names.has(name)) lines.push(`${name} is listed, and not there`);
  return lines;
}
