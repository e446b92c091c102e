/** Stacks as data: resolved, drawn, explained, weighed, bundled. */
export * from './graph.js';
export * from './draw.js';
export * from './resolve.js';
export * from './stackfile.js';
export * from './weigh.js';
export * from './bundle.js';
export * from './stack.js';
export type { Runtime } from './runtime.js';
export type { start as startOnNode } from './runtime-node.js';
export type { start as startInWorker } from './runtime-worker.js';
