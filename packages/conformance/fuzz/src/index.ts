/** Hostile input by seed, guided by coverage. */
export { Coverage } from './coverage.js';
export { type Patch, type Span, damage, patched } from './damage.js';
export { type GuidedOptions, type GuidedReport, fuzzRuns, guided } from './guided.js';
export { Random } from './random.js';
export { soon } from './soon.js';
