/**
 * System calls of the network faction: sockets. Addresses are the bytes of NetBSD's sockaddr (socket.ts).
 */

export const rumpnetCalls = {
  socket: { num: 394, args: ['int', 'int', 'int'], ret: 'fd' },
  socketpair: { num: 135, args: ['int', 'int', 'int'], ret: 'pair' },
  bind: { num: 104, args: ['fd', 'in'], ret: 'void' },
  listen: { num: 106, args: ['fd', 'int'], ret: 'void' },
  accept: { num: 30, args: ['fd', 'name?'], ret: 'fd' },
  /** paccept(fd, name, mask, SOCK_CLOEXEC | SOCK_NONBLOCK) */
  paccept: { num: 456, args: ['fd', 'name?', 'sigset?', 'int?'], ret: 'fd' },
  connect: { num: 98, args: ['fd', 'in'], ret: 'void' },
  shutdown: { num: 134, args: ['fd', 'int'], ret: 'void' },
  getpeername: { num: 31, args: ['fd'], ret: 'bytes' },
  getsockname: { num: 32, args: ['fd'], ret: 'bytes' },
  /** setsockopt(fd, level, option, value), getsockopt(fd, level, option, buf): the length of the value. */
  setsockopt: { num: 105, args: ['fd', 'int', 'int', 'in'], ret: 'void' },
  getsockopt: { num: 118, args: ['fd', 'int', 'int', 'out'], ret: 'len' },
  /** sendto(fd, bytes, MSG_*, address) */
  sendto: { num: 133, args: ['fd', 'in', 'int', 'in?'], ret: 'len' },
  recvfrom: { num: 29, args: ['fd', 'out', 'int', 'name?'], ret: 'len' },
  sendmsg: { num: 28, args: ['fd', 'msg', 'int'], ret: 'len' },
  recvmsg: { num: 27, args: ['fd', 'msg', 'int'], ret: 'len' },
  /** How many messages have gone or come; their `len` is set. */
  sendmmsg: { num: 476, args: ['fd', 'msgs', 'int'], ret: 'int' },
  recvmmsg: { num: 475, args: ['fd', 'msgs', 'int', 'timespec?'], ret: 'int' },
} as const;
