/**
 * A line of the shell as words: quotes and backslashes as in sh(1), `#` begins a comment, and unquoted patterns (`*`, `?`, `[a-z]`) stand for
 * the names that fit. There are no variables, pipes or redirections.
 */
import { fromBytestr, toBytestr } from '@anykernel/lib-bytes';
import type { Fs } from '../bytefs.js';
import { globPattern } from '../commands/list.js';
import { join } from '../paths.js';

export interface Word {
  readonly text: string;
  /** It has an unquoted pattern in it. */
  readonly pattern: boolean;
}

/** What is wrong with a line. */
export class LineError extends Error {
  override name = 'LineError';
}

/** LineError: a quote is not closed. */
export function splitLine(line: string): Word[] {
  const words: Word[] = [];
  const lexer = /\s+|#.*$|(?:[^\s"'\\]|\\.|'[^']*'|"(?:[^"\\]|\\.)*")+|./gsy;
  for (let m = lexer.exec(line); m !== null; m = lexer.exec(line)) {
    const token = m[0];
    if (/^\s/.test(token)) continue;
    if (token.startsWith('#')) break;
    if (/^["'\\]$/.test(token)) throw new LineError(`${token} is not closed`);
    words.push(wordOf(token));
  }
  return words;
}

function wordOf(token: string): Word {
  let pattern = false;
  const text = token.replace(/\\(.)|'([^']*)'|"((?:[^"\\]|\\.)*)"|[*?[]/gs, (c, escaped?: string, single?: string, double?: string) => {
    if (escaped !== undefined) return escaped;
    if (single !== undefined) return single;
    if (double !== undefined) return double.replace(/\\(["\\])/g, '$1');
    pattern = true;
    return c;
  });
  return { text, pattern };
}

/** Words with their patterns replaced by what fits, in order; a pattern that nothing fits stays as it is. */
export function expand(words: readonly Word[], fs: Fs): string[] {
  return words.flatMap((word) => {
    if (!word.pattern) return [word.text];
    const found = matches(fs, toBytestr(word.text));
    return found.length === 0 ? [word.text] : found.map(fromBytestr);
  });
}

/** Paths that fit, level by level. Byte strings. */
function matches(fs: Fs, glob: string): string[] {
  const absolute = glob.startsWith('/');
  let found = [absolute ? '/' : ''];
  for (const part of glob.split('/').filter((p) => p !== '')) {
    const fits = /[*?[]/.test(part) ? globPattern(part) : undefined;
    found = found.flatMap((dir) => {
      const under = (name: string): string => (dir === '' ? name : join(dir, name));
      if (fits === undefined) return fs.peek(under(part)) === undefined ? [] : [under(part)];
      return namesIn(fs, dir)
        .filter((name) => fits.test(name) && (part.startsWith('.') || !name.startsWith('.')))
        .map(under);
    });
  }
  return found;
}

function namesIn(fs: Fs, dir: string): string[] {
  try {
    return fs.readdir(dir === '' ? '.' : dir);
  } catch {
    return [];
  }
}
