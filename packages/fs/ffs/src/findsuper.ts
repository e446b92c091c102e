/**
 * The search for a superblock: in the places where it may be, and, where all of those are spoiled, among the copies in the cylinder groups.
 */
import { FS_SBLOCKLOC, SB_LEN, SB_PLACES, SB_ROOM, type SuperInfo, parseSuper, superMagic } from './ondisk.js';
import { get64 } from '@anykernel/ufs';

/** Gives bytes [off, off+len) of the device, fewer at its end. May throw. */
export type Peek = (off: number, len: number) => Uint8Array;

/** What is at `loc`: a superblock that belongs there, what is wrong with one, or undefined: none. */
function superAt(peek: Peek, loc: number): SuperInfo | string | undefined {
  const b = peek(loc, SB_LEN);
  const kind = superMagic(b);
  if (kind === undefined) return undefined;
  const info = parseSuper(b, loc);
  if (typeof info === 'string') return info;
  if (!isAtHome(b, info)) return undefined;
  return info;
}

/** A copy in a group says where the first one is; and one of UFS1 at 64 KiB is such a copy, for UFS1 never begins there. */
function isAtHome(b: Uint8Array, info: SuperInfo): boolean {
  if (info.version === 1 && info.loc === 65536) return false;
  if (!info.updated) return true;
  const view = new DataView(b.buffer, b.byteOffset, b.length);
  const loc = get64(view, FS_SBLOCKLOC, info.le);
  // Makers disagree about what is there in UFS1; in UFS2 they do not.
  return info.version === 1 || loc === info.loc;
}

/** The superblock; a string: none can be used, and why. */
export function findSuper(peek: Peek): SuperInfo | string {
  let why = 'there is no superblock';
  for (const loc of SB_PLACES) {
    const found = superAt(peek, loc);
    if (typeof found === 'object') return found;
    if (found !== undefined) why = found;
  }
  return why;
}

/** Copies of superblocks looked for every so many bytes, as far as this. */
const STEP = 4096;
const COPIES_TO = 512 << 20;

/**
 * Where in the first groups a usable copy is: its bytes, and what it says with the place of the first one; undefined: there is none. For a checker; a mount wants
 * the first one.
 */
export function findCopy(peek: Peek, size: number): { readonly at: number; readonly info: SuperInfo; readonly bytes: Uint8Array } | undefined {
  const end = Math.min(size, COPIES_TO);
  const piece = 1 << 20;
  for (let base = 0; base < end; base += piece) {
    const b = peek(base, piece + SB_ROOM);
    for (let off = 0; off < piece && off + SB_LEN <= b.length; off += STEP) {
      const bytes = b.subarray(off, off + SB_LEN);
      if (superMagic(bytes) === undefined) continue;
      const found = copyAt(bytes, base + off);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

function copyAt(b: Uint8Array, at: number): { readonly at: number; readonly info: SuperInfo; readonly bytes: Uint8Array } | undefined {
  const info = parseSuper(b, at);
  if (typeof info === 'string') return undefined;
  const view = new DataView(b.buffer, b.byteOffset, b.length);
  const said = info.updated ? get64(view, FS_SBLOCKLOC, info.le) : 8192;
  const home = SB_PLACES.includes(said) ? said : info.version === 2 ? 65536 : 8192;
  if (at === home) return undefined;
  return { at, info: { ...info, loc: home }, bytes: b.slice() };
}

/** Whether there is an FFS, by its first superblock. */
export function looksLikeFfs(peek: Peek): boolean {
  return typeof findSuper(peek) === 'object';
}

/** Whether there is an FFS, be it by a copy of its superblock. `image` reads all of what it is asked for. */
export function hasFfs(image: { readonly size: number; read(off: number, len: number): Uint8Array }): boolean {
  const peek = (off: number, len: number): Uint8Array => (off >= image.size ? new Uint8Array(0) : image.read(off, Math.min(len, image.size - off)));
  return looksLikeFfs(peek) || findCopy(peek, image.size) !== undefined;
}
