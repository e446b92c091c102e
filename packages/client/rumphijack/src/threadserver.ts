/**
 * Import hooks for a Node that runs them on a thread of its own: this side, with the files, answers what that thread (thread.ts) asks.
 *
 * Such a Node can require ES modules only from the host, and takes no source for a CommonJS module that is to see the ordinary `require`: those
 * are loaded by a small ES module that requires them.
 */
import { readFileSync } from 'node:fs';
import { init, parse } from 'cjs-module-lexer';
import { createRequire, register } from 'node:module';
import { pathToFileURL } from 'node:url';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { ModuleLoader } from './modules.js';
import { pathOf } from './resolve.js';
import type { Answer, Question, ThreadData } from './thread.js';

/** How the sources that are made here find this side: a property of the global object. */
const SELF = Symbol.for('anykernel.rumphijack');
const SELF_SOURCE = `globalThis[Symbol.for('anykernel.rumphijack')]`;

interface Self {
  /** Loads a CommonJS module. */
  load(path: string, isMain: boolean): unknown;
  /** import.meta.resolve of a module. */
  resolve(parent: string): (specifier: string) => string;
}

/** Registers the hooks; the result takes the server away again. */
export function registerThread(loader: ModuleLoader, load: Self['load']): () => void {
  const { port1, port2 } = new MessageChannel();
  const heard = new Int32Array(new SharedArrayBuffer(4));
  const server = new ThreadServer(loader, port1, heard);
  const self: Self = { load, resolve: (parent) => (specifier) => importMetaResolve(loader, specifier, parent) };
  Object.defineProperty(globalThis, SELF, { value: self, configurable: true });
  void init();
  port1.on('message', (question: Question) => server.answer(question));
  port1.unref();
  const suffix = import.meta.url.endsWith('.ts') ? 'ts' : import.meta.url.endsWith('.mjs') ? 'mjs' : 'js';
  const prefixes = loader.routes.prefixes;
  const data: ThreadData = { port: port2, heard, prefixes };
  register(`./thread.${suffix}`, import.meta.url, { data, transferList: [port2] });
  return () => {
    delete (globalThis as Record<symbol, unknown>)[SELF];
    port1.close();
  };
}

function importMetaResolve(loader: ModuleLoader, specifier: string, parent: string): string {
  const conditions = ['node', 'import', 'module-sync', 'node-addons'];
  return loader.resolveImport(specifier, parent, conditions).url;
}

class ThreadServer {
  /** The module that the program is. */
  #entry: string | undefined;

  constructor(
    readonly loader: ModuleLoader,
    readonly port: MessagePort,
    readonly heard: Int32Array,
  ) {}

  answer(question: Question): void {
    Atomics.store(this.heard, 0, question.id);
    let answer: Answer;
    try {
      answer = { id: question.id, ...(question.op === 'resolve' ? this.#resolve(question) : this.#load(question)) };
    } catch (e) {
      const { message, code, url } = e as Error & { code?: string; url?: string };
      answer = { id: question.id, error: { message, code, url } };
    }
    this.port.postMessage(answer);
  }

  #resolve({ specifier, parentURL, conditions }: Question & { op: 'resolve' }): Omit<Answer, 'id'> {
    const { loader } = this;
    if (!loader.concerns(specifier, parentURL) && !(parentURL !== undefined && loader.looksIn(parentURL))) return {};
    const { url, format } = loader.resolveImport(specifier, parentURL, conditions);
    if (parentURL === undefined) this.#entry ??= url;
    return { url, format };
  }

  #load({ url, format }: Question & { op: 'load' }): Omit<Answer, 'id'> {
    const { loader } = this;
    if (!loader.hasUrl(url)) return {};
    const loaded = loader.load(url, format);
    if (loaded.format === 'commonjs') return { format: 'module', source: this.#facade(pathOf(url), url === this.#entry) };
    const source = loaded.format === 'module' ? withResolve(loaded.source as string) : loaded.source;
    return { format: loaded.format, source };
  }

  /** An ES module with the exports of a CommonJS one. */
  #facade(path: string, isMain: boolean): string {
    const names = [...exportNames(this.loader, path, new Set())].filter((name) => name !== 'default');
    const lines = names.map((name, i) => `const $${i} = $m?.[${JSON.stringify(name)}];\nexport { $${i} as ${JSON.stringify(name)} };`);
    return [`const $m = ${SELF_SOURCE}.load(${JSON.stringify(path)}, ${isMain});`, 'export default $m;', ...lines].join('\n');
  }
}

/** The names that a CommonJS module exports, as far as its text tells. */
function exportNames(loader: ModuleLoader, path: string, seen: Set<string>): Set<string> {
  const names = new Set<string>();
  if (seen.has(path)) return names;
  seen.add(path);
  try {
    const { exports, reexports } = parse(readFileSync(path, 'utf8'));
    for (const name of exports) names.add(name);
    for (const request of reexports) {
      const to = createRequire(pathToFileURL(path)).resolve(request);
      if (to.endsWith('.js') || to.endsWith('.cjs')) for (const name of exportNames(loader, to, seen)) names.add(name);
    }
  } catch {
    // What cannot be read or parsed has no names; running it says why.
  }
  return names;
}

/** import.meta.resolve would ask the hooks' thread while this one waits for it. */
function withResolve(source: string): string {
  if (!source.includes('import.meta.resolve')) return source;
  const [, shebang = '', rest = ''] = /^(#!.*\n)?(.*)$/s.exec(source) ?? [];
  return `${shebang}import.meta.resolve = ${SELF_SOURCE}.resolve(import.meta.url);${rest}`;
}
