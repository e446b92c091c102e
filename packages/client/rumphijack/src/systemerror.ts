/** Errors in the shape of Node's, for what neither of the two systems says itself. */
import { type ErrnoCode, libuvCode, libuvErrno, nodeErrorMessage } from '@anykernel/lib-sys';

export function systemError(code: ErrnoCode, syscall: string, path?: string, dest?: string): Error {
  const more = { errno: libuvErrno(code), code: libuvCode(code), syscall };
  const names = { ...(path === undefined ? {} : { path }), ...(dest === undefined ? {} : { dest }) };
  return Object.assign(new Error(nodeErrorMessage(code, syscall, path, dest)), more, names);
}

/** A path in a message. */
export function textOf(path: unknown): string {
  if (typeof path === 'string') return path;
  return path instanceof Uint8Array ? Buffer.from(path).toString() : String((path as { pathname?: unknown }).pathname ?? path);
}
