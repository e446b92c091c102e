/** What makes file systems of a type, for `rump newfs`. */
import { randomFillSync } from 'node:crypto';
import { UsageError } from '../errors.js';
import { parseSize } from '../format.js';

/** The words of the command line. */
export interface NewfsWords {
  readonly type: string;
  readonly size?: string;
  readonly blockSize?: string;
  readonly inodeSize?: string;
  readonly inodes?: string;
  readonly label?: string;
  readonly fat?: string;
  readonly fragSize?: string;
  readonly ufs?: string;
  readonly byteOrder?: string;
  readonly force?: boolean;
}

/** Where a file system is made. */
export interface ImageToMake {
  /** Bytes. */
  readonly size: number;
  write(off: number, data: Uint8Array): void;
  /** What is not written reads as zeros already. */
  readonly zeroed: boolean;
}

export interface Made {
  /** Bytes of the file system. */
  readonly bytes: number;
  /** For programs, and for people: `16 MB in 4096 blocks`. */
  readonly row: object;
  readonly text: string;
}

/** Bytes of an image; fewer at its end. */
export type Peek = (off: number, len: number) => Uint8Array;

export interface Maker {
  /** As -t names them. */
  readonly types: readonly string[];
  /** `an ext2`. */
  readonly name: string;
  /** Checks the words, and gives what makes it. UsageError; what that throws is an Errno: ENOSPC, EINVAL. */
  plan(words: NewfsWords): (image: ImageToMake) => Made;
  /** Whether there is one already. */
  isThere(peek: Peek): boolean;
}

const GENERAL: readonly string[] = ['type', 'size', 'force', 'json'];

/** UsageError: an option that this type has not. */
export function only(words: NewfsWords, names: readonly (keyof NewfsWords)[]): void {
  for (const name of Object.keys(words)) {
    if (GENERAL.includes(name) || (names as readonly string[]).includes(name)) continue;
    throw new UsageError(`--${name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}: ${words.type} has no such thing`);
  }
}

/** The number that a word says; UsageError: it is none, or does not fit: `what` says what does. */
export function numberOf(name: string, word: string | undefined, fits: (n: number) => boolean, what: string): number | undefined {
  if (word === undefined) return undefined;
  const n = parseSize(word);
  if (n === undefined || !fits(n)) throw new UsageError(`${name} ${word}: is ${what}`);
  return n;
}

export function powerOfTwo(n: number, min: number, max: number): boolean {
  return n >= min && n <= max && (n & (n - 1)) === 0;
}

/** 16 random bytes. */
export function random16(): Uint8Array {
  return randomFillSync(new Uint8Array(16));
}

/** RFC 9562: version 4, its variant. */
export function uuid4(): Uint8Array {
  const uuid = random16();
  uuid[6] = ((uuid[6] ?? 0) & 0x0f) | 0x40;
  uuid[8] = ((uuid[8] ?? 0) & 0x3f) | 0x80;
  return uuid;
}

/** Seconds since 1970. */
export function now(): number {
  return Math.floor(Date.now() / 1000);
}
