/**
 * Loaded before a test (`node --require`): `net` and `dgram` are those of uknet on a kernel of this process, and `http` goes over them.
 *
 * What stands in Node's `net` beside sockets (BlockList, defaults) stays. Servers of Node's own that are servers of `net` by inheritance (http.Server) listen on the kernel.
 * The directories on the way to the test's temporary directory are on the kernel, too, for sockets with paths.
 */
import dgram from 'node:dgram';
import http from 'node:http';
import Module from 'node:module';
import net from 'node:net';
import { dirname, join } from 'node:path';
import { hostNode } from '@anykernel/host-node';
import { local } from '@anykernel/local';
import { netinet } from '@anykernel/netinet';
import { netinet6 } from '@anykernel/netinet6';
import { boot } from '@anykernel/rumpkern';
import { type Server, uknet } from '@anykernel/uknet';

const k = boot(hostNode(), [local, netinet, netinet6]);
const p = k.newproc();
const { dgram: kernelDgram, ...kernelNet } = uknet(p);

function makePath(path: string): void {
  if (path !== dirname(path)) makePath(dirname(path));
  try {
    p.sys.mkdir(path, 0o777);
  } catch {
    // It is there.
  }
}
makePath(process.cwd());
p.sys.chdir(process.cwd());
makePath(join(dirname(dirname(process.argv[1] ?? '/')), `.tmp.${process.env['TEST_THREAD_ID'] ?? '0'}`));

const given: Readonly<Record<string, object>> = { net: { ...net, ...kernelNet }, dgram: { ...dgram, ...kernelDgram } };
const loader = Module as unknown as { _load(request: string, ...more: unknown[]): unknown };
const load = loader._load;
loader._load = (request, ...more) => given[request.replace(/^node:/, '')] ?? Reflect.apply(load, loader, [request, ...more]);

/** The kernel's server of one that inherits from Node's. */
const servers = new WeakMap<object, Server>();

interface Inheriting extends NodeJS.EventEmitter {
  readonly allowHalfOpen: boolean;
  readonly noDelay?: boolean;
  readonly keepAlive?: boolean;
  readonly keepAliveInitialDelay?: number;
  readonly pauseOnConnect?: boolean;
  readonly highWaterMark?: number;
  maxConnections?: number;
}

function serverOf(one: Inheriting): Server {
  let server = servers.get(one);
  if (server === undefined) {
    const { allowHalfOpen, noDelay, keepAlive, keepAliveInitialDelay, pauseOnConnect, highWaterMark } = one;
    server = kernelNet.createServer({ allowHalfOpen, noDelay, keepAlive, keepAliveInitialDelay, pauseOnConnect, highWaterMark });
    server.on('connection', (socket) => {
      socket.server = one;
      one.emit('connection', socket);
    });
    for (const event of ['listening', 'error', 'close', 'drop']) server.on(event, (...args) => one.emit(event, ...args));
    servers.set(one, server);
  }
  server.maxConnections = one.maxConnections;
  return server;
}

const proto = net.Server.prototype as unknown as Record<string, unknown>;
for (const name of ['listen', 'close', 'ref', 'unref', 'getConnections']) {
  proto[name] = function (this: Inheriting, ...args: unknown[]): Inheriting {
    const server = serverOf(this) as unknown as Record<string, (...args: unknown[]) => void>;
    server[name]?.(...args.map((arg) => (typeof arg === 'function' ? arg.bind(this) : arg)));
    return this;
  };
}
proto['address'] = function (this: Inheriting): unknown {
  return serverOf(this).address();
};
Object.defineProperty(proto, 'listening', {
  configurable: true,
  get(this: Inheriting): boolean {
    return serverOf(this).listening;
  },
});
Object.assign(net, { connect: kernelNet.connect, createConnection: kernelNet.connect });
Object.assign(http.Agent.prototype, { createConnection: kernelNet.connect });
