export * from './component.js';
export * from './closure.js';
