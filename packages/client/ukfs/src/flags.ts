/**
 * `fs.constants`, and open flags. The numbers are the host's, as programs have them of `node:fs`, and in a page Node's on Linux; the kernel's own are
 * NetBSD's, and are made from them here. What a host has not (O_SYNC on Windows) is undefined there, and no bit.
 */
import { constants as host } from '#host';
import * as sys from '@anykernel/lib-sys';
import type { Constants } from './linux.js';

/** `fs.constants`: the host's, and in a page Node's on Linux. */
export const constants: Constants = host;

const { O_CREAT, O_EXCL, O_SYNC, O_TRUNC, O_APPEND } = constants;

/** What the letters of a flag mean, in either order; with `+` for reading and writing. */
const LETTERS: Readonly<Record<string, number>> = {
  r: constants.O_RDONLY,
  w: constants.O_WRONLY | O_TRUNC | O_CREAT,
  a: constants.O_WRONLY | O_APPEND | O_CREAT,
  x: O_EXCL,
  s: O_SYNC,
};

const WORDS: ReadonlyMap<string, number> = /* @__PURE__ */ new Map(
  'r rs sr w wx xw a ax xa as sa'.split(' ').flatMap((word): [string, number][] => {
    const flags = [...word].reduce((bits, letter) => bits | (LETTERS[letter] as number), 0);
    return [
      [word, flags],
      [`${word}+`, (flags & ~constants.O_WRONLY) | constants.O_RDWR],
    ];
  }),
);

/** The number for `'w+'` and its like; undefined: there is no such word. */
export function flagsOfWord(word: string): number | undefined {
  return WORDS.get(word);
}

/** Node's flags and the kernel's, bit by bit, where they differ. */
const PAIRS: readonly (readonly [number, number])[] = [
  [O_CREAT, sys.O_CREAT],
  [O_EXCL, sys.O_EXCL],
  [constants.O_NOCTTY, sys.O_NOCTTY],
  [O_TRUNC, sys.O_TRUNC],
  [O_APPEND, sys.O_APPEND],
  [constants.O_NONBLOCK, sys.O_NONBLOCK],
  [constants.O_DSYNC, sys.O_DSYNC],
  [O_SYNC & ~constants.O_DSYNC, sys.O_SYNC],
  [constants.O_DIRECTORY, sys.O_DIRECTORY],
  [constants.O_NOFOLLOW, sys.O_NOFOLLOW],
];

/** The kernel's open flags for Node's. Descriptors are close-on-exec, as Node's are. */
export function kernelFlags(flags: number): number {
  let out = (flags & 3) | sys.O_CLOEXEC;
  if ((flags & ~3) === 0) return out;
  for (const [node, kernel] of PAIRS) if ((flags & node) !== 0) out |= kernel;
  return out;
}
