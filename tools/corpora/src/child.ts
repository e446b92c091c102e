/** A process that judges images, one after another, and may be ended in the midst of one. */
import type { Image } from './image.js';
import { type Finding, judge } from './judge.js';

/** What it is told, and what it says. */
export type Ask = Image;
export type Answer = Finding;

process.on('message', (image: Ask) => process.send?.(judge(image) satisfies Answer));
