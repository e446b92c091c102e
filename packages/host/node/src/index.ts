/**
 * Node as the world around a kernel: `boot(hostNode(), [...])`.
 */
export { type BareHostNodeOptions, bareHostNode } from './bare.js';
export { type HostNode, type HostNodeOptions, hostNode } from './host.js';
export { type Half, type MemoryFile, type MemoryFileOptions, halfOf, memoryFile } from '@anykernel/lib-hostkit';
export { joinBus, refBus, shareBus, unrefBus } from './buses.js';
export { refTap, unrefTap } from './tap.js';
export type { Opener, Provided } from './files.js';
export type { ConsoleOutput } from './output.js';
