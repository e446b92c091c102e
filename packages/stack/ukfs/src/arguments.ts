/** The options of ukfs(), looked at: what a program without types gets wrong is said in its own words. */
import type { MountSpec } from '@anykernel/stack-boot';
import type { UkfsOptions } from './index.js';

/** Options that make sense; a URL is a name now. */
export interface Checked extends Omit<UkfsOptions, 'mount'> {
  readonly mount?: string | Uint8Array | readonly MountSpec[];
}

type Is = readonly [what: string, is: (value: unknown) => boolean];

const listOf =
  (is: (value: unknown) => boolean) =>
  (value: unknown): boolean =>
    Array.isArray(value) && value.every(is);
const isText = (value: unknown): boolean => typeof value === 'string';
const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null;
const upTo = (max: number) => (value: unknown): boolean => Number.isInteger(value) && (value as number) >= 0 && (value as number) <= max;
const isId = upTo(0xffff_fffe);
const ID = 'an integer from 0 to 4294967294';

const OPTIONS: Readonly<Record<keyof UkfsOptions, Is>> = {
  mount: ["an image's name, file: URL or bytes, or a list of mounts", isMount],
  type: ['a text', isText],
  options: ['a list of texts', listOf(isText)],
  components: ['a list of components', Array.isArray],
  uid: [ID, isId],
  gid: [ID, isId],
  groups: ['a list of integers from 0 to 4294967294', listOf(isId)],
  umask: ['an integer from 0 to 0o777', upTo(0o777)],
  cwd: ['a text', isText],
  tree: ['an object', isObject],
  snapshot: ['a Uint8Array', (value) => value instanceof Uint8Array],
  host: ['a host', isObject],
};

/** TypeError, with `code` ERR_INVALID_ARG_TYPE or ERR_INVALID_ARG_VALUE. */
export function checked(options: unknown): Checked {
  if (options === undefined) return {};
  if (!isObject(options) || options instanceof Uint8Array || options instanceof URL) {
    throw invalid('ERR_INVALID_ARG_TYPE', `takes options, as in ukfs({ mount: 'disk.img' }), and was given ${shown(options)}`);
  }
  const given = options as UkfsOptions;
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(OPTIONS, name)) throw invalid('ERR_INVALID_ARG_VALUE', `has no option ${name}; there are ${Object.keys(OPTIONS).join(', ')}`);
    const [what, is] = OPTIONS[name as keyof UkfsOptions];
    if (value !== undefined && !is(value)) throw invalid('ERR_INVALID_ARG_TYPE', `option ${name} is ${what}, and was given ${shown(value)}`);
  }
  const { mount, ...rest } = given;
  return mount === undefined ? rest : { ...rest, mount: mount instanceof URL ? pathOf(mount) : mount };
}

function isMount(value: unknown): boolean {
  if (value instanceof URL) return value.protocol === 'file:';
  return isText(value) || value instanceof Uint8Array || listOf((m) => isObject(m) && isText((m as MountSpec).type) && isText((m as MountSpec).on))(value);
}

function pathOf(url: URL): string {
  return process.getBuiltinModule('node:url').fileURLToPath(url);
}

function shown(value: unknown): string {
  if (typeof value === 'string') return `'${value.slice(0, 40)}'`;
  if (typeof value === 'object' && value !== null) return `an instance of ${value.constructor?.name ?? 'nothing'}`;
  return String(value);
}

function invalid(code: string, message: string): TypeError {
  return Object.assign(new TypeError(`ukfs() ${message}`), { code });
}
