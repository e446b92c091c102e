/** Other people's disk images, as tests use them. */
export { type Image, imagesIn, undump, uudecode } from './image.js';
export type { Finding } from './judge.js';
export { type Point, differences } from './known.js';
export { judgeAll } from './run.js';
export { table } from './table.js';
