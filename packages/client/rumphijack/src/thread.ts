/**
 * Import hooks on Node's own thread for them (Node before 22.15): they decide what may concern the kernel, and ask the thread that has it.
 *
 * That thread may be waiting for this one (a synchronous resolution), or be busy for long. A path is then taken as it reads; everything else waits.
 */
import type { MessagePort } from 'node:worker_threads';
import { type Attributes, ofModule, sampleOf } from './attributes.js';

export interface ThreadData {
  readonly port: MessagePort;
  /** The last question that the other side has taken up. */
  readonly heard: Int32Array;
  /** Beginnings of paths that may be the kernel's. */
  readonly prefixes: readonly string[];
}

export type Question =
  | {
      readonly id: number;
      readonly op: 'resolve';
      readonly specifier: string;
      readonly parentURL: string | undefined;
      readonly conditions: readonly string[];
    }
  | { readonly id: number; readonly op: 'load'; readonly url: string; readonly format: string | undefined };

/** Without a URL and a source: it is not the kernel's. */
export interface Answer {
  readonly id: number;
  readonly url?: string | undefined;
  readonly format?: string | undefined;
  readonly source?: string | Uint8Array | undefined;
  readonly error?: { readonly message: string; readonly code: string | undefined; readonly url: string | undefined };
}

interface ResolveContext {
  readonly parentURL?: string;
  readonly conditions: readonly string[];
}
interface LoadContext {
  readonly format?: string;
  readonly importAttributes?: Attributes;
}

type Unnumbered = Question extends infer Q ? (Q extends Question ? Omit<Q, 'id'> : never) : never;

const PATIENCE_MS = 1000;

let data: ThreadData | undefined;
let lastId = 0;
const waiting = new Map<number, (answer: Answer | undefined) => void>();

/** Node's: what register() was given. */
export function initialize(given: ThreadData): void {
  data = given;
  given.port.on('message', (answer: Answer) => {
    const hear = waiting.get(answer.id);
    forget(answer.id);
    hear?.(answer);
  });
  given.port.unref();
}

/** This thread lives as long as it waits for an answer. */
function forget(id: number): boolean {
  const was = waiting.delete(id);
  if (waiting.size === 0) data?.port.unref();
  return was;
}

/** Asks; undefined when `impatient` and nobody listens. */
function ask(question: Unnumbered, impatient: boolean): Promise<Answer | undefined> {
  const { port, heard } = data as ThreadData;
  const id = ++lastId;
  return new Promise((resolve, reject) => {
    waiting.set(id, (answer) =>
      answer?.error === undefined ? resolve(answer) : reject(Object.assign(new Error(answer.error.message), answer.error)),
    );
    port.ref();
    port.postMessage({ ...question, id });
    if (!impatient) return;
    setTimeout(() => {
      if (Atomics.load(heard, 0) >= id || !forget(id)) return;
      resolve(undefined);
    }, PATIENCE_MS).unref();
  });
}

function inKernel(url: string | undefined): boolean {
  if (data === undefined || url?.startsWith('file:') !== true) return false;
  try {
    const path = decodeURIComponent(new URL(url).pathname);
    return data.prefixes.some((prefix) => path.startsWith(prefix));
  } catch {
    return false;
  }
}

/** A path or URL as it reads; undefined for a package's name. */
function lexical(specifier: string, parentURL: string | undefined): string | undefined {
  if (/^(\.\.?)?\//.test(specifier) && parentURL !== undefined) return new URL(specifier, parentURL).href;
  return specifier.startsWith('file:') ? specifier : undefined;
}

/** Node's hook. */
export async function resolve(
  specifier: string,
  context: ResolveContext,
  next: (specifier: string, context: ResolveContext) => Promise<{ url: string }>,
): Promise<{ url: string; format?: string | undefined; shortCircuit?: boolean }> {
  const { parentURL, conditions } = context;
  const plain = lexical(specifier, parentURL);
  const mayBe = !specifier.startsWith('node:') && !specifier.startsWith('data:') && (inKernel(plain) || inKernel(parentURL));
  if (!mayBe) {
    try {
      return await next(specifier, context);
    } catch (e) {
      const found =
        plain === undefined && mayLook(parentURL) ? await ask({ op: 'resolve', specifier, parentURL, conditions }, false) : undefined;
      if (found?.url === undefined) throw e;
      return { url: found.url, format: found.format, shortCircuit: true };
    }
  }
  const answer = await ask({ op: 'resolve', specifier, parentURL, conditions }, plain !== undefined);
  const url = answer === undefined ? plain : answer.url;
  if (url === undefined) return next(specifier, context);
  return { url, format: answer?.format, shortCircuit: true };
}

/** A package of a module on the host may be in the kernel: its directory, or one above it, leads to a redirected one. */
function mayLook(parentURL: string | undefined): boolean {
  if (data === undefined || parentURL?.startsWith('file:') !== true) return false;
  return data.prefixes.some((prefix) => prefix.includes('node_modules') || parentURL.startsWith(`file://${prefix}`));
}

/** Node's hook. */
export async function load(
  url: string,
  context: LoadContext,
  next: (url: string, context: LoadContext) => Promise<{ format: string }>,
): Promise<{ format: string; source?: string | Uint8Array; shortCircuit?: boolean }> {
  if (!inKernel(url)) return next(url, context);
  const answer = await ask({ op: 'load', url, format: context.format }, false);
  if (answer?.source === undefined) return next(url, context);
  const { format = 'module', source } = answer;
  const sample = sampleOf(format, context.importAttributes);
  try {
    if (sample !== undefined) await next(sample.url, { ...context, format: sample.format });
  } catch (e) {
    throw ofModule(e, sample?.url ?? '', url);
  }
  return { format, source, shortCircuit: true };
}
