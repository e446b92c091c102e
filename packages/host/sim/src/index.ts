/**
 * A world in which nothing happens by chance: virtual time, one seed, RAM disks that fail when they are told to.
 */
export { type FileOptions, type RunOptions, Sim, type SimOptions, hostSim } from './sim.js';
export { SimHost, type SimHostOptions } from './host.js';
export { SimDisk, type DiskOptions } from './disk.js';
export type { CutOptions } from './cut.js';
export type { FaultOp, FaultPlan, FaultSpec } from './faults.js';
export { DiskImage } from './image.js';
export type { JournalWrite, Recording } from './journal.js';
export { Rng, deriveSeed } from './rng.js';
