/** Names of paths, without looking at any file: for byte strings as for text. */
import { bytesOf, bytestrOf, fromBytestr, isAscii, toBytestr } from '@anykernel/lib-bytes';

/** What the kernel takes for a path: text, which becomes UTF-8, or bytes as they are. */
export type Path = string | Uint8Array;

/** Bytes of a path that a message shows. */
const PATH_TEXT_MAX = 4096;

/** A path in an error's message. */
export function pathText(path: Path): string {
  return typeof path === 'string' ? path : fromBytestr(bytestrOf(path, 0, Math.min(path.length, PATH_TEXT_MAX)));
}

/** A path as a byte string, so that names from a directory can follow it. */
export function bytePath(path: Path): string {
  return typeof path === 'string' ? toBytestr(path) : bytestrOf(path);
}

/** A byte string for the kernel. */
export function kernelPath(path: string): Path {
  return isAscii(path) ? path : bytesOf(path);
}

/** Names and the directories they are in: one slash between them, and none where no directory is said. */
export function join(dir: string, name: string): string {
  return dir === '' || dir.endsWith('/') ? `${dir}${name}` : `${dir}/${name}`;
}

/** What stands before the last name: '' where nothing does, '/' for a name in the root. */
export function dirname(path: string): string {
  const trimmed = path.replace(/(?<=.)\/+$/, '');
  const slash = trimmed.lastIndexOf('/');
  return slash <= 0 ? trimmed.slice(0, slash + 1) : trimmed.slice(0, slash);
}

/** `path` as it is meant in directory `dir`, without `.` and `..`. */
export function resolve(dir: string, path: string): string {
  const whole = path.startsWith('/') || dir === '' ? path : `${dir}/${path}`;
  const out: string[] = [];
  for (const name of whole.split('/')) {
    if (name === '' || name === '.') continue;
    if (name === '..' && out.length > 0 && out[out.length - 1] !== '..') out.pop();
    else if (name !== '..' || !whole.startsWith('/')) out.push(name);
  }
  return (whole.startsWith('/') ? '/' : '') + out.join('/');
}
