/**
 * Stack files: a stack as JSON, for people to keep and to share.
 *
 *     { "components": ["ext2fs"], "host": "node",
 *       "mounts": [{ "type": "ext2fs", "source": "disk.img", "on": "/", "options": ["ro"] }],
 *       "setup": ["ifconfig shmif0 create linkstr lan", "ifconfig shmif0 10.0.0.1/24"],
 *       "app": "./app.mjs" }
 */
import { readFileSync } from 'node:fs';

export type StackHost = 'node' | 'worker';

export interface StackMount {
  readonly type: string;
  /** Where the disk image is: a file, relative to the stack file; for a Worker an address, relative to the bundle. */
  readonly source?: string;
  /** Directory in the kernel; it is made. */
  readonly on: string;
  readonly options?: readonly string[];
}

export interface Stack {
  /** Leaves: names or packages. The components of `mounts` count as named. */
  readonly components: readonly string[];
  readonly host: StackHost;
  readonly mounts: readonly StackMount[];
  /** Lines for the tools of the network (@anykernel/netutils), run in order before anything else. */
  readonly setup: readonly string[];
  /** A module to run inside, relative to the stack file. */
  readonly app?: string;
}

/** What is wrong with a stack file, in one line which names the place. */
export class StackFileError extends Error {
  override name = 'StackFileError';
}

/** Stack files are small; one that is not comes from somebody who means harm. */
const SIZE_MAX = 1 << 20;

/** Reads and checks a stack file. StackFileError; errors of the file system as they are. */
export function readStackFile(path: string): Stack {
  const text = readFileSync(path, 'utf8');
  if (text.length > SIZE_MAX) throw new StackFileError(`${path}: larger than ${SIZE_MAX} bytes`);
  try {
    return parseStack(JSON.parse(text));
  } catch (e) {
    if (e instanceof StackFileError || e instanceof SyntaxError) throw new StackFileError(`${path}: ${e.message}`);
    throw e;
  }
}

/** Checks a value from JSON. Unknown fields are refused, since they are most often misspelt ones. */
export function parseStack(value: unknown): Stack {
  const o = record(value, 'the stack', ['components', 'host', 'mounts', 'setup', 'app']);
  const host = o['host'] ?? 'node';
  if (host !== 'node' && host !== 'worker') throw new StackFileError('host: is "node" or "worker"');
  const mounts = list(o['mounts'] ?? [], 'mounts').map((m, i) => parseMount(m, `mounts[${i}]`));
  const components = list(o['components'] ?? [], 'components').map((c, i) => text(c, `components[${i}]`));
  if (components.length === 0 && mounts.length === 0) throw new StackFileError('components: nothing is asked for');
  const setup = list(o['setup'] ?? [], 'setup').map((line, i) => text(line, `setup[${i}]`));
  const app = o['app'] === undefined ? undefined : text(o['app'], 'app');
  return { components, host, mounts, setup, ...(app === undefined ? {} : { app }) };
}

function parseMount(value: unknown, at: string): StackMount {
  const o = record(value, at, ['type', 'source', 'on', 'options']);
  const on = text(o['on'], `${at}.on`);
  if (!on.startsWith('/')) throw new StackFileError(`${at}.on: is an absolute path`);
  return {
    type: text(o['type'], `${at}.type`),
    on,
    ...(o['source'] === undefined ? {} : { source: text(o['source'], `${at}.source`) }),
    options: list(o['options'] ?? [], `${at}.options`).map((x, i) => text(x, `${at}.options[${i}]`)),
  };
}

function record(value: unknown, at: string, fields: readonly string[]): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new StackFileError(`${at}: is an object`);
  for (const key of Object.keys(value)) {
    if (!fields.includes(key)) throw new StackFileError(`${at}: has no field "${key}" (there are ${fields.join(', ')})`);
  }
  return value as Record<string, unknown>;
}

function list(value: unknown, at: string): unknown[] {
  if (!Array.isArray(value)) throw new StackFileError(`${at}: is a list`);
  return value;
}

function text(value: unknown, at: string): string {
  if (typeof value !== 'string' || value === '') throw new StackFileError(`${at}: is a text`);
  return value;
}
