/**
 * The system call interface as data and types: numbers, records and tables. It does nothing.
 */
export * from './errno.js';
export * from './libuv.js';
export * from './fcntl.js';
export * from './stat.js';
export * from './dirent.js';
export * from './mount.js';
export * from './statvfs.js';
export * from './poll.js';
export * from './event.js';
export * from './resource.js';
export * from './signal.js';
export * from './unistd.js';
export * from './limits.js';
export * from './time.js';
export * from './reboot.js';
export * from './sysctl.js';
export * from './extattr.js';
export * from './disklabel.js';
export * from './dkwedge.js';
export * from './ioctl.js';
export * from './socket.js';
export * from './sockaddr.js';
export * from './cmsg.js';
export * from './un.js';
export * from './if.js';
export * from './route.js';
export * from './inet.js';
export * from './module.js';
export * from './ktrace.js';
export * from './aio.js';
export * from './kinds.js';
export * from './syscalls.js';
export * from './syscalls-kern.js';
export * from './syscalls-vfs.js';
export * from './syscalls-net.js';
