/**
 * Node as the world around a kernel: `boot(hostNode(), [...])`.
 */
export { type HostNode, type HostNodeOptions, hostNode } from './host.js';
export { type MemoryFile, type MemoryFileOptions, memoryFile } from './memory-file.js';
export { type Half, halfOf } from './half.js';
export type { Provided } from './files.js';
export type { ConsoleOutput } from './console.js';
