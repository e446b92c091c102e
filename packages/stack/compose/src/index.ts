export * from './graph.js';
export * from './draw.js';
export * from './resolve.js';
export * from './stackfile.js';
export * from './weigh.js';
export * from './bundle.js';
export * from './stack.js';
