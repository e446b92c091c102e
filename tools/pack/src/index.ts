export { type Block, blocksOf, runBlocks } from './blocks.js';
export { asStranger, examplesAmong, tryExample } from './examples.js';
export { contents, lint } from './lint.js';
export { install, runProgram, type Weight, weigh } from './project.js';
export { type Check, count, lines, type Size, table } from './report.js';
export { type InstallSet, SETS } from './sets.js';
export { closure, packAll, readTarball, type Tarball } from './tarballs.js';
