/**
 * Frames of real traffic, changed and put together anew, to a machine that is in the middle of everything; guided by coverage of the whole network. Nothing leaves the
 * stack, memory is bounded, and in the end nothing is left.
 */
import { expect, test } from '@jest/globals';
import { guided, soon } from '@anykernel/conformance-fuzz';
import { call } from './hostile/calls.js';
import { type Story, change, corpus, play, stories } from './hostile/frames.js';
import { Machine } from './hostile/machine.js';

/** For the failure of a story: its steps, to be repeated by hand. */
function told(story: Story): string {
  return story.map((step) => (step.kind === 'frame' ? `${step.unit} ${step.aim} ${step.fix} ${Buffer.from(step.bytes).toString('hex')}` : JSON.stringify(step))).join('\n');
}

test('the corpus has what everyday programs send', () => {
  const frames = corpus();
  const types = new Set(frames.map((b) => (b[12]! << 8) | b[13]!));
  expect([frames.length > 100, types.has(0x0800), types.has(0x86dd), types.has(0x0806)]).toEqual([true, true, true, true]);
});

test('changed sequences of real frames do no harm', () => {
  const report = guided<Story>({
    name: 'frames',
    seeds: stories(corpus()),
    sources: '/packages/net/',
    change,
    run(story, seed) {
      const m = new Machine(seed).populate();
      soon(20_000, () => {
        play(m, story, call);
        m.settle();
      });
      return true;
    },
    failed: told,
    runs: 60,
  });
  expect(report.kept).toBeGreaterThan(5);
}, 600_000);
