/**
 * Import attributes (`with { type: 'json' }`) of modules on redirected paths. Node itself judges them, by a module of the same format in a `data:` URL, so that each version
 * has its own errors.
 */
export type Attributes = Readonly<Record<string, string>> | undefined;

export interface Sample {
  readonly url: string;
  readonly format: 'json' | 'module';
}

/** A URL that attributes are to be judged by; undefined: there is nothing to judge. */
export function sampleOf(format: string | undefined, attributes: Attributes): Sample | undefined {
  if (format === 'json') return { url: 'data:application/json,0', format };
  return attributes === undefined || Object.keys(attributes).length === 0 ? undefined : { url: 'data:text/javascript,', format: 'module' };
}

/** What Node said of the sample at `sample`, said of the module at `url`; in place. */
export function ofModule(e: unknown, sample: string, url: string): unknown {
  const error = e as Error;
  const before = error.message;
  error.message = before.replace(sample, () => url);
  if (error.stack !== undefined) error.stack = error.stack.replace(before, () => error.message);
  return error;
}
