/** What options and arguments are, before anything else is asked of them. */

/** Left out, in either way. */
export function isNone(value: unknown): value is null | undefined {
  return value === undefined || value === null;
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/** The fields of options that may also be a word, or left out. */
export function fieldsOf<T extends object>(options: unknown): Partial<T> {
  return isObject(options) ? (options as Partial<T>) : {};
}
