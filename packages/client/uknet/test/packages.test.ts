/** Packages from npm, unmodified, over connections within a kernel: on paths, and on TCP. */
import http from 'node:http';
import type { Duplex } from 'node:stream';
import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { hostNode } from '@anykernel/host-node';
import { local } from '@anykernel/local';
import { netinet } from '@anykernel/netinet';
import { boot } from '@anykernel/rumpkern';
import express from 'express';
import { Client, type Dispatcher } from 'undici';
import { WebSocket, WebSocketServer } from 'ws';
import { type Server, type Uknet, uknet } from '../src/index.js';

/** Where the servers of a test listen, and how clients get there. */
interface Place {
  readonly net: Uknet;
  readonly connect: () => Duplex;
  listen(onConnection: (socket: unknown) => void): Promise<Server>;
}

const KINDS = ['a path', 'TCP'] as const;

async function within(kind: (typeof KINDS)[number], body: (place: Place) => Promise<void>): Promise<void> {
  const k = boot(hostNode(), kind === 'TCP' ? [netinet] : [local]);
  const net = uknet(k.newproc());
  const at = kind === 'TCP' ? { port: 80, host: '127.0.0.1' } : { path: '/sock' };
  let server: Server | undefined;
  try {
    await body({
      net,
      connect: () => net.connect(at),
      listen: (onConnection) =>
        new Promise((resolve) => {
          server = net.createServer(onConnection).listen(at, () => resolve(server as Server));
        }),
    });
    const closed = new Promise((resolve) => server?.close(resolve));
    await closed;
  } finally {
    k.halt();
  }
}

function agentOf(place: Place, keepAlive = true): http.Agent {
  const agent = new http.Agent({ keepAlive, maxSockets: 4 });
  return Object.assign(agent, { createConnection: place.connect });
}

/** A request and its whole answer. */
function ask(agent: http.Agent, options: http.RequestOptions, body?: string | Buffer): Promise<{ status: number | undefined; headers: http.IncomingHttpHeaders; body: Buffer }> {
  return new Promise((resolve, reject) => {
    const req = http.request({ host: 'kernel', agent, ...options }, (res) => {
      const parts: Buffer[] = [];
      res.on('data', (part: Buffer) => parts.push(part));
      res.on('end', () => resolve({ status: res.statusCode, headers: res.headers, body: Buffer.concat(parts) }));
      res.on('error', reject);
    });
    req.on('error', reject);
    req.end(body);
  });
}

const sha = (b: Buffer): string => createHash('sha256').update(b).digest('hex');

