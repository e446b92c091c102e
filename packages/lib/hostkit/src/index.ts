/**
 * What hosts have in common: files in memory, open files over what moves at once, alarms on a platform's timers, memory that is used again,
 * halves of drivers. It names no platform.
 */
export { Alarms, type Timer, type Timers } from './alarms.js';
export { BELL_LEN, type BusEnd, type BusWatch, MEMORY_BUS_LEN, MemoryBus, MemoryBuses } from './buses.js';
export { type Half, type HalfName, findHalf, halfOf } from './half.js';
export { MemoryFile, type MemoryFileOptions, memoryFile } from './memory-file.js';
export { type FileMode, OpenFile, type Store } from './open-file.js';
export { SlabPool, allocate } from './slab-pool.js';
