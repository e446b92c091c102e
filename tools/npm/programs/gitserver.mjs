/** Serves a bare repository over HTTP on loopback by git's own http-backend: `node gitserver.mjs FOLDER`; prints the port. */
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';

const [, , folder] = process.argv;

const server = createServer((request, response) => {
  const { pathname, search } = new URL(request.url, 'http://localhost');
  const env = {
    ...process.env,
    GIT_PROJECT_ROOT: folder,
    GIT_HTTP_EXPORT_ALL: '1',
    PATH_INFO: pathname,
    QUERY_STRING: search.slice(1),
    REQUEST_METHOD: request.method,
    CONTENT_TYPE: request.headers['content-type'] ?? '',
    HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
  };
  const backend = spawn('git', ['http-backend'], { env, stdio: ['pipe', 'pipe', 'ignore'] });
  request.pipe(backend.stdin).on('error', () => {});
  const chunks = [];
  backend.stdout.on('data', (chunk) => chunks.push(chunk));
  backend.on('close', () => {
    const whole = Buffer.concat(chunks);
    const at = whole.indexOf('\r\n\r\n');
    const headers = Object.fromEntries(
      whole
        .toString('latin1', 0, at)
        .split('\r\n')
        .map((line) => line.split(': ')),
    );
    const { Status = '200', ...rest } = headers;
    response.writeHead(Number.parseInt(Status, 10), rest);
    response.end(whole.subarray(at + 4));
  });
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.on('end', () => process.exit(0)).resume();