describe.each(KINDS)('over %s', (kind) => {
  test('node:http: a server, keep-alive, bodies of any length both ways', async () => {
    await within(kind, async (place) => {
      const server = http.createServer((req, res) => {
        const hash = createHash('sha256');
        req.on('data', (part: Buffer) => hash.update(part));
        req.on('end', () => {
          res.setHeader('x-hash', hash.digest('hex'));
          res.end(Buffer.alloc(Number(req.headers['x-want'] ?? 0), 'b'));
        });
      });
      await place.listen((s) => server.emit('connection', s));
      const agent = agentOf(place);
      for (const len of [0, 1, 1000, 100_000, 5_000_000]) {
        const body = Buffer.alloc(len, `${len}`);
        const answer = await ask(agent, { method: 'POST', headers: { 'x-want': len } }, body);
        expect([answer.status, answer.headers['x-hash'], answer.body.length]).toEqual([200, sha(body), len]);
      }
      const all = await Promise.all(Array.from({ length: 50 }, (_, i) => ask(agent, { path: `/${i}`, headers: { 'x-want': i } })));
      expect(all.map((a) => a.body.length)).toEqual(Array.from({ length: 50 }, (_, i) => i));
      agent.destroy();
      server.closeAllConnections();
    });
  });

  test('http.request({ createConnection }), without an agent', async () => {
    await within(kind, async (place) => {
      const server = http.createServer((_req, res) => res.end('direct'));
      await place.listen((s) => server.emit('connection', s));
      const body = await new Promise<string>((resolve, reject) => {
        http
          .request({ createConnection: place.connect, headers: { connection: 'close' } }, (res) => {
            let text = '';
            res.setEncoding('utf8').on('data', (part: string) => (text += part)).on('end', () => resolve(text));
          })
          .on('error', reject)
          .end();
      });
      expect(body).toBe('direct');
    });
  });

  test('express: routes, parsers, errors, streams', async () => {
    await within(kind, async (place) => {
      const app = express();
      app.use(express.json());
      app.get('/hello/:name', (req, res) => void res.json({ hello: req.params['name'], from: typeof req.ip }));
      app.post('/sum', (req, res) => void res.send(String((req.body as number[]).reduce((a, b) => a + b, 0))));
      app.get('/fails', () => {
        throw Object.assign(new Error('no'), { status: 418, expose: true });
      });
      app.use((error: { status: number }, _req: express.Request, res: express.Response, _next: express.NextFunction) => void res.status(error.status).end());
      const server = http.createServer(app);
      await place.listen((s) => server.emit('connection', s));
      const agent = agentOf(place);
      expect(JSON.parse((await ask(agent, { path: '/hello/kernel' })).body.toString())).toMatchObject({ hello: 'kernel' });
      const headers = { 'content-type': 'application/json' };
      expect((await ask(agent, { path: '/sum', method: 'POST', headers }, '[1,2,39]')).body.toString()).toBe('42');
      expect((await ask(agent, { path: '/fails' })).status).toBe(418);
      expect((await ask(agent, { path: '/none' })).status).toBe(404);
      agent.destroy();
      server.closeAllConnections();
    });
  });

  test('ws: text, binary, compressed, pings, and closing', async () => {
    await within(kind, async (place) => {
      const server = http.createServer();
      const wss = new WebSocketServer({ server, perMessageDeflate: { threshold: 0 } });
      wss.on('connection', (ws) => ws.on('message', (data, binary) => ws.send(data, { binary })));
      await place.listen((s) => server.emit('connection', s));
      const ws = new WebSocket('ws://kernel/', { createConnection: place.connect as never });
      await new Promise((resolve, reject) => ws.once('open', resolve).once('error', reject));
      const echo = (data: string | Buffer): Promise<[Buffer, boolean]> =>
        new Promise((resolve) => {
          ws.once('message', (got: Buffer, binary: boolean) => resolve([got, binary]));
          ws.send(data);
        });
      expect(await echo('hello')).toEqual([Buffer.from('hello'), false]);
      const big = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7) & 255));
      const [got, binary] = await echo(big);
      expect([sha(got), binary]).toEqual([sha(big), true]);
      const pong = new Promise((resolve) => ws.once('pong', (data: Buffer) => resolve(data.toString())));
      ws.ping('there?');
      expect(await pong).toBe('there?');
      const closed = new Promise((resolve) => ws.once('close', (code: number, reason: Buffer) => resolve([code, reason.toString()])));
      ws.close(4000, 'enough');
      expect(await closed).toEqual([4000, 'enough']);
      wss.close();
    });
  });

  test('undici: requests, pipelining, streams', async () => {
    await within(kind, async (place) => {
      const server = http.createServer((req, res) => req.pipe(res));
      await place.listen((s) => server.emit('connection', s));
      const client = new Client('http://kernel', {
        pipelining: 8,
        connect: (_options, done) => {
          const socket = place.connect();
          socket.once('connect', () => done(null, socket as never)).once('error', (e) => done(e, null));
        },
      });
      const texts = await Promise.all(
        Array.from({ length: 20 }, async (_, i) => {
          const { body } = await client.request({ path: '/', method: 'PUT', body: `number ${i}` });
          return body.text();
        }),
      );
      expect(texts).toEqual(Array.from({ length: 20 }, (_, i) => `number ${i}`));
      const big = Buffer.alloc(3_000_000, 'abc');
      const answer: Dispatcher.ResponseData = await client.request({ path: '/', method: 'POST', body: big });
      expect(sha(Buffer.from(await answer.body.arrayBuffer()))).toBe(sha(big));
      await client.close();
      server.closeAllConnections();
    });
  });
});
