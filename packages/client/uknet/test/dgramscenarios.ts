/** What programs do with node:dgram, written once. */
import type * as nodeDgram from 'node:dgram';
import { type Log, once, until } from './scenarios.js';

export type Dgram = Pick<typeof nodeDgram, 'createSocket'>;
export type DgramScenario = (dgram: Dgram, log: Log) => Promise<void>;

const HOST = '127.0.0.1';

async function bound(dgram: Dgram): Promise<{ socket: nodeDgram.Socket; port: number }> {
  const socket = dgram.createSocket('udp4');
  socket.bind(0, HOST);
  await once(socket, 'listening');
  return { socket, port: socket.address().port };
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

export const dgramScenarios: Readonly<Record<string, DgramScenario>> = {
  'a question and its answer': async (dgram, log) => {
    const server = await bound(dgram);
    let sent = false;
    server.socket.on('message', (m, from) => {
      log(`server ${m} ${from.address} ${from.family} ${from.size}`);
      server.socket.send('answer', from.port, from.address, (e, n) => {
        sent = true;
        log(`sent ${e} ${n}`);
      });
    });
    const client = dgram.createSocket('udp4');
    client.send('question', server.port, HOST);
    const [m, from] = await once(client, 'message');
    log(`client ${m as Buffer} ${(from as nodeDgram.RemoteInfo).port === server.port}`);
    await until(() => sent);
    client.close();
    server.socket.close(() => log('closed'));
    await once(server.socket, 'close');
  },

  'all forms of a message': async (dgram, log) => {
    const server = await bound(dgram);
    let came = 0;
    server.socket.on('message', (m) => {
      came++;
      log(`${m.length} ${m}`);
    });
    const client = dgram.createSocket('udp4');
    const { port } = server;
    const send = (...args: unknown[]): Promise<void> => new Promise((resolve) => (client.send as (...a: unknown[]) => void)(...args, () => resolve()));
    await send('text', port, HOST);
    await send(Buffer.from('bytes'), port, HOST);
    await send(Buffer.from('a part of it'), 2, 4, port, HOST);
    await send([Buffer.from('several '), 'parts'], port, HOST);
    await send('', port, HOST);
    await send('to localhost', port);
    await send(new DataView(Uint8Array.of(104, 105).buffer), port, HOST);
    await until(() => came === 7);
    client.close();
    server.socket.close();
  },

  'connected, and not any more': async (dgram, log) => {
    const server = await bound(dgram);
    let came = 0;
    server.socket.on('message', (m) => {
      came++;
      log(`${m}`);
    });
    const client = dgram.createSocket('udp4');
    client.connect(server.port, HOST);
    await once(client, 'connect');
    log(`${client.remoteAddress().address} ${client.remoteAddress().port === server.port}`);
    client.send('to the peer');
    client.send(Buffer.from('xxto itxx'), 2, 5);
    log(codeOf(() => client.send('x', 0, 1, server.port, HOST)));
    log(codeOf(() => client.connect(server.port, HOST)));
    await until(() => came === 2);
    client.disconnect();
    log(codeOf(() => client.remoteAddress()));
    log(codeOf(() => client.disconnect()));
    client.send('by address', server.port, HOST);
    await until(() => came === 3);
    client.close();
    server.socket.close();
  },

  'states and arguments that are wrong': async (dgram, log) => {
    const { socket, port } = await bound(dgram);
    log(codeOf(() => socket.bind()));
    log([0, -1, 65_536, 'x', undefined].map((p) => codeOf(() => socket.send('x', p as number, HOST))).join(', '));
    log(codeOf(() => (socket.send as (...a: unknown[]) => void)(7, port, HOST)));
    log(codeOf(() => socket.send(Buffer.from('abc'), 2, 5, port, HOST)));
    log(codeOf(() => socket.send('x', port, 7 as never)));
    log(codeOf(() => dgram.createSocket('udp5' as never)));
    log(codeOf(() => socket.setTTL('x' as never)));
    log(codeOf(() => socket.setTTL(300)));
    socket.close();
    log([() => socket.close(), () => socket.send('x', 1, HOST), () => socket.address(), () => socket.bind()].map(codeOf).join(', '));
  },

  'a port that is taken': async (dgram, log) => {
    const { socket, port } = await bound(dgram);
    const other = dgram.createSocket('udp4');
    other.bind(port, HOST);
    const [e] = await once(other, 'error');
    const { code, syscall, address, message } = e as Record<string, string>;
    log(`${code} ${syscall} ${address} ${message?.replace(String(port), 'PORT')}`);
    other.close();
    socket.close();
  },

  'sizes and options': async (dgram, log) => {
    const { socket } = await bound(dgram);
    log(`${socket.getRecvBufferSize() > 4096} ${socket.getSendBufferSize() > 4096} ${socket.getSendQueueSize()} ${socket.getSendQueueCount()}`);
    socket.setBroadcast(true);
    log(`${socket.setTTL(9)} ${socket.setMulticastTTL(3)} ${socket.setMulticastLoopback(true)}`);
    socket.close();
    await once(socket, 'close');
  },

  'aborted': async (dgram, log) => {
    const abort = new AbortController();
    const socket = dgram.createSocket({ type: 'udp4', signal: abort.signal });
    socket.bind(0, HOST);
    await once(socket, 'listening');
    abort.abort();
    await once(socket, 'close');
    log(codeOf(() => socket.address()));
  },
};
