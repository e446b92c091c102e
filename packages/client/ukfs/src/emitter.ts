/** An EventEmitter where Node's is not: the few methods that FileHandles and watchers are used with. */
import type { Emitter } from './host.js';

type Listener = (...args: never[]) => void;

export class PlainEmitter implements Emitter {
  readonly #listeners = new Map<string, readonly { readonly fn: Listener; readonly once: boolean }[]>();

  #of(event: string): readonly { readonly fn: Listener; readonly once: boolean }[] {
    return this.#listeners.get(event) ?? [];
  }
  on(event: string, fn: Listener, once = false): this {
    this.#listeners.set(event, [...this.#of(event), { fn, once }]);
    return this;
  }
  once(event: string, fn: Listener): this {
    return this.on(event, fn, true);
  }
  off(event: string, fn: Listener): this {
    const list = this.#of(event);
    const index = list.findLastIndex((l) => l.fn === fn);
    this.#listeners.set(event, list.filter((_, i) => i !== index));
    return this;
  }
  addListener(event: string, fn: Listener): this {
    return this.on(event, fn);
  }
  removeListener(event: string, fn: Listener): this {
    return this.off(event, fn);
  }
  removeAllListeners(event?: string): this {
    if (event === undefined) this.#listeners.clear();
    else this.#listeners.delete(event);
    return this;
  }
  /** An 'error' that nobody listens to is thrown. */
  emit(event: string, ...args: unknown[]): boolean {
    const list = this.#of(event);
    if (list.length === 0 && event === 'error') throw args[0];
    for (const l of list) {
      if (l.once) this.off(event, l.fn);
      (l.fn as (...args: unknown[]) => void).apply(this, args);
    }
    return list.length > 0;
  }
  listenerCount(event: string): number {
    return this.#of(event).length;
  }
}
