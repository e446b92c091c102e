import { expect, test } from '@jest/globals';
import { EventQueue, type SimEvent } from '../src/events.js';
import { Rng } from '../src/index.js';

const nothing = (): void => {};

test('events come by time, and at one time in the order in which they were made', () => {
  const queue = new EventQueue();
  for (const at of [5, 1, 5, 0, 1]) queue.add(at, nothing, true);
  const got = [];
  for (let event = queue.shift(); event !== undefined; event = queue.shift()) got.push([event.at, event.seq]);
  expect(got).toEqual([
    [0, 3],
    [1, 1],
    [1, 4],
    [5, 0],
    [5, 2],
  ]);
});

test.each([1, 2, 3])('whatever is added and taken out, the next one is the smallest that is left (seed %d)', (seed) => {
  const rng = new Rng(seed);
  const queue = new EventQueue();
  let model: SimEvent[] = [];
  for (let round = 0; round < 3000; round++) {
    const what = rng.below(10);
    if (what < 5) model.push(queue.add(rng.below(50), nothing, rng.below(2) === 1));
    else if (what < 8 && model.length > 0) {
      const [gone] = model.splice(rng.below(model.length), 1);
      queue.remove(gone);
      queue.remove(gone);
    } else {
      model.sort((a, b) => a.at - b.at || a.seq - b.seq);
      expect(queue.shift()).toBe(model[0]);
      model = model.slice(1);
    }
    expect([queue.length, queue.held]).toEqual([model.length, model.filter((event) => event.hold).length]);
  }
});
