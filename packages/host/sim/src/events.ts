/**
 * What will happen: a heap of events, by time, and at one time in the order in which they were made.
 */
export interface SimEvent {
  readonly at: number;
  readonly seq: number;
  fn: () => void;
  /** Without one of these left, a simulation is idle. */
  hold: boolean;
  /** Where it lies in the heap; -1: it has happened or was taken out. */
  index: number;
}

export class EventQueue {
  readonly #heap: SimEvent[] = [];
  #seq = 0;
  #held = 0;

  get length(): number {
    return this.#heap.length;
  }

  /** How many of them hold. */
  get held(): number {
    return this.#held;
  }

  /** The next one, which stays. */
  peek(): SimEvent | undefined {
    return this.#heap[0];
  }

  add(at: number, fn: () => void, hold: boolean): SimEvent {
    const event: SimEvent = { at, seq: this.#seq++, fn, hold, index: this.#heap.length };
    this.#heap.push(event);
    if (hold) this.#held++;
    this.#up(event.index);
    return event;
  }

  /** Takes an event out; one that has happened is no matter. */
  remove(event: SimEvent): void {
    const { index } = event;
    if (index === -1) return;
    event.index = -1;
    if (event.hold) this.#held--;
    const last = this.#heap.pop() as SimEvent;
    if (last === event) return;
    this.#put(last, index);
    this.#up(index);
    this.#down(last.index);
  }

  /** Takes the next one out. */
  shift(): SimEvent | undefined {
    const event = this.#heap[0];
    if (event !== undefined) this.remove(event);
    return event;
  }

  #put(event: SimEvent, index: number): void {
    this.#heap[index] = event;
    event.index = index;
  }

  #up(index: number): void {
    const event = this.#heap[index];
    while (index > 0) {
      const above = (index - 1) >> 1;
      if (!before(event, this.#heap[above])) break;
      this.#put(this.#heap[above], index);
      index = above;
    }
    this.#put(event, index);
  }

  #down(index: number): void {
    const heap = this.#heap;
    const event = heap[index];
    for (;;) {
      let below = 2 * index + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && before(heap[below + 1], heap[below])) below++;
      if (!before(heap[below], event)) break;
      this.#put(heap[below], index);
      index = below;
    }
    this.#put(event, index);
  }
}

function before(a: SimEvent, b: SimEvent): boolean {
  return a.at < b.at || (a.at === b.at && a.seq < b.seq);
}
