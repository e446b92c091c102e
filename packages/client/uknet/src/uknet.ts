/** The shape of node:net on a process of a kernel. */
import { isIP, isIPv4, isIPv6 } from 'node:net';
import { type Lookup, resolver } from '@anykernel/resolver';
import type { Proc } from '@anykernel/rumpkern';
import { connectArgs } from './args.js';
import type { NetContext } from './context.js';
import { type Dgram, dgramOf } from './dgram.js';
import { Poller } from './poller.js';
import { Server, type ServerOptions } from './server.js';
import { Socket, type SocketOptions } from './socket.js';

export interface UknetOptions {
  /** Finds the addresses of names, as dns.lookup() does. Without it the kernel's /etc/hosts and /etc/resolv.conf say. */
  readonly lookup?: Lookup;
}

type OnConnection = (socket: Socket) => void;

/** What `node:net` exports, for one process of a kernel; `dgram` is what `node:dgram` does. */
export interface Uknet {
  readonly Socket: new (options?: SocketOptions) => Socket;
  readonly Stream: new (options?: SocketOptions) => Socket;
  readonly Server: new (options?: ServerOptions | OnConnection, onConnection?: OnConnection) => Server;
  createServer(options?: ServerOptions | OnConnection, onConnection?: OnConnection): Server;
  /** connect(options), connect(path), connect(port, host), with a listener of 'connect'. What http.request() takes as `createConnection`. */
  connect(...args: unknown[]): Socket;
  createConnection(...args: unknown[]): Socket;
  isIP(text: string): number;
  isIPv4(text: string): boolean;
  isIPv6(text: string): boolean;
  readonly dgram: Dgram;
}

/** node:net and node:dgram on process `p`. */
export function uknet(p: Proc, options: UknetOptions = {}): Uknet {
  const poller = new Poller(p);
  const context: NetContext = { p, poller, lookup: options.lookup ?? holding(poller, resolver(p)) };
  class KernelNetSocket extends Socket {
    constructor(socketOptions: SocketOptions = {}) {
      super(context, socketOptions);
    }
  }
  class KernelNetServer extends Server {
    constructor(serverOptions?: ServerOptions | OnConnection, onConnection?: OnConnection) {
      const listener = typeof serverOptions === 'function' ? serverOptions : onConnection;
      super(context, (o) => new KernelNetSocket(o), typeof serverOptions === 'function' ? {} : (serverOptions ?? {}), listener);
    }
  }
  const Made = named(KernelNetSocket, 'Socket');
  const connect = (...args: unknown[]): Socket => {
    const [given] = connectArgs(args);
    const { timeout: _timeout, ...socketOptions } = given;
    return new KernelNetSocket(socketOptions as SocketOptions).connect(...args);
  };
  return {
    Socket: Made,
    Stream: Made,
    Server: named(KernelNetServer, 'Server'),
    createServer: (serverOptions, onConnection) => new KernelNetServer(serverOptions, onConnection),
    connect,
    createConnection: connect,
    isIP,
    isIPv4,
    isIPv6,
    dgram: dgramOf(context),
  };
}

/** The program does not end before an answer is there. */
function holding(poller: Poller, lookup: Lookup): Lookup {
  return (hostname, options, callback) => {
    const asked = {};
    poller.hold(asked);
    lookup(hostname, options, (...found) => {
      poller.release(asked);
      callback(...found);
    });
  };
}

/** Seen as a class of that name; a call without `new` makes one, too, as Node's do. */
function named<C extends new (...args: never[]) => object>(made: C, name: string): C {
  Object.defineProperty(made, 'name', { value: name });
  return new Proxy(made, { apply: (target, _this, args) => Reflect.construct(target, args) });
}
