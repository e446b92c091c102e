/** A queue: first in, first out, in constant time (Array.shift moves what is behind). */

/** Taken items at the front before the array is cut. */
const SLACK = 1024;

export class Fifo<T> {
  #items: (T | undefined)[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  /** The oldest item, taken out; undefined when there is none. */
  shift(): T | undefined {
    const items = this.#items;
    if (this.#head === items.length) return undefined;
    const item = items[this.#head];
    items[this.#head++] = undefined;
    if (this.#head === items.length) {
      items.length = 0;
      this.#head = 0;
    } else if (this.#head >= SLACK && this.#head * 2 >= items.length) {
      this.#items = items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  /** All of them, oldest first. */
  list(): T[] {
    return this.#items.slice(this.#head) as T[];
  }

  clear(): void {
    this.#items.length = 0;
    this.#head = 0;
  }
}
