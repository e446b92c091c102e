/**
 * System calls of the network faction: sockets. Addresses are the bytes of NetBSD's sockaddr (socket.ts).
 */

export const rumpnetCalls = {
  socket: { number: 394, args: ['int', 'int', 'int'], ret: 'fd' },
  socketpair: { number: 135, args: ['int', 'int', 'int'], ret: 'pair' },
  bind: { number: 104, args: ['fd', 'in'], ret: 'void' },
  listen: { number: 106, args: ['fd', 'int'], ret: 'void' },
  accept: { number: 30, args: ['fd', 'name?'], ret: 'fd' },
  /** paccept(fd, name, mask, SOCK_CLOEXEC | SOCK_NONBLOCK) */
  paccept: { number: 456, args: ['fd', 'name?', 'sigset?', 'int?'], ret: 'fd' },
  connect: { number: 98, args: ['fd', 'in'], ret: 'void' },
  shutdown: { number: 134, args: ['fd', 'int'], ret: 'void' },
  getpeername: { number: 31, args: ['fd'], ret: 'bytes' },
  getsockname: { number: 32, args: ['fd'], ret: 'bytes' },
  /** setsockopt(fd, level, option, value), getsockopt(fd, level, option, buf): the length of the value. */
  setsockopt: { number: 105, args: ['fd', 'int', 'int', 'in'], ret: 'void' },
  getsockopt: { number: 118, args: ['fd', 'int', 'int', 'out'], ret: 'len' },
  /** sendto(fd, bytes, MSG_*, address) */
  sendto: { number: 133, args: ['fd', 'in', 'int', 'in?'], ret: 'len' },
  recvfrom: { number: 29, args: ['fd', 'out', 'int', 'name?'], ret: 'len' },
  sendmsg: { number: 28, args: ['fd', 'msg', 'int'], ret: 'len' },
  recvmsg: { number: 27, args: ['fd', 'msg', 'int'], ret: 'len' },
  /** How many messages have gone or come; their `len` is set. */
  sendmmsg: { number: 476, args: ['fd', 'msgs', 'int'], ret: 'int' },
  recvmmsg: { number: 475, args: ['fd', 'msgs', 'int', 'timespec?'], ret: 'int' },
} as const;
