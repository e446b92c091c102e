/** Which code has run, by V8's precise coverage of the sources that are looked at. */
import { Session } from 'node:inspector';

interface Range {
  readonly startOffset: number;
  readonly endOffset: number;
  readonly count: number;
}

interface Script {
  readonly url: string;
  readonly functions: readonly { readonly ranges: readonly Range[] }[];
}

export class Coverage {
  readonly #session = new Session();
  readonly #sources: string;
  readonly #seen = new Set<string>();

  /** `sources`: part of the addresses of the scripts that count. */
  constructor(sources: string) {
    this.#sources = sources;
    this.#session.connect();
    this.#post('Profiler.enable');
    this.#post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** Ranges of code that have run since the last call, and never before that. */
  news(): number {
    const { result } = this.#post('Profiler.takePreciseCoverage') as { result: readonly Script[] };
    const before = this.#seen.size;
    for (const { url, functions } of result) {
      if (!url.includes(this.#sources)) continue;
      for (const { ranges } of functions) {
        for (const { startOffset, endOffset, count } of ranges) if (count > 0) this.#seen.add(`${url}:${startOffset}-${endOffset}:${level(count)}`);
      }
    }
    return this.#seen.size - before;
  }

  close(): void {
    this.#post('Profiler.stopPreciseCoverage');
    this.#session.disconnect();
  }

  /** The inspector of the own thread answers at once. */
  #post(method: string, params: object = {}): unknown {
    let answer: unknown;
    let failure: Error | null = null;
    this.#session.post(method, params, (error: Error | null, result?: object) => {
      failure = error;
      answer = result;
    });
    if (failure !== null) throw failure;
    return answer;
  }
}

/** How often, roughly: a loop that goes round more often has done something new. */
function level(count: number): number {
  return count < 4 ? 0 : count < 64 ? 1 : count < 4096 ? 2 : 3;
}
