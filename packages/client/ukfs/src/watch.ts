/**
 * watch(): what happens to a file, or in a directory, as Node tells it on Linux: 'change' and 'rename', with the name that it happened to.
 *
 * The kernel says which names of a directory were made or taken away; then it is compared with how it was. The files in it are watched too, each by a
 * descriptor, so that it is told whose contents have changed.
 */
import { EventEmitter, codeOf, later } from '#host';
import { fromBytestr } from '@anykernel/lib-bytes';
import { DT_DIR, DT_REG, ERR, EntryNames, Errno, NOTE_ATTRIB, NOTE_DELETE, NOTE_EXTEND, NOTE_LINK, NOTE_RENAME, NOTE_REVOKE, NOTE_WRITE } from '@anykernel/lib-sys';
import { type PathLike, checkAborted, toBool, toFunction, toObject, toPath, toSignal } from './args.js';
import { encodingOf, nameOut } from './bytes.js';
import { invalidArgValue, systemError } from './errors.js';
import { type Ignored, ignoring } from './ignore.js';
import { type Signal, type Timer, cancel, holder } from './host.js';
import { isNone } from './kinds.js';
import type { Knotes } from './knotes.js';
import { type Path, bytePath, join, kernelPath, pathText } from './pathnames.js';
import type { Op, Runner } from './run.js';
import { entriesOf } from './tree.js';

export interface WatchOptions {
  readonly encoding?: string | null;
  /** Whether the program goes on as long as something is watched. */
  readonly persistent?: boolean;
  readonly recursive?: boolean;
  readonly signal?: Signal;
  /** What is not told of. */
  readonly ignore?: Ignored | readonly Ignored[] | null;
  /** false: of what is not there nothing is told, and that is no error. */
  readonly throwIfNoEntry?: boolean;
}

export type WatchEvent = 'rename' | 'change';
type Tell = (event: WatchEvent, name: string) => void;

const CONTENTS = NOTE_WRITE | NOTE_EXTEND | NOTE_ATTRIB | NOTE_LINK;
const GONE = NOTE_DELETE | NOTE_RENAME | NOTE_REVOKE;

interface Entry {
  readonly ino: number;
  readonly type: number;
  /** Of the knote on it; -1: none. */
  fd: number;
  /** What is watched below it. */
  readonly below: Subject | undefined;
}

/** A file that is watched; of a directory what is in it, too. */
class Subject {
  #fd = -1;
  readonly #entries = new Map<string, Entry>();
  /** To which names something has happened. */
  readonly #names = new EntryNames();

  constructor(
    readonly tree: Tree,
    readonly path: string,
    readonly isDirectory: boolean,
    /** Before the names of its entries: '' or `dir/`. */
    readonly prefix: string,
  ) {}

