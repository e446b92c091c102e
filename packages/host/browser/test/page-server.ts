/** The server of the example's page: what is bundled, an image that can be replaced, and an ear for what the page tells. */
import { readFileSync } from 'node:fs';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { bundled } from './bundled.js';

const PAGE = fileURLToPath(new URL('../../../example/page/', import.meta.url));

/** The page's files, by the paths they are served under. */
export async function bundle(): Promise<Map<string, Uint8Array>> {
  const outputFiles = await bundled({ entryPoints: { page: `${PAGE}src/page.ts`, worker: `${PAGE}src/worker.ts` }, outdir: `${PAGE}out` });
  const files = new Map(outputFiles.map(({ path, contents }) => [`/${path.split('/').pop() as string}`, contents]));
  return files.set('/', readFileSync(`${PAGE}page.html`));
}

const TYPES: Readonly<Record<string, string>> = { js: 'text/javascript', img: 'application/octet-stream' };

export interface Served {
  readonly url: string;
  /** What the page says in the end. */
  readonly told: Promise<string>;
  close(): void;
}

/** Serves `files` on the loopback; what is PUT takes the place of what was there. */
export async function serve(files: Map<string, Uint8Array>): Promise<Served> {
  let tell: (text: string) => void;
  const told = new Promise<string>((resolve) => {
    tell = resolve;
  });
  const server = createServer((request, response) => {
    void answer(files, request, response, (text) => tell(text));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, told, close: () => stop(server) };
}

async function answer(files: Map<string, Uint8Array>, request: IncomingMessage, response: ServerResponse, tell: (text: string) => void): Promise<void> {
  const path = request.url ?? '/';
  const parts: Uint8Array[] = [];
  for await (const part of request as AsyncIterable<Uint8Array>) parts.push(part);
  if (request.method === 'PUT') files.set(path, Buffer.concat(parts));
  const body = files.get(path);
  response.writeHead(body === undefined ? 404 : 200, { 'content-type': TYPES[path.split('.')[1] ?? ''] ?? 'text/html' });
  response.end(request.method === 'GET' ? body : '');
  if (path === '/told') tell(Buffer.concat(parts).toString());
}

function stop(server: Server): void {
  server.close();
  server.closeAllConnections();
}
