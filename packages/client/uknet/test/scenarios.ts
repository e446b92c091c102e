/** What programs do with node:net, written once: each scenario tells what happened, in order, whoever provides the module. */
import type * as nodeNet from 'node:net';

/** node:net, or what has its shape. */
export type Net = Pick<typeof nodeNet, 'createServer' | 'connect' | 'createConnection'> & {
  readonly Socket: new (options?: object) => nodeNet.Socket;
};

export interface World {
  readonly net: Net;
  /** A path that nothing has. */
  path(): string;
}

export type Log = (line: string) => void;
export type Scenario = (w: World, log: Log) => Promise<void>;

const HOST = '127.0.0.1';

export function once(emitter: { once(event: string, fn: (...args: never[]) => void): unknown }, event: string): Promise<unknown[]> {
  return new Promise((resolve) => emitter.once(event, (...args: never[]) => resolve(args)));
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Waits until it is so. */
export async function until(ready: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await ready())) await pause(2);
}

function listen(server: nodeNet.Server): Promise<number> {
  return new Promise((resolve) => server.listen(0, HOST, () => resolve((server.address() as nodeNet.AddressInfo).port)));
}

/** An error as it looks, without the ports that differ. */
function shown(e: unknown): string {
  const { name, code, syscall, errno, address, message } = e as Record<string, unknown>;
  return [name, code, syscall, errno, address, String(message).replace(/:\d+/g, ':PORT')].map((part) => (part === undefined ? '-' : String(part))).join(' | ');
}

function codeIn(e: unknown): string | undefined {
  return (e as { code?: string } | null | undefined)?.code;
}

function codeOf(fn: () => unknown): string {
  try {
    fn();
    return 'ok';
  } catch (e) {
    const { name, code } = e as { name: string; code: string };
    return `${name} ${code}`;
  }
}

/** Tells of a socket's life. */
function follow(socket: nodeNet.Socket, who: string, log: Log): void {
  for (const event of ['connect', 'ready', 'end', 'finish', 'timeout']) socket.on(event, () => log(`${who} ${event}`));
  socket.on('data', (data: Buffer) => log(`${who} data ${data}`));
  socket.on('error', (e) => log(`${who} error ${shown(e)}`));
  socket.on('close', (hadError) => log(`${who} close ${hadError}`));
}

/** A server with one connection, and both its ends. */
async function pair(w: World, options: object = {}): Promise<{ server: nodeNet.Server; client: nodeNet.Socket; peer: nodeNet.Socket }> {
  const server = w.net.createServer(options);
  const port = await listen(server);
  const client = w.net.connect({ port, host: HOST, ...options });
  const [[peer]] = await Promise.all([once(server, 'connection'), once(client, 'connect')]);
  return { server, client, peer: peer as nodeNet.Socket };
}

