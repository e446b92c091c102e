/**
 * The event loop of a page or Worker: timers, and what runs at its next turn.
 *
 * What is due goes by a MessageChannel: a timer of zero milliseconds waits for four on most platforms, and a microtask would not give the event loop
 * its turn. The channel is there only while something waits for it, so that a host which nobody uses is garbage.
 */
import type { Timer, Timers } from '@anykernel/lib-hostkit';

interface Task extends Timer {
  fn: (() => void) | undefined;
  held: boolean;
}

/** What is used of a MessageChannel. */
interface Channel {
  readonly port1: { onmessage: (() => void) | null; close(): void };
  readonly port2: { postMessage(message: undefined): void };
}

/** Ports and timers of Node, which keep its program alive unless they are told not to. */
interface Holder {
  ref?(): unknown;
  unref?(): unknown;
}

export class EventLoop implements Timers {
  readonly #start = performance.now();
  readonly #tasks: Task[] = [];
  #channel: Channel | undefined;

  /** Nanoseconds since this was made, whole: as fine as the platform's clock. */
  mono(): number {
    return Math.round((performance.now() - this.#start) * 1e6);
  }

  soon(fn: () => void): Timer {
    const task: Task = {
      fn,
      held: true,
      cancel: () => {
        task.fn = undefined;
        task.hold(false);
      },
      hold: (on) => {
        task.held = on;
        this.#hold();
      },
    };
    this.#tasks.push(task);
    this.#channel ??= this.#open();
    this.#channel.port2.postMessage(undefined);
    this.#hold();
    return task;
  }

  after(ms: number, fn: () => void): Timer {
    const timeout = setTimeout(fn, ms);
    return { cancel: () => clearTimeout(timeout), hold: (on) => holder(timeout, on) };
  }

  /** One task a message, so that one that fails does not take the others with it. */
  #open(): Channel {
    const channel = new MessageChannel() as unknown as Channel;
    channel.port1.onmessage = () => {
      const task = this.#tasks.shift();
      if (this.#tasks.length === 0) {
        channel.port1.close();
        this.#channel = undefined;
      } else this.#hold();
      task?.fn?.();
    };
    return channel;
  }

  #hold(): void {
    if (this.#channel !== undefined)
      holder(
        this.#channel.port1,
        this.#tasks.some((task) => task.held),
      );
  }
}

function holder(of: unknown, on: boolean): void {
  const { ref, unref } = of as Holder;
  (on ? ref : unref)?.call(of);
}
