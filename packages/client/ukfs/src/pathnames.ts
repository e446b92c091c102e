/** Names of paths, without looking at any file: for byte strings as for text. */

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
