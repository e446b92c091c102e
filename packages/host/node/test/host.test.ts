import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { Rumpuser } from '@anykernel/host-rumpuser';
import { hostNode } from '../src/index.js';

const code = (name: string): unknown => expect.objectContaining({ code: name });

test('random bytes are never the same twice, however few are asked for', () => {
  const host = hostNode();
  const seen = new Set<string>();
  for (let round = 0; round < 2000; round++) {
    const buf = new Uint8Array(8 + (round % 300));
    host.getrandom(buf);
    seen.add(Buffer.from(buf.subarray(0, 8)).toString('hex'));
  }
  expect(seen.size).toBe(2000);
});

describe('parameters', () => {
  test('are those of the environment, of the caller before them, and of the host itself', () => {
    const host = hostNode({ params: { RUMP_MEMLIMIT: '4m', PATH: undefined } });
    expect(host.getparam('RUMP_MEMLIMIT')).toBe('4m');
    expect(host.getparam('PATH')).toBeUndefined();
    expect(hostNode().getparam('PATH')).toBe(process.env['PATH']);
    expect(host.getparam('_RUMPUSER_HOSTNAME')).toBe(`rump-${String(process.pid).padStart(5, '0')}.${hostname()}`);
    expect(hostNode({ hostname: 'guest' }).getparam('_RUMPUSER_HOSTNAME')).toBe('guest');
  });
});

describe('the console', () => {
  test('shows the bytes of a byte string, and text as text', () => {
    const chunks: (string | Uint8Array)[] = [];
    const host = hostNode({ output: { write: (chunk) => chunks.push(chunk) } });
    host.putchars('plain\n');
    host.putchars('\xc3\xa9');
    host.putchars('→');
    expect(chunks.map((chunk) => Buffer.from(chunk).toString())).toEqual(['plain\n', 'é', '→']);
  });

  test('leaves its input as it was, and does not hold the program', () => {
    const input = Object.assign(new PassThrough(), { ref: jest.fn(), unref: jest.fn() });
    const host = hostNode({ input });
    host.consoleInput(() => {});
    expect([input.isPaused(), input.unref.mock.calls.length, input.listenerCount('data')]).toEqual([false, 1, 1]);
    host.consoleInput(undefined);
    expect([input.isPaused(), input.listenerCount('data')]).toEqual([true, 0]);
  });

  test('leaves an input that others read flowing and holding', () => {
    const input = Object.assign(new PassThrough(), { ref: jest.fn(), unref: jest.fn() });
    input.on('data', () => {});
    const host = hostNode({ input });
    host.consoleInput(() => {});
    host.consoleInput(undefined);
    expect([input.isPaused(), input.ref.mock.calls.length, input.listenerCount('data')]).toEqual([false, 1, 1]);
  });

  test('without an input is ENXIO to who wants to listen', () => {
    const host = hostNode({ input: false });
    expect(() => host.consoleInput(() => {})).toThrow(code('ENXIO'));
    host.consoleInput(undefined);
  });
});

describe('ends and signals', () => {
  afterEach(() => void jest.restoreAllMocks());

  test('are told to the caller if he wants to know', () => {
    const told: unknown[] = [];
    const host = hostNode({ onExit: (how) => told.push(how), onKill: (signo) => told.push(signo) });
    host.exit('panic');
    host.exit(2);
    host.kill(15);
    expect(told).toEqual(['panic', 2, 15]);
  });

  test('a panic is a line on stderr and not the end of the program', () => {
    const write = jest.spyOn(process.stderr, 'write').mockImplementation(() => true);
    hostNode().exit('panic');
    hostNode().exit(0);
    expect(write.mock.calls).toEqual([['rump kernel: panic\n']]);
  });

  test('a signal is raised by its name, and one that the machine has not is nothing', () => {
    const kill = jest.spyOn(process, 'kill').mockImplementation((_pid, name) => {
      if (name === 'SIGINFO') throw Object.assign(new Error('unknown'), { code: 'ERR_UNKNOWN_SIGNAL' });
      return true;
    });
    const host = hostNode();
    // NetBSD's 30 is SIGUSR1, which is 10 on Linux; 29 is SIGINFO.
    host.kill(30);
    host.kill(29);
    expect(kill.mock.calls).toEqual([
      [process.pid, 'SIGUSR1'],
      [process.pid, 'SIGINFO'],
    ]);
    expect(() => host.kill(0)).toThrow(code('EINVAL'));
    expect(() => host.kill(64)).toThrow(code('EINVAL'));
  });
});

describe('components', () => {
  const found = (host: Rumpuser, name: string): Promise<unknown> => new Promise((resolve) => host.importComponent(name, resolve));

  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'host-node-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test('come from the packages of the application', async () => {
    install(folder, '@anykernel/foofs', "export const foofs = { name: 'foofs' };");
    expect(await found(hostNode({ resolveFrom: folder }), 'foofs')).toEqual({ name: 'foofs' });
  });

  test('come from packages of other names if the application says so', async () => {
    install(folder, 'acme-foofs', "export const foofs = { name: 'foofs' };");
    expect(await found(hostNode({ resolveFrom: folder, packageOf: (name) => `acme-${name}` }), 'foofs')).toEqual({ name: 'foofs' });
    expect(await found(hostNode({ resolveFrom: folder, packageOf: () => undefined }), 'foofs')).toBeUndefined();
  });

  test('come from this installation too', async () => {
    expect(await found(hostNode({ resolveFrom: folder }), 'rumpkern')).toMatchObject({ name: 'rumpkern' });
  });

  test('are absent where the package fails to load, or has no such export', async () => {
    install(folder, '@anykernel/failing', "throw new Error('no');");
    install(folder, '@anykernel/empty', 'export const other = 1;');
    const host = hostNode({ resolveFrom: folder });
    expect([await found(host, 'failing'), await found(host, 'empty')]).toEqual([undefined, undefined]);
  });
});

function install(folder: string, name: string, source: string): void {
  const dir = join(folder, 'node_modules', name);
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, 'package.json'), JSON.stringify({ name, type: 'module', exports: './index.js' }));
  writeFileSync(join(dir, 'index.js'), source);
}
