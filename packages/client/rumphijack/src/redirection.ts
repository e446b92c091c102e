/**
 * What goes to the kernel, in the words of NetBSD's RUMPHIJACK: a list of `token=value` with commas between.
 *
 *     path=/rump          names below /rump are the kernel's, which sees them without that prefix
 *     blanket=/data:/etc  names that begin so are the kernel's, and stay as they are
 *     fdoff=512           the kernel's descriptors begin at this number
 *
 * Unset means `path=/rump`; the empty text redirects nothing. Tokens about sockets and sysctl are refused, since files are all that is redirected.
 */
export interface Redirection {
  /** Absolute; undefined where no prefix is taken off. */
  readonly path: string | undefined;
  /** Absolute; as in NetBSD's library, /data is the beginning of /database too. */
  readonly blanket: readonly string[];
  /** Directories that are the kernel's with all below them, and stay as they are: where something is mounted. */
  readonly dirs?: readonly string[];
  readonly fdoff: number;
}

/** What is wrong with a setting, in one line. */
export class SettingError extends Error {
  override name = 'SettingError';
}

/** The first of the kernel's descriptors: more than any system lets a process have of its own. */
export const FDOFF = 1 << 29;

const FDOFF_MIN = 3;
const FDOFF_END = 0x3fff_ffff;

export const UNSET = 'path=/rump';

/** Reads the value of RUMPHIJACK. SettingError. */
export function parseRedirection(text: string = UNSET): Redirection {
  let path: string | undefined;
  let blanket: readonly string[] = [];
  let fdoff = FDOFF;
  for (const word of text === '' ? [] : text.split(',')) {
    const eq = word.indexOf('=');
    const [token, value] = eq < 0 ? [word, ''] : [word.slice(0, eq), word.slice(eq + 1)];
    if (token === 'path') path = prefixOf(token, value);
    else if (token === 'blanket') blanket = value.split(':').map((v) => prefixOf(token, v));
    else if (token === 'fdoff') fdoff = fdoffOf(value);
    else throw new SettingError(`RUMPHIJACK: ${token}: there are path, blanket and fdoff`);
  }
  return { path, blanket, fdoff };
}

/** Two characters at least, and no slash at the end unless there is nothing else. */
function prefixOf(token: string, value: string): string {
  if (!value.startsWith('/')) throw new SettingError(`RUMPHIJACK: ${token}=${value}: is an absolute path`);
  if (value.length < 2) throw new SettingError(`RUMPHIJACK: ${token}=${value}: is too short`);
  if (value.endsWith('/') && !/^\/+$/.test(value)) throw new SettingError(`RUMPHIJACK: ${token}=${value}: ends with a slash`);
  return value;
}

function fdoffOf(value: string): number {
  const fdoff = /^\d+$/.test(value) ? Number(value) : -1;
  if (fdoff < FDOFF_MIN || fdoff >= FDOFF_END) {
    throw new SettingError(`RUMPHIJACK: fdoff=${value}: is a number from ${FDOFF_MIN} to ${FDOFF_END - 1}`);
  }
  return fdoff;
}
