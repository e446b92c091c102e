/** Paths as byte strings: joining, last names, and walking a tree. */
import type { Stats } from 'node:fs';
import type { Fs } from './bytefs.js';
import type { Place } from './place.js';

export function join(dir: string, name: string): string {
  return dir.endsWith('/') ? dir + name : `${dir}/${name}`;
}

/** The last name of a path; '' of the root. */
export function baseName(path: string): string {
  const trimmed = path.replace(/\/+$/, '');
  return trimmed.slice(trimmed.lastIndexOf('/') + 1);
}

export function isDirectory(place: Place): boolean {
  return place.fs.peekThrough(place.path)?.isDirectory() === true;
}

/** Directories nested deeper than this are a loop in a damaged image, or meant to do harm. */
const DEPTH_MAX = 2000;

/** Thrown by a visit where a directory shall not be entered. */
export type Visit = (path: string, text: string, st: Stats, depth: number) => boolean;

/**
 * Visits a tree, directories before what is in them; `visit` returns false where one shall not be entered. `failed` hears of what cannot
 * be looked at, and the rest goes on. `text` is the path as the user knows it.
 */
export function walk(fs: Fs, path: string, text: string, visit: Visit, failed: (text: string, error: unknown) => void, depth = 0): void {
  try {
    const st = fs.lstat(path);
    if (!visit(path, text, st, depth) || !st.isDirectory()) return;
    if (depth >= DEPTH_MAX) throw new Error('is nested too deeply');
    for (const name of fs.readdir(path)) walk(fs, join(path, name), join(text, name), visit, failed, depth + 1);
  } catch (e) {
    failed(text, e);
  }
}
