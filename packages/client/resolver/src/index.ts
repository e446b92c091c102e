/** Addresses of names, for programs on a kernel. */
export { type Config, parseConfig, parseHosts } from './config.js';
export { type Lookup, type LookupAddress, type LookupError, type LookupOptions, lookupError } from './lookup.js';
export { type ResolverOptions, resolver } from './resolver.js';
