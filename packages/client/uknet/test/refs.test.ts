/** Whether a program ends: with what is open and held, it does not. */
import { spawnSync } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';
import { hostNode } from '@anykernel/host-node';
import { local } from '@anykernel/local';
import { netinet } from '@anykernel/netinet';
import { boot } from '@anykernel/rumpkern';
import { uknet } from '../src/index.js';

const RUN = new URL('../../../../tools/run/typescript.mjs', import.meta.url).pathname;

/** Runs a program with a kernel and its `net`. Returns what it prints; an alarm that does not keep it running says that something else does. */
function program(body: string): string {
  const source = `
    import { hostNode } from '@anykernel/host-node';
    import { local } from '@anykernel/local';
    import { boot } from '@anykernel/rumpkern';
    import { uknet } from '@anykernel/uknet';
    const net = uknet(boot(hostNode(), [local]).newproc());
    const alarm = (ms) => setTimeout(() => { console.log('goes on'); process.exit(0); }, ms).unref();
    process.on('exit', () => console.log('ends'));
    ${body}`;
  const cwd = new URL('..', import.meta.url).pathname;
  const result = spawnSync(process.execPath, ['--import', RUN, '--input-type=module', '-e', source], { cwd, encoding: 'utf8', timeout: 170_000 });
  expect([result.status, result.stderr]).toEqual([0, '']);
  return result.stdout;
}

describe('a program', () => {
  test('ends when what is open is not held', () => {
    const body = `
      const gone = net.createServer().listen('/gone', () => gone.close());
      const s = net.createServer((c) => c.unref()).listen('/s', () => {
        s.unref();
        const c = net.connect('/s', () => { c.unref(); console.log('open'); alarm(20_000); });
      });`;
    expect(program(body)).toBe('open\nends\n');
  });

  test('goes on while something is open and held', () => {
    expect(program("const s = net.createServer((c) => c.unref()).listen('/s', () => { s.unref(); net.connect('/s', () => alarm(300)); });")).toBe('goes on\nends\n');
  });
});

/** What Node's event loop waits for, of the kind that holds it. */
function held(): number {
  return process.getActiveResourcesInfo().filter((what) => what === 'Timeout').length;
}

test('servers and sockets are held, until unref, and again from ref on', async () => {
  const k = boot(hostNode(), [local]);
  const net = uknet(k.newproc());
  const before = held();
  const server = net.createServer((c) => c.unref());
  await new Promise<void>((resolve) => server.listen('/s', resolve));
  expect(held()).toBe(before + 1);
  server.unref();
  expect(held()).toBe(before);
  const socket = net.connect('/s');
  expect(held()).toBe(before + 1);
  await new Promise((resolve) => socket.once('connect', resolve));
  socket.unref();
  expect(held()).toBe(before);
  socket.ref();
  expect(held()).toBe(before + 1);
  socket.destroy();
  expect(held()).toBe(before);
  server.close();
  k.halt();
});

test('a descriptor that is none is refused as Node refuses it', () => {
  const k = boot(hostNode(), [local]);
  const net = uknet(k.newproc());
  expect(() => new net.Socket({ fd: 9 })).toThrow(expect.objectContaining({ code: 'EBADF', syscall: 'open' }));
  k.halt();
});

test('classes are called without new, and a server knows its port at once', () => {
  const k = boot(hostNode(), [netinet]);
  k.modctl.autoload = false;
  const net = uknet(k.newproc());
  const server = (net.Server as unknown as () => InstanceType<typeof net.Server>)();
  server.listen(0);
  expect([server instanceof net.Server, (server.address() as { port: number }).port > 0]).toEqual([true, true]);
  server.close();
  k.halt();
});

test('a listener that throws is the program\'s failure, and its other connections go on', () => {
  const body = `
    process.on('uncaughtException', (e) => console.log('caught ' + e.message));
    let count = 0;
    const s = net.createServer((c) => {
      c.resume().end();
      if (++count === 3) s.close();
      throw new Error('number ' + count);
    }).listen('/s', () => [1, 2, 3].forEach(() => net.connect('/s').resume()));`;
  expect(program(body)).toBe('caught number 1\ncaught number 2\ncaught number 3\nends\n');
}, 90_000);
