/** Damaged images, by seed and guided by coverage; and what is done with each of them. */
export { type DamageOptions, type DamageReport, damagedImages } from './loop.js';
export { type ExerciseOptions, exercise } from './exercise.js';
export type { Machine } from './machine.js';
