/** For file systems on disks: a simulated machine with one disk, random work against a model, power cuts, slow disks and failing ones. */
export * from './folder.js';
export * from './listing.js';
export * from './little.js';
export * from './model.js';
export * from './powercut.js';
export * from './slowdisk.js';
export * from './workload.js';
export * from './world.js';
