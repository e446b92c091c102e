/**
 * Patterns of glob(): braces `{a,b}` and `{1..3}`, `*`, `?`, `[...]` with ranges and classes, `+(a|b)` and its like, and `**` for any number of
 * directories. A name that begins with a dot is met only by a pattern that does.
 */

/** Any number of directories. */
export const GLOBSTAR: unique symbol = Symbol('**');

/** One name of a path: as it stands, or what it has to match. */
export type Part = string | RegExp | typeof GLOBSTAR;

export interface Pattern {
  readonly absolute: boolean;
  readonly parts: readonly Part[];
  /** Only directories are meant: it ended with a slash. */
  readonly directories: boolean;
}

/** The most patterns that braces may stand for. */
const BRACES_MAX = 10_000;

/** What a pattern means; several where it has braces. */
export function parsePattern(text: string): Pattern[] {
  return braces(text).map((one) => {
    const absolute = one.startsWith('/');
    const names = one.split('/').filter((name) => name !== '' && name !== '.');
    const parts = names.map(partOf).filter((part, i, all) => part !== GLOBSTAR || all[i - 1] !== GLOBSTAR);
    return { absolute, parts, directories: one.endsWith('/') };
  });
}

function partOf(name: string): Part {
  if (name === '**') return GLOBSTAR;
  if (!/[*?[\]\\]|[?*+@!]\(/.test(name)) return name;
  return matcherOf(name);
}

// -- braces

/** Where the brace at `open` is closed, and the commas between; undefined: nowhere. */
function braceAt(text: string, open: number): { end: number; commas: number[] } | undefined {
  const commas: number[] = [];
  let depth = 0;
  for (let i = open; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === '{') depth++;
    else if (text[i] === ',' && depth === 1) commas.push(i);
    else if (text[i] === '}' && --depth === 0) return { end: i, commas };
  }
  return undefined;
}

function braces(text: string): string[] {
  for (let open = text.indexOf('{'); open >= 0; open = text.indexOf('{', open + 1)) {
    const brace = text[open - 1] === '\\' || text[open - 1] === '$' ? undefined : braceAt(text, open);
    if (brace === undefined) continue;
    const choices = choicesOf(text, open, brace);
    if (choices === undefined) continue;
    const [before, after] = [text.slice(0, open), braces(text.slice(brace.end + 1))];
    const out = choices.flatMap((choice) => braces(choice).flatMap((c) => after.map((rest) => before + c + rest)));
    return out.slice(0, BRACES_MAX);
  }
  return [text];
}

function choicesOf(text: string, open: number, { end, commas }: { end: number; commas: number[] }): string[] | undefined {
  if (commas.length > 0) {
    const edges = [open, ...commas, end];
    return edges.slice(1).map((to, i) => text.slice(edges[i] + 1, to));
  }
  const range = /^(-?\d+|[a-z])\.\.(-?\d+|[a-z])(?:\.\.(-?\d+))?$/i.exec(text.slice(open + 1, end));
  return range === null ? undefined : sequence(range[1], range[2], range[3]);
}

function sequence(first: string, last: string, by: string | undefined): string[] | undefined {
  const letters = /[a-z]/i.test(first);
  if (letters !== /[a-z]/i.test(last)) return undefined;
  const [from, to] = letters ? [first.charCodeAt(0), last.charCodeAt(0)] : [Number(first), Number(last)];
  const step = Math.max(1, Math.abs(Number(by ?? 1))) * (to < from ? -1 : 1);
  const width = /^-?0\d/.test(first) || /^-?0\d/.test(last) ? Math.max(first.length, last.length) : 0;
  const out: string[] = [];
  for (let n = from; (step > 0 ? n <= to : n >= to) && out.length < BRACES_MAX; n += step) {
    out.push(letters ? String.fromCharCode(n) : `${n < 0 ? '-' : ''}${String(Math.abs(n)).padStart(n < 0 ? width - 1 : width, '0')}`);
  }
  return out;
}

