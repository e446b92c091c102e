/** watchFile() and unwatchFile(): a name is looked at again and again, and who asked hears when its attributes have changed. */
import { EventEmitter, later } from '#host';
import { Errno, Stat } from '@anykernel/lib-sys';
import { type PathLike, toFunction, toPath, toUint32 } from './args.js';
import { type AnyStats, statsOf } from './files.js';
import { type Timer, after, cancel } from './host.js';
import { isObject } from './kinds.js';
import { type Path, pathText } from './pathnames.js';
import { type Runner, attempt } from './run.js';

export interface WatchFileOptions {
  readonly bigint?: boolean;
  /** Whether the program goes on as long as something is watched. */
  readonly persistent?: boolean;
  /** Milliseconds between two looks. */
  readonly interval?: number;
}

type Listener = (current: AnyStats, previous: AnyStats) => void;

const INTERVAL_MS = 5007;

/** What counts as a change. */
const FIELDS = [
  'ctime', 'ctimeNsec', 'mtime', 'mtimeNsec', 'birthtime', 'birthtimeNsec', 'size', 'mode', 'uid', 'gid', 'ino', 'dev', 'flags', 'gen',
] as const;

/** Emits 'change' with the new and the old Stats; those of a name that is not there are all zero. */
export class StatWatcher extends EventEmitter {
  readonly #runner: Runner;
  readonly #path: Path;
  readonly #options: WatchFileOptions;
  readonly #interval: number;
  #timer: Timer | undefined;
  #last: Stat;
  #held: boolean;
  #stopped = false;

  constructor(runner: Runner, path: Path, options: WatchFileOptions, interval: number) {
    super();
    this.#runner = runner;
    this.#path = path;
    this.#options = options;
    this.#interval = interval;
    this.#held = options.persistent !== false;
    const first = this.#look();
    this.#last = first instanceof Errno ? new Stat() : first;
    // That there is no such name is told once.
    if (first instanceof Errno) later(() => this.#tell(this.#last, this.#last));
    this.#wait();
  }

  #look(): Stat | Errno {
    return this.#runner.now(attempt('stat', [this.#path]));
  }

  #wait(): void {
    this.#timer = after(this.#interval, () => {
      if (this.#stopped) return;
      this.#compare();
      this.#wait();
    });
    if (!this.#held) this.#timer.unref?.();
  }

  #compare(): void {
    const seen = this.#look();
    const now = seen instanceof Errno ? new Stat() : seen;
    const was = this.#last;
    if (FIELDS.every((f) => now[f] === was[f])) return;
    this.#last = now;
    this.#tell(now, was);
  }

  #tell(now: Stat, was: Stat): void {
    if (!this.#stopped) this.emit('change', statsOf(now, this.#options), statsOf(was, this.#options));
  }

  /** Looks no more; 'stop' follows. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    cancel(this.#timer);
    later(() => this.emit('stop'));
  }

  ref(): this {
    this.#held = true;
    this.#timer?.ref?.();
    return this;
  }

  unref(): this {
    this.#held = false;
    this.#timer?.unref?.();
    return this;
  }
}

/** The names that an `fs` looks at. */
export class StatWatchers {
  readonly #runner: Runner;
  readonly #watchers = new Map<string, StatWatcher>();

  constructor(runner: Runner) {
    this.#runner = runner;
  }

  /** watchFile(filename, listener), watchFile(filename, options, listener). */
  watch(filename: PathLike, options: unknown, listener?: unknown): StatWatcher {
    const path = toPath(filename);
    const [o, fn] = isObject(options) ? [options as WatchFileOptions, listener] : [{}, options];
    const told = toFunction(fn, 'listener');
    const interval = o.interval === undefined ? INTERVAL_MS : toUint32(o.interval, 'interval');
    const key = pathText(path);
    let watcher = this.#watchers.get(key);
    if (watcher === undefined) {
      watcher = new StatWatcher(this.#runner, path, o, interval);
      this.#watchers.set(key, watcher);
    }
    watcher.addListener('change', told as never);
    return watcher;
  }

  /** One listener less, or none at all any more. */
  unwatch(filename: PathLike, listener?: unknown): void {
    const key = pathText(toPath(filename));
    const watcher = this.#watchers.get(key);
    if (watcher === undefined) return;
    if (typeof listener === 'function') watcher.removeListener('change', listener as Listener as never);
    else watcher.removeAllListeners('change');
    if (watcher.listenerCount('change') > 0) return;
    watcher.stop();
    this.#watchers.delete(key);
  }
}
