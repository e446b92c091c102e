/** Options of the environment: of jest's configuration, or a comment in the test file (`@jest-environment-options {"tree": {"/rump/a": "text"}}`). */
export interface RumpOptions {
  /** What is redirected, as RUMPHIJACK says it; all below /rump, or the directories of `mounts`, otherwise. */
  readonly rumphijack?: string;
  /** `IMAGE:DIR[:options]`, relative to where jest runs. Otherwise there is a fresh memory file system. */
  readonly mounts?: readonly string[];
  /** Files that are there when the tests begin: texts by absolute paths. */
  readonly tree?: Readonly<Record<string, string>>;
  /** Whose process it is in the kernel; the superuser's otherwise. */
  readonly uid?: number;
  readonly gid?: number;
}

/** What is wrong with an option, in one line. */
export class OptionError extends Error {
  override name = 'OptionError';
}

const isText = (value: unknown): boolean => typeof value === 'string';
const isId = (value: unknown): boolean => Number.isInteger(value) && (value as number) >= 0;
const CHECKS: Readonly<Record<keyof RumpOptions, readonly [check: (value: unknown) => boolean, is: string]>> = {
  rumphijack: [isText, 'a text'],
  mounts: [(value) => Array.isArray(value) && value.every(isText), 'a list of texts'],
  tree: [
    (value) =>
      typeof value === 'object' && value !== null && Object.entries(value).every(([path, text]) => path.startsWith('/') && isText(text)),
    'texts by absolute paths',
  ],
  uid: [isId, 'a number'],
  gid: [isId, 'a number'],
};

/** Takes what is ours out of an environment's options; others are those of jest's own environment. OptionError. */
export function parseOptions(given: Readonly<Record<string, unknown>>): RumpOptions {
  const out: Record<string, unknown> = {};
  for (const [name, [check, is]] of Object.entries(CHECKS)) {
    if (given[name] === undefined) continue;
    if (!check(given[name])) throw new OptionError(`testEnvironmentOptions.${name}: is ${is}`);
    out[name] = given[name];
  }
  return out;
}
