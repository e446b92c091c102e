/** What checks file systems of a type, for `rump fsck`. */

/** An image, or a partition of one. */
export interface ImageToCheck {
  /** Bytes. */
  readonly size: number;
  /** All of the bytes. */
  read(off: number, len: number): Uint8Array;
  write(off: number, data: Uint8Array): void;
}

export interface CheckOptions {
  /** Write the repairs; otherwise nothing is written. */
  readonly repair: boolean;
  /** Seconds since 1970. */
  readonly time: number;
}

export interface Checked {
  /** What was found, a line each: a byte string. */
  readonly problems: readonly string[];
  /** Nothing is wrong any more. */
  readonly clean: boolean;
  /** For programs, and for people: `12 files, 34 of 4096 fragments in use`. */
  readonly row: object;
  readonly text: string;
}

export interface Checker {
  /** As -t names them. */
  readonly types: readonly string[];
  /** Whether an image is of this type. */
  isThere(image: ImageToCheck): boolean;
  /** Whether it was, by copies that are looked for all over the image: asked where it is of no type. */
  wasThere?(image: ImageToCheck): boolean;
  /** What it throws is an Errno: EINVAL (none of these), EOPNOTSUPP (one that cannot be checked), ENOMEM. */
  check(image: ImageToCheck, options: CheckOptions): Checked;
}