// -- names

const CLASSES: Readonly<Record<string, string>> = {
  alnum: '\\p{L}\\p{Nl}\\p{Nd}',
  alpha: '\\p{L}\\p{Nl}',
  ascii: '\\x00-\\x7f',
  blank: '\\p{Zs}\\t',
  cntrl: '\\p{Cc}',
  digit: '\\p{Nd}',
  graph: '\\x21-\\x7e',
  lower: '\\p{Ll}',
  print: '\\x20-\\x7e',
  punct: '\\p{P}',
  space: '\\p{Z}\\t\\r\\n\\v\\f',
  upper: '\\p{Lu}',
  word: '\\p{L}\\p{Nl}\\p{Nd}\\p{Pc}',
  xdigit: 'A-Fa-f0-9',
};

function literal(c: string): string {
  return c.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}

/** `[...]` at `at` as a class of a RegExp, and where it ends; undefined: it is none. */
function classAt(name: string, at: number): { source: string; end: number } | undefined {
  let i = at + 1;
  const not = name[i] === '!' || name[i] === '^';
  if (not) i++;
  let inside = '';
  for (const start = i; i < name.length; i++) {
    if (name[i] === ']' && i > start) return { source: `[${not ? '^' : ''}${inside}]`, end: i };
    const named = /^\[:(\w+):\]/.exec(name.slice(i));
    if (named !== null && CLASSES[named[1]] !== undefined) {
      inside += CLASSES[named[1]];
      i += named[0].length - 1;
    } else if (name[i] === '\\' && i + 1 < name.length) inside += literal(name[++i]);
    else if (name[i] === '-' && i > start && name[i + 1] !== ']') inside += '-';
    else inside += name[i] === '-' ? '\\-' : literal(name[i]);
  }
  return undefined;
}

/** Where the parenthesis at `open` is closed; -1: nowhere. */
function parenEnd(name: string, open: number): number {
  let depth = 0;
  for (let i = open; i < name.length; i++) {
    if (name[i] === '\\') i++;
    else if (name[i] === '(') depth++;
    else if (name[i] === ')' && --depth === 0) return i;
  }
  return -1;
}

/** The choices of `+(a|b)`, without those within others. */
function alternatives(text: string): string[] {
  const out = [''];
  let depth = 0;
  for (const c of text) {
    if (c === '(') depth++;
    if (c === ')') depth--;
    if (c === '|' && depth === 0) out.push('');
    else out[out.length - 1] += c;
  }
  return out;
}

const CLOSING: Readonly<Record<string, string>> = { '?': ')?', '*': ')*', '+': ')+', '@': ')' };

function source(name: string): string {
  let out = '';
  for (let i = 0; i < name.length; i++) {
    const c = name[i];
    const end = '?*+@!'.includes(c) && name[i + 1] === '(' ? parenEnd(name, i + 1) : -1;
    if (end >= 0) {
      const inside = alternatives(name.slice(i + 2, end)).map(source).join('|');
      // What is not one of them: up to where the rest of the name goes on.
      out += c === '!' ? `(?:(?!(?:${inside})${source(name.slice(end + 1))}$)[^/]*?)` : `(?:${inside}${CLOSING[c]}`;
      i = end;
    } else if (c === '*') out += out.endsWith('[^/]*?') ? '' : '[^/]*?';
    else if (c === '?') out += '[^/]';
    else if (c === '\\' && i + 1 < name.length) out += literal(name[++i]);
    else if (c === '[') {
      const set = classAt(name, i);
      out += set?.source ?? '\\[';
      i = set?.end ?? i;
    } else out += literal(c);
  }
  return out;
}

function matcherOf(name: string): RegExp | string {
  const dots = name.startsWith('.') ? '(?!\\.{1,2}$)' : '(?!\\.)';
  try {
    return new RegExp(`^${dots}${source(name)}$`, 'u');
  } catch {
    return name;
  }
}