export const scenarios: Readonly<Record<string, Scenario>> = {
  'an echo, and the end of both sides': async (w, log) => {
    const { server, client, peer } = await pair(w);
    follow(client, 'client', log);
    peer.pipe(peer);
    client.write('hello');
    await once(client, 'data');
    client.end(' and good bye');
    await once(client, 'close');
    server.close(() => log('server close'));
    await once(server, 'close');
  },

  'events of a client, in order': async (w, log) => {
    const server = w.net.createServer((s) => s.end('welcome'));
    const port = await listen(server);
    const client = new w.net.Socket();
    follow(client, 'client', log);
    log(`${client.pending} ${client.connecting} ${client.readyState}`);
    client.connect({ port, host: HOST }, () => log(`listener ${client.readyState} ${client.remoteAddress} ${client.remoteFamily} ${client.remotePort === port}`));
    log(`${client.pending} ${client.connecting} ${client.readyState}`);
    await once(client, 'close');
    log(`${client.pending} ${client.connecting} ${client.readyState} ${client.destroyed} ${client.bytesRead} ${client.bytesWritten}`);
    server.close();
    await once(server, 'close');
  },

  'half open: an answer after the end': async (w, log) => {
    const { server, client, peer } = await pair(w, { allowHalfOpen: true });
    const lines: [string[], string[]] = [[], []];
    follow(client, 'client', (line) => lines[0].push(line));
    follow(peer, 'peer', (line) => lines[1].push(line));
    const closed = Promise.all([once(client, 'close'), once(peer, 'close')]);
    client.end('question');
    await once(peer, 'end');
    log(peer.readyState);
    peer.end('answer');
    await closed;
    for (const line of lines.flat()) log(line);
    server.close();
    await once(server, 'close');
  },

  'not half open: the other side ends, too': async (w, log) => {
    const { server, client, peer } = await pair(w);
    peer.resume();
    client.on('end', () => log('client end'));
    peer.on('finish', () => log('peer finish'));
    client.resume();
    client.end();
    await Promise.all([once(peer, 'close'), once(client, 'close')]);
    peer.on('error', (e) => log(`peer ${codeIn(e)}`));
    log(`${peer.writable} ${peer.readable}`);
    server.close();
    await once(server, 'close');
  },

  'a connection that is refused': async (w, log) => {
    const server = w.net.createServer();
    const port = await listen(server);
    server.close();
    await once(server, 'close');
    const client = w.net.connect(port, HOST);
    follow(client, 'client', log);
    await once(client, 'close');
    log(`${client.destroyed} ${client.connecting}`);
  },

  'a path without a server': async (w, log) => {
    const client = w.net.connect(w.path());
    client.on('error', (e) => log(shown(e).replace(/\S*\/\S+/g, 'PATH')));
    await once(client, 'close');
  },

  'a server on a path': async (w, log) => {
    const path = w.path();
    const server = w.net.createServer((s) => s.end(`on a path ${s.remoteAddress}`)).listen(path);
    await once(server, 'listening');
    log(String(server.address() === path));
    const client = w.net.connect({ path });
    follow(client, 'client', log);
    await once(client, 'close');
    const second = w.net.createServer().listen(path);
    const [e] = await once(second, 'error');
    log(shown(e).replaceAll(path, 'PATH'));
    server.close();
    await once(server, 'close');
    const third = w.net.createServer().listen(path);
    await once(third, 'listening');
    third.close();
    await once(third, 'close');
  },

  'a port that is taken': async (w, log) => {
    const server = w.net.createServer();
    const port = await listen(server);
    const other = w.net.createServer();
    other.listen(port, HOST);
    const [e] = await once(other, 'error');
    log(shown(e).replace(String(port), 'PORT'));
    log(`${(e as { port: number }).port === port} ${other.listening}`);
    server.close();
    await once(server, 'close');
  },

  'a server that is told too much or too little': async (w, log) => {
    const server = w.net.createServer();
    await listen(server);
    log(codeOf(() => server.listen(0)));
    log(`${server.listening} ${typeof (server.address() as object)}`);
    server.close();
    await once(server, 'close');
    await new Promise<void>((resolve) =>
      server.close((e) => {
        log(shown(e));
        resolve();
      }),
    );
    log(`${server.listening} ${server.address()}`);
    log([-1, 65_536, 1.5, 'x', '99999'].map((port) => codeOf(() => w.net.createServer().listen({ port: port as number }))).join(', '));
    log(codeOf(() => w.net.createServer().listen({} as object)));
  },

  'a client that is told too much or too little': async (w, log) => {
    const codes = [{}, { port: -1 }, { port: 70_000 }, { port: 'x' }, { port: {} }, { path: 7 }, { port: 1, lookup: 7 }, { port: 1, host: 7 }];
    for (const options of codes) log(codeOf(() => new w.net.Socket().connect(options as never)));
  },

  'a server that closes while a connection is open': async (w, log) => {
    const { server, client, peer } = await pair(w);
    server.close(() => log('closed'));
    log(`${server.listening}`);
    peer.resume();
    await pause(10);
    log('ends');
    client.end();
    client.resume();
    await Promise.all([once(server, 'close'), once(client, 'close')]);
  },

  'counts of connections, and the most of them': async (w, log) => {
    const { server, client } = await pair(w);
    const count = (): Promise<number> => new Promise((resolve) => server.getConnections((_e, n) => resolve(n)));
    log(`${await count()}`);
    server.maxConnections = 1;
    const dropped = once(server, 'drop');
    const second = w.net.connect((server.address() as nodeNet.AddressInfo).port, HOST);
    second.on('error', () => undefined);
    const [what] = await dropped;
    log(Object.keys(what as object).sort().join(' '));
    await once(second, 'close');
    client.destroy();
    await once(client, 'close');
    await until(async () => (await count()) === 0);
    log('none is left');
    server.close();
    await once(server, 'close');
  },

  'destroyed with an error': async (w, log) => {
    const { server, client, peer } = await pair(w);
    follow(client, 'client', log);
    peer.on('error', () => undefined).resume();
    client.destroy(new Error('enough'));
    log(`${client.destroyed} ${client.writable} ${client.readable} ${client.readyState}`);
    await once(client, 'close');
    server.close();
    await once(server, 'close');
  },

  'written to when it is destroyed': async (w, log) => {
    const { server, client } = await pair(w);
    client.on('error', (e) => log(`error ${codeIn(e)}`));
    client.destroy();
    client.write('x', (e) => log(`callback ${codeIn(e)}`));
    await once(client, 'close');
    await pause(10);
    server.close();
    await once(server, 'close');
  },

  'a reset': async (w, log) => {
    const { server, client, peer } = await pair(w);
    peer.on('error', (e) => log(shown(e)));
    peer.on('close', (hadError) => log(`peer close ${hadError}`));
    peer.resume();
    client.on('close', (hadError) => log(`client close ${hadError}`));
    client.resetAndDestroy();
    await once(peer, 'close');
    server.close();
    await once(server, 'close');
  },

  'idle for a time': async (w, log) => {
    const { server, client, peer } = await pair(w);
    peer.resume();
    client.setTimeout(40, () => log('listener'));
    client.on('timeout', () => log(`timeout ${client.destroyed} ${client.timeout}`));
    client.write('x');
    await once(client, 'timeout');
    client.setTimeout(0);
    await pause(60);
    log(codeOf(() => client.setTimeout('x' as never)));
    client.destroy();
    await once(client, 'close');
    server.close();
    await once(server, 'close');
  },

  'more than the peer takes': async (w, log) => {
    const { server, client, peer } = await pair(w);
    const chunk = Buffer.alloc(1 << 20, 'x');
    let accepted = 0;
    while (client.write(chunk)) if (++accepted > 100) break;
    for (let i = 0; i < 15; i++) client.write(chunk);
    log(`${client.writableNeedDrain} ${client.bytesWritten >= 16 << 20} ${client.writableLength > 0}`);
    client.on('drain', () => log('drain'));
    let got = 0;
    peer.on('data', (data: Buffer) => (got += data.length));
    client.end();
    await once(peer, 'end');
    await once(client, 'close');
    log(`${got === client.bytesWritten} ${peer.bytesRead === got}`);
    server.close();
    await once(server, 'close');
  },

  'read when it is wanted': async (w, log) => {
    const server = w.net.createServer({ pauseOnConnect: true });
    const port = await listen(server);
    const client = w.net.connect(port, HOST);
    client.write('waits');
    const [peer] = (await once(server, 'connection')) as [nodeNet.Socket];
    let came = false;
    peer.on('data', (data) => {
      came = true;
      log(`data ${data}`);
    });
    await pause(20);
    log(`${peer.isPaused()} ${came}`);
    peer.resume();
    await once(peer, 'data');
    peer.end();
    client.resume();
    await once(client, 'close');
    server.close();
    await once(server, 'close');
  },

  'callbacks of writes, in order': async (w, log) => {
    const { server, client, peer } = await pair(w);
    let all = '';
    peer.on('data', (data) => (all += data));
    client.cork();
    for (const part of ['a', 'bc', '', 'def']) client.write(part, () => log(`written ${part}`));
    client.uncork();
    client.end('!', () => log('ended'));
    client.resume();
    await once(peer, 'end');
    log(all);
    await once(client, 'close');
    server.close();
    await once(server, 'close');
  },

  'written before it is connected': async (w, log) => {
    const server = w.net.createServer((s) => s.pipe(s));
    const port = await listen(server);
    const client = w.net.connect(port, HOST);
    client.write('early', () => log('written'));
    client.end();
    client.setEncoding('utf8');
    client.on('data', (data) => log(`${typeof data} ${data}`));
    await once(client, 'close');
    server.close();
    await once(server, 'close');
  },

  'destroyed before it is connected': async (w, log) => {
    const server = w.net.createServer();
    const port = await listen(server);
    const client = w.net.connect(port, HOST);
    client.on('error', (e) => log(String(codeIn(e))));
    client.write('x', (e) => log(`callback ${codeIn(e)}`));
    client.destroy();
    client.on('connect', () => log('connect'));
    await once(client, 'close');
    await pause(10);
    server.close();
    await once(server, 'close');
  },

  'a name that there is not': async (w, log) => {
    const lookup = (host: string, _options: object, cb: (e: Error) => void): void =>
      process.nextTick(() => cb(Object.assign(new Error(`nobody knows ${host}`), { code: 'ENOTFOUND' })));
    const client = w.net.connect({ port: 1, host: 'no.where', lookup: lookup as never });
    client.on('lookup', (e, address, family, host) => log(`lookup ${(e as Error).message} ${address} ${family} ${host}`));
    client.on('error', (e) => log(`error ${e.message}`));
    await once(client, 'close');
  },

  'a name with one address': async (w, log) => {
    const server = w.net.createServer((s) => s.end());
    const port = await listen(server);
    const lookup = (_host: string, options: { all?: boolean }, cb: (e: null, a: unknown, f?: number) => void): void =>
      process.nextTick(() => (options.all === true ? cb(null, [{ address: HOST, family: 4 }]) : cb(null, HOST, 4)));
    const client = w.net.connect({ port, host: 'some.where', lookup: lookup as never });
    client.on('lookup', (e, address, family, host) => log(`lookup ${e} ${address} ${family} ${host}`));
    client.resume();
    await once(client, 'close');
    server.close();
    await once(server, 'close');
  },

  'aborted': async (w, log) => {
    const { server, client } = await pair(w);
    const abort = new AbortController();
    const other = w.net.connect({ port: (server.address() as nodeNet.AddressInfo).port, host: HOST, signal: abort.signal } as never);
    other.on('error', (e) => log(`${e.name} ${codeIn(e)}`));
    abort.abort();
    await once(other, 'close');
    client.destroy();
    server.close();
    await once(server, 'close');
  },

  'connected again after its end': async (w, log) => {
    const server = w.net.createServer((s) => s.end('x'));
    const port = await listen(server);
    const client = new w.net.Socket();
    client.on('connect', () => log('connect'));
    client.on('data', (data) => log(`data ${data}`));
    client.connect(port, HOST);
    await once(client, 'close');
    client.connect(port, HOST);
    await once(client, 'close');
    log(`${client.bytesRead}`);
    server.close();
    await once(server, 'close');
  },

  'thousands of small writes at once': async (w, log) => {
    const { server, client, peer } = await pair(w);
    let got = 0;
    peer.on('data', (data: Buffer) => (got += data.length));
    const gone = once(client.resume(), 'close');
    client.cork();
    for (let i = 0; i < 5000; i++) client.write('xyz');
    client.end();
    await once(peer, 'end');
    log(`${got}`);
    await gone;
    server.close();
    await once(server, 'close');
  },

  'the last one closes as the next one opens': async (w, log) => {
    const server = w.net.createServer((s) => s.end('x'));
    for (let i = 0; i < 3; i++) {
      const port = await listen(server);
      const client = w.net.connect(port, HOST).resume();
      await once(client, 'close');
      // Both at once: what is watched is none, and then one again.
      server.close(() => log('closed'));
      await once(server, 'close');
    }
  },

  'reading into memory of its own': async (w, log) => {
    const server = w.net.createServer((s) => s.end('hello world'));
    const port = await listen(server);
    let next = 0;
    const memories = [Buffer.alloc(4), Buffer.alloc(4)];
    const onread = {
      buffer: () => memories[next++ % 2] as Buffer,
      callback: (n: number, b: Uint8Array) => {
        log(`${Buffer.from(b.subarray(0, n))}`);
        return true;
      },
    };
    const client = w.net.connect({ port, host: HOST, onread } as never);
    client.on('data', () => log('data'));
    await once(client, 'close');
    log(`${next} ${client.bytesRead}`);
    server.close();
    await once(server, 'close');
  },

  'arguments that are wrong': async (w, log) => {
    const codeOf = (fn: () => unknown): string => {
      try {
        fn();
        return 'ok';
      } catch (e) {
        return `${codeIn(e)}`;
      }
    };
    const connect = (options: unknown): string => codeOf(() => w.net.connect(options as never));
    const wrong = [
      { port: 1, objectMode: true }, { port: 1, host: HOST, localAddress: 'x' }, { port: 1, localPort: 'x' }, { port: 1, hints: 77 }, { port: 1, autoSelectFamily: 7 },
      { port: 1, autoSelectFamilyAttemptTimeout: 0 }, { port: null }, {}, { path: 7 }, { port: 1, signal: 7 }, { port: '0x10000' },
    ];
    log(wrong.map(connect).join(', '));
    const listening = [{ port: -1 }, { path: 7 }, {}, { port: false }, { port: 0, signal: 7 }].map((options) => codeOf(() => w.net.createServer().listen(options as never)));
    log(listening.join(', '));
    const socket = new w.net.Socket();
    log([-1, 'x', Number.NaN].map((ms) => codeOf(() => socket.setTimeout(ms as never))).join(', '));
    log(codeOf(() => socket.setTimeout(1, 7 as never)));
    log(codeOf(() => new w.net.Socket({ fd: -1 })));
  },

  'lookups that give what is no address': async (w, log) => {
    for (const found of [[{ address: 'x', family: 4 }], [{ address: '127.0.0.1', family: 7 }]]) {
      const client = w.net.connect({ port: 1, host: 'some.where', lookup: ((_n: string, _o: unknown, cb: (e: null, f: unknown) => void) => process.nextTick(cb, null, found)) as never });
      const [e] = await once(client, 'error').catch((error) => [error]);
      log(`${codeIn(e)}`);
    }
  },

  'an address, and none': async (w, log) => {
    const { server, client } = await pair(w);
    const { port, family, address } = client.address() as nodeNet.AddressInfo;
    log(`${port === client.localPort} ${family} ${address} ${client.localAddress} ${client.localFamily}`);
    log(JSON.stringify(new w.net.Socket().address()));
    client.destroy();
    await once(client, 'close');
    log(`${client.remoteAddress} ${client.localAddress}`);
    server.close();
    await once(server, 'close');
  },

  'destroySoon writes what there is': async (w, log) => {
    const { server, client, peer } = await pair(w);
    let got = 0;
    peer.on('data', (data: Buffer) => (got += data.length));
    client.write(Buffer.alloc(3 << 20));
    client.destroySoon();
    await once(peer, 'end');
    log(`${got}`);
    server.close();
    await once(server, 'close');
  },
};
