/** EventEmitter: Node's own where there is one, else the few methods that FileHandles and watchers are used with. */
import { type Emitter, type EmitterClass, NodeEmitter } from './host.js';

type Listener = (...args: never[]) => void;

class PlainEmitter implements Emitter {
  readonly #listeners = new Map<string, { readonly fn: Listener; readonly once: boolean }[]>();

  #add(event: string, fn: Listener, once: boolean): this {
    this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), { fn, once }]);
    return this;
  }
  on(event: string, listener: Listener): this {
    return this.#add(event, listener, false);
  }
  addListener(event: string, listener: Listener): this {
    return this.#add(event, listener, false);
  }
  once(event: string, listener: Listener): this {
    return this.#add(event, listener, true);
  }
  off(event: string, listener: Listener): this {
    const list = [...(this.#listeners.get(event) ?? [])];
    const index = list.findLastIndex((l) => l.fn === listener);
    if (index >= 0) list.splice(index, 1);
    this.#listeners.set(event, list);
    return this;
  }
  removeListener(event: string, listener: Listener): this {
    return this.off(event, listener);
  }
  removeAllListeners(event?: string): this {
    if (event === undefined) this.#listeners.clear();
    else this.#listeners.delete(event);
    return this;
  }
  /** An 'error' that nobody listens to is thrown. */
  emit(event: string, ...args: unknown[]): boolean {
    const list = this.#listeners.get(event) ?? [];
    if (list.length === 0 && event === 'error') throw args[0];
    for (const l of list) {
      if (l.once) this.off(event, l.fn);
      (l.fn as (...args: unknown[]) => void).apply(this, args);
    }
    return list.length > 0;
  }
  listenerCount(event: string): number {
    return this.#listeners.get(event)?.length ?? 0;
  }
}

export const EventEmitter: EmitterClass = NodeEmitter ?? PlainEmitter;
