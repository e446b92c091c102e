/**
 * Disk images in a page: a kernel in the page itself, on bytes and on a Blob, and one in a Worker, on a file that the browser keeps.
 *
 * Each of these is a way to have files; page.ts does them all.
 */
export { filesInMemory } from './memory.js';
export { type ImageFiles, filesOnBytes } from './bytes.js';
export { type BlobFiles, filesOnBlob } from './blob.js';
export { type Counted, countStarts } from './kept.js';
