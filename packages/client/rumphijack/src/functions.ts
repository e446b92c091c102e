/** Functions that are put in the place of others, and taken back. */
import { promisify } from 'node:util';

/** A function of `node:fs`, seen as what it is for a router: something with arguments. */
export type Fn = (this: unknown, ...args: unknown[]) => unknown;

export type Table = Record<PropertyKey, unknown>;

/** What was put where, so that all of it can be put back. */
export class Replacements {
  readonly #undo: (() => void)[] = [];

  /** Puts `value` in the place of a property. */
  set(of: object, name: PropertyKey, value: unknown): void {
    const before = Object.getOwnPropertyDescriptor(of, name);
    const { enumerable = true, configurable = true } = before ?? {};
    Object.defineProperty(of, name, { value, enumerable, configurable, writable: true });
    this.onUndo(() => (before === undefined ? delete (of as Table)[name] : Object.defineProperty(of, name, before)));
  }

  onUndo(undo: () => void): void {
    this.#undo.push(undo);
  }

  /** The last first. */
  undo(): void {
    for (let fn = this.#undo.pop(); fn !== undefined; fn = this.#undo.pop()) fn();
  }
}

/** `made` looks like `host`: its name, length, and what Node keeps on it (util.promisify's arguments). */
export function dressed(made: Fn, host: Fn): Fn {
  for (const key of Reflect.ownKeys(host)) {
    const own = Object.getOwnPropertyDescriptor(made, key);
    if (key === promisify.custom || own?.configurable === false) continue;
    Object.defineProperty(made, key, Object.getOwnPropertyDescriptor(host, key) as PropertyDescriptor);
  }
  return made;
}
