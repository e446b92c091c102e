/**
 * node:net and node:dgram on a rump kernel.
 */
export type { Lookup, LookupAddress, LookupOptions } from '@anykernel/resolver';
export type { AddressInfo } from './address.js';
export type { ConnectOptions, ListenOptions } from './args.js';
export { DgramSocket, type Dgram, type DgramOptions } from './dgram.js';
export { Server, type ServerOptions } from './server.js';
export { Socket, type SocketOptions } from './socket.js';
export { type Uknet, type UknetOptions, uknet } from './uknet.js';
