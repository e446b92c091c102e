/** A queue: first in, first out, in constant time (Array.shift moves what is behind). */

/** Taken items at the front before the array is cut. */
const SLACK = 1024;

export class Fifo<T> {
  #items: (T | undefined)[] = [];
  #head = 0;
  /** Behind the newest item. The array keeps its room when it empties. */
  #tail = 0;

  get length(): number {
    return this.#tail - this.#head;
  }

  push(item: T): void {
    this.#items[this.#tail++] = item;
  }

  /** The oldest item, taken out; undefined when there is none. */
  shift(): T | undefined {
    const head = this.#head;
    if (head === this.#tail) return undefined;
    const items = this.#items;
    const item = items[head];
    items[head] = undefined;
    this.#head = head + 1;
    if (this.#head >= SLACK && this.#head * 2 >= this.#tail) this.#cut();
    else if (this.#head === this.#tail) this.#head = this.#tail = 0;
    return item;
  }

  /** All of them, oldest first. */
  list(): T[] {
    return this.#items.slice(this.#head, this.#tail) as T[];
  }

  clear(): void {
    this.#items = [];
    this.#head = this.#tail = 0;
  }

  #cut(): void {
    this.#items = this.#items.slice(this.#head, this.#tail);
    this.#tail -= this.#head;
    this.#head = 0;
  }
}
