/** Packet formats: parse and emit, and the Internet checksum. Pure functions, no state. */

export * from './arp.js';
export * from './checksum.js';
export * from './ether.js';
export * from './icmp.js';
export * from './ipv4.js';
export * from './ipv6.js';
export * from './ip6ext.js';
export * from './icmp6.js';
export * from './nd.js';
export * from './mld.js';
export * from './tcp.js';
export * from './tcpopt.js';
export * from './igmp.js';
export * from './udp.js';
export * from './pcapng.js';