  *start(): Op<Errno | undefined> {
    const fd = yield* this.tree.knotes.add(kernelPath(this.path), (notes) => this.#told(notes), this.#names);
    if (fd instanceof Errno) return fd;
    this.#fd = fd;
    if (this.isDirectory) yield* this.#compare(undefined);
    return undefined;
  }

  stop(): void {
    if (this.#fd >= 0) this.tree.knotes.drop(this.#fd);
    this.#fd = -1;
    for (const e of this.#entries.values()) this.#forget(e);
    this.#entries.clear();
  }

  #forget(e: Entry): void {
    if (e.fd >= 0) this.tree.knotes.drop(e.fd);
    e.fd = -1;
    e.below?.stop();
  }

  #told(notes: number): void {
    if (this.#fd < 0) return;
    if (this.isDirectory && (notes & NOTE_WRITE) !== 0) this.#changed();
    if (this.prefix !== '') return;
    const name = this.path.replace(/\/+$/, '').replace(/^.*\//, '');
    if ((notes & (this.isDirectory ? NOTE_ATTRIB : CONTENTS)) !== 0) this.tree.tell('change', name);
    if ((notes & GONE) !== 0) this.tree.tell('rename', name);
  }

  /** Each name is told as often as something happened to it; what nobody named is found by comparing. */
  #changed(): void {
    const names = this.#names.take();
    for (const name of names) if (this.#fd >= 0) this.tree.tell('rename', this.prefix + name);
    if (this.#fd >= 0) this.tree.runner.now(this.#compare(new Set(names)));
  }

  /** What is new, gone, or another file under an old name. `told`: those that have been told of; undefined: nothing is told. */
  *#compare(told: ReadonlySet<string> | undefined): Op<void> {
    let now: Map<string, { readonly ino: number; readonly type: number }>;
    try {
      now = new Map((yield* entriesOf(kernelPath(this.path))).map((e) => [e.name, e]));
    } catch {
      now = new Map();
    }
    for (const [name, was] of [...this.#entries]) {
      if (now.get(name)?.ino === was.ino) continue;
      this.#forget(was);
      this.#entries.delete(name);
      if (told?.has(name) === false) this.tree.tell('rename', this.prefix + name);
    }
    for (const [name, is] of now) {
      if (this.#entries.has(name)) continue;
      yield* this.#enter(name, is.ino, is.type, told);
    }
  }

  *#enter(name: string, ino: number, type: number, told: ReadonlySet<string> | undefined): Op<void> {
    const path = join(this.path, name);
    const within = this.prefix + name;
    const below = this.tree.recursive && type === DT_DIR ? new Subject(this.tree, path, true, `${within}/`) : undefined;
    const entry: Entry = { ino, type, fd: -1, below };
    this.#entries.set(name, entry);
    if (told?.has(name) === false) this.tree.tell('rename', within);
    if (type === DT_REG || (type === DT_DIR && below === undefined)) {
      const fd = yield* this.tree.knotes.add(kernelPath(path), (notes) => {
        const matters = type === DT_DIR ? NOTE_ATTRIB : CONTENTS;
        if ((notes & matters) !== 0 && (notes & NOTE_DELETE) === 0) this.tree.tell('change', within);
      });
      // What may not be read is not watched.
      if (!(fd instanceof Errno)) entry.fd = fd;
    }
    if (below === undefined) return;
    yield* below.start();
    if (told !== undefined) below.announce();
  }

  /** A whole tree has come at once. */
  announce(): void {
    for (const [name, e] of this.#entries) {
      this.tree.tell('rename', this.prefix + name);
      e.below?.announce();
    }
  }
}

interface Tree {
  readonly runner: Runner;
  readonly knotes: Knotes;
  readonly recursive: boolean;
  readonly tell: Tell;
}

interface Watching {
  readonly recursive: boolean;
  readonly persistent: boolean;
  readonly encoding: unknown;
  readonly signal: Signal | undefined;
  readonly ignore: unknown;
  readonly throwIfNoEntry: boolean;
}

/** `strict`: as the promise form checks them. */
function optionsOf(options: unknown, strict: boolean): Watching {
  const o = typeof options === 'string' ? { encoding: options } : isNone(options) ? {} : toObject(options);
  encodingOf(o['encoding'] === undefined ? undefined : { encoding: o['encoding'] });
  const persistent = strict ? toBool(o['persistent'], 'persistent', true) : (o['persistent'] ?? true) !== false;
  return {
    recursive: toBool(o['recursive'], 'recursive'),
    persistent,
    encoding: o['encoding'],
    signal: toSignal(o['signal']),
    ignore: o['ignore'],
    throwIfNoEntry: toBool(o['throwIfNoEntry'], 'throwIfNoEntry', true),
  };
}

/** What is watched, until stop(). Errors are Node's: ENOENT, EACCES. */
function* watching(tree: Tree, filename: PathLike, isDemanded: boolean): Op<Subject> {
  const p = toPath(filename, 'filename');
  const subject = new Subject(tree, bytePath(p), yield* isDir(p), '');
  const e = yield* subject.start();
  if (!(e instanceof Errno) || (!isDemanded && e === ERR.ENOENT)) return subject;
  throw Object.assign(systemError(e, 'watch', p), { filename: typeof filename === 'string' ? filename : pathText(p) });
}

function* isDir(p: Path): Op<boolean> {
  try {
    yield* entriesOf(p);
    return true;
  } catch {
    return false;
  }
}

/** Emits 'change' (with what happened and the name), 'close' and 'error'. */
export class FSWatcher extends EventEmitter {
  #watching: { stop(): void } | undefined;
  #hold: Timer | undefined;
  readonly #stopListening: () => void = () => undefined;
  /** Some programs reach for what Node has there: an error or an event of libuv's, and the end. */
  readonly _handle: { close(): void; onchange(status: number, event: string, name: string): void };

  constructor(runner: Runner, knotes: Knotes, filename: PathLike, options: unknown, listener: unknown) {
    super();
    const o = optionsOf(options, false);
    this._handle = {
      close: () => this.close(),
      onchange: (status, event, name) => {
        if (status >= 0) this.emit('change', event, name);
        else this.#failed(status, name);
      },
    };
    if (listener !== undefined) this.on('change', toFunction(listener, 'listener') as never);
    const isIgnored = ignoring(o.ignore);
    const tell: Tell = (event, name) => {
      if (this.#watching !== undefined && !isIgnored(fromBytestr(name))) this.emit('change', event, nameOut(name, o.encoding));
    };
    this.#watching = runner.now(watching({ runner, knotes, recursive: o.recursive, tell }, filename, o.throwIfNoEntry));
    if (o.persistent) this.#hold = holder();
    const { signal } = o;
    if (signal === undefined) return;
    const close = (): void => this.close();
    if (signal.aborted) later(close);
    else signal.addEventListener('abort', close, { once: true });
    this.#stopListening = () => signal.removeEventListener('abort', close);
  }

  #failed(status: number, name: string): void {
    const error = Object.assign(systemError({ code: codeOf(status) }, 'watch', name), { filename: name });
    this.close();
    this.emit('error', error);
  }

  /** Watches no more; 'close' follows. */
  close(): void {
    if (this.#watching === undefined) return;
    this.#watching.stop();
    this.#watching = undefined;
    this.#stopListening();
    cancel(this.#hold);
    later(() => this.emit('close'));
  }

  ref(): this {
    this.#hold?.ref?.();
    return this;
  }

  unref(): this {
    this.#hold?.unref?.();
    return this;
  }
}

/** Events that an iterator keeps for a reader who is slow. */
const KEPT = 2048;

/** The same as an asynchronous iterator, until `signal` ends it with AbortError. */
export async function* watched(
  runner: Runner,
  knotes: Knotes,
  filename: PathLike,
  options?: WatchOptions & { readonly maxQueue?: number; readonly overflow?: 'ignore' | 'throw' },
): AsyncGenerator<{ eventType: WatchEvent; filename: string | Uint8Array }, void, undefined> {
  toPath(filename);
  const o = optionsOf(options, true);
  if (options?.maxQueue !== undefined && !(options.maxQueue > 0)) throw invalidArgValue('options.maxQueue', options.maxQueue);
  const { signal } = o;
  checkAborted(signal);
  const queue: { eventType: WatchEvent; filename: string | Uint8Array }[] = [];
  let wake = (): void => undefined;
  const watcher = new FSWatcher(runner, knotes, filename, { ...o, signal: undefined }, (eventType: WatchEvent, name: string | Uint8Array) => {
    if (queue.length < (options?.maxQueue ?? KEPT)) queue.push({ eventType, filename: name });
    wake();
  });
  const abort = (): void => wake();
  signal?.addEventListener('abort', abort, { once: true });
  try {
    for (;;) {
      checkAborted(signal);
      const next = queue.shift();
      if (next !== undefined) yield next;
      else
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    }
  } finally {
    watcher.close();
    signal?.removeEventListener('abort', abort);
  }
}
