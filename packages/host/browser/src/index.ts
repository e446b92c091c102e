/**
 * A page or a Worker as the world around a kernel: `boot(hostBrowser(), [...])`. It names nothing but what every such place has.
 */
export { type HostBrowser, type HostBrowserOptions, hostBrowser } from './host.js';
export { type Half, type MemoryFile, type MemoryFileOptions, halfOf, memoryFile } from '@anykernel/lib-hostkit';
export { type AccessFile, type AccessFileOptions, type SyncAccessHandle, accessFile } from './access-file.js';
export type { BlobLike } from './blob-file.js';
export type { InputSource } from './console.js';
export type { Opener, Provided } from './files.js';
