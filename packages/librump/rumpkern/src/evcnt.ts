/** Event counters: who has something to count attaches a counter by group and name, and adds to its `n`. */

export type EvcntType = 'misc' | 'intr' | 'trap';

export interface Evcnt {
  readonly group: string;
  readonly name: string;
  readonly type: EvcntType;
  n: number;
}

export class Evcnts {
  #list: Evcnt[] = [];

  /** A new counter, at zero. */
  attach(group: string, name: string, type: EvcntType = 'misc'): Evcnt {
    const counter: Evcnt = { group, name, type, n: 0 };
    this.#list.push(counter);
    return counter;
  }

  detach(counter: Evcnt): void {
    this.#list = this.#list.filter((c) => c !== counter);
  }

  list(): readonly Evcnt[] {
    return this.#list;
  }

  /** As `vmstat -e` prints it: a line for each counter that is not zero. */
  dump(): string {
    const lines = this.#list.filter((c) => c.n !== 0).map((c) => `${`${c.group} ${c.name}`.padEnd(48)} ${String(c.n).padStart(12)} ${c.type}`);
    return lines.map((line) => `${line}\n`).join('');
  }
}
