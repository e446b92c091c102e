/**
 * System calls of the network faction: sockets. Addresses are the bytes of NetBSD's sockaddr (socket.ts).
 */

export const rumpnetCalls = {
  socket: '394 fd int int int',
  socketpair: '135 pair int int int',
  bind: '104 void fd in',
  listen: '106 void fd int',
  accept: '30 fd fd name?',
  /** paccept(fd, name, mask, SOCK_CLOEXEC | SOCK_NONBLOCK) */
  paccept: '456 fd fd name? sigset? int?',
  connect: '98 void fd in',
  shutdown: '134 void fd int',
  getpeername: '31 bytes fd',
  getsockname: '32 bytes fd',
  /** setsockopt(fd, level, option, value), getsockopt(fd, level, option, buf): the length of the value. */
  setsockopt: '105 void fd int int in',
  getsockopt: '118 len fd int int out',
  /** sendto(fd, bytes, MSG_*, address) */
  sendto: '133 len fd in int in?',
  recvfrom: '29 len fd out int name?',
  sendmsg: '28 len fd msg int',
  recvmsg: '27 len fd msg int',
  /** How many messages have gone or come; their `len` is set. */
  sendmmsg: '476 int fd msgs int',
  recvmmsg: '475 int fd msgs int timespec?',
} as const;
