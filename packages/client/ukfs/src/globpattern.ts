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

/** What stands in brackets, and where it ends. */
interface Group {
  readonly parts: readonly string[];
  readonly end: number;
}

/** The group whose first bracket is at `open`; `signs`: that bracket, what is between the parts, the other bracket. undefined: it is not closed. */
function groupAt(text: string, open: number, [first, between, last]: string): Group | undefined {
  const parts: string[] = [];
  let depth = 0;
  let from = open + 1;
  for (let i = open; i < text.length; i++) {
    const c = text[i];
    if (c === '\\') i++;
    else if (c === first) depth++;
    else if (c === last && --depth === 0) return { parts: [...parts, text.slice(from, i)], end: i };
    else if (c === between && depth === 1) {
      parts.push(text.slice(from, i));
      from = i + 1;
    }
  }
  return undefined;
}

// -- braces

function braces(text: string): string[] {
  for (let open = text.indexOf('{'); open >= 0; open = text.indexOf('{', open + 1)) {
    const group = '\\$'.includes(text[open - 1] ?? ' ') ? undefined : groupAt(text, open, '{,}');
    if (group === undefined) continue;
    const choices = group.parts.length > 1 ? group.parts : sequence(group.parts[0]);
    if (choices === undefined) continue;
    const [before, after] = [text.slice(0, open), braces(text.slice(group.end + 1))];
    const out = choices.flatMap((choice) => braces(choice).flatMap((c) => after.map((rest) => before + c + rest)));
    return out.slice(0, BRACES_MAX);
  }
  return [text];
}

/** `1..9`, `01..09..2`, `a..z`; undefined: it is none. */
function sequence(text: string): string[] | undefined {
  const range = /^(?:(-?\d+)\.\.(-?\d+)|([a-z])\.\.([a-z]))(?:\.\.(-?\d+))?$/i.exec(text);
  if (range === null) return undefined;
  const [, first, last, letter, lastLetter, by = 1] = range;
  const [from, to] = letter === undefined ? [Number(first), Number(last)] : [letter.charCodeAt(0), lastLetter.charCodeAt(0)];
  const step = Math.max(1, Math.abs(Number(by))) * (to < from ? -1 : 1);
  const width = /^-?0\d/.test(first) || /^-?0\d/.test(last) ? Math.max(first.length, last.length) : 0;
  const out: string[] = [];
  for (let n = from; (step > 0 ? n <= to : n >= to) && out.length < BRACES_MAX; n += step) {
    out.push(letter === undefined ? (n < 0 ? '-' : '') + String(Math.abs(n)).padStart(n < 0 ? width - 1 : width, '0') : String.fromCharCode(n));
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

const NAMED = `\\[:(?:${/* @__PURE__ */ Object.keys(CLASSES).join('|')}):\\]`;
/** One thing in a class; a bracket that closes it is one where it comes first. */
const ITEM = `${NAMED}|\\\\.|(?!${NAMED})[^\\]\\\\]`;
/** `[...]`: what negates it, and what is in it. */
const SET: RegExp = /* @__PURE__ */ new RegExp(`^\\[([!^]|(?![!^]))((?:\\]|${ITEM})(?:${ITEM})*)\\]`, 's');

/** What is in `[...]` as a class of a RegExp has it. */
function setOf(items: string): string {
  return items.replace(/\[:(\w+):\]|(?!^)-(?!$)|\\?(.)/gs, (_, named: string, c?: string) => CLASSES[named] ?? (c === '-' ? '\\-' : literal(c ?? '-')));
}

function literal(c: string): string {
  return c.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}

function source(name: string): string {
  let out = '';
  for (let i = 0; i < name.length; i++) {
    const c = name[i];
    const group = '?*+@!'.includes(c) && name[i + 1] === '(' ? groupAt(name, i + 1, '(|)') : undefined;
    const set = c === '[' ? SET.exec(name.slice(i)) : null;
    if (group !== undefined) {
      const inside = group.parts.map(source).join('|');
      // What is not one of them: up to where the rest of the name goes on.
      out += c === '!' ? `(?:(?!(?:${inside})${source(name.slice(group.end + 1))}$)[^/]*?)` : `(?:${inside})${c === '@' ? '' : c}`;
      i = group.end;
    } else if (set !== null) {
      out += `[${set[1] && '^'}${setOf(set[2])}]`;
      i += set[0].length - 1;
    } else if (c === '*') out += out.endsWith('[^/]*?') ? '' : '[^/]*?';
    else if (c === '?') out += '[^/]';
    else out += literal(c === '\\' && i + 1 < name.length ? name[++i] : c);
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
