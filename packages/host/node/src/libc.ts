/** The C library, for what Node has no call for: by koffi, an optional package. */
import { ERR } from '@anykernel/lib-sys';

/** A function of the C library. */
export type CFunction = (...args: unknown[]) => unknown;

export interface Koffi {
  load(name: string | null): { func(prototype: string): CFunction };
  view(pointer: unknown, len: number): ArrayBuffer;
  address(pointer: unknown): bigint;
  errno(): number;
}

let koffi: Koffi | undefined;

/** ENODEV: koffi is not installed. */
export function koffiOf(): Koffi {
  if (koffi !== undefined) return koffi;
  try {
    koffi = requireHere()('koffi') as Koffi;
  } catch {
    throw ERR.ENODEV;
  }
  return koffi;
}

/** The file that koffi is loaded from, for other threads. */
export function koffiPath(): string {
  return requireHere().resolve('koffi');
}

function requireHere(): NodeJS.Require {
  return process.getBuiltinModule('node:module').createRequire(import.meta.url);
}

/** The name of the C library here; null: what the program itself is linked with. */
export const LIBC: string | null = process.platform === 'linux' ? 'libc.so.6' : null;

/** A function by its C prototype. */
export function libc(prototype: string): CFunction {
  return koffiOf().load(LIBC).func(prototype);
}
