import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { component } from '@anykernel/lib-component';
import { hostBrowser } from '../src/index.js';

afterEach(() => void jest.restoreAllMocks());

describe('the console', () => {
  test('is shown by lines, as the platform has no less; bytes are UTF-8, text is text', () => {
    const lines: unknown[] = [];
    jest.spyOn(console, 'log').mockImplementation((line) => void lines.push(line));
    const host = hostBrowser();
    for (const text of ['a', 'b\n', '\xc3', '\xa9\nlogin: ', '→\n\n']) host.putchars(text);
    expect(lines).toEqual(['ab', 'é', 'login: →', '']);
  });

  test('goes to the application as it is', () => {
    const got: string[] = [];
    const host = hostBrowser({ output: (text) => got.push(text) });
    for (const text of ['no end', 'gr\xc3', '\xbc\xc3\x9fe', '→']) host.putchars(text);
    expect(got).toEqual(['no end', 'gr', 'üße', '→']);
  });

  test('gives the kernel what is typed from the event loop, also when the application calls from inside', async () => {
    const typed = Uint8Array.of(1, 2);
    const host = hostBrowser({
      input: (give) => {
        give(typed);
        return undefined;
      },
    });
    let inside = true;
    const heard = new Promise((resolve) => host.consoleInput((bytes) => resolve([inside, ...bytes])));
    inside = false;
    typed.fill(9);
    expect(await heard).toEqual([false, 1, 2]);
  });
});

describe('ends and signals', () => {
  test('are told to the application, or shown', () => {
    const told: unknown[] = [];
    const host = hostBrowser({ onExit: (how) => told.push(how), onKill: (signo) => told.push(signo) });
    host.exit('panic');
    host.exit(0);
    host.kill(15);
    expect(told).toEqual(['panic', 0, 15]);
    expect(() => host.kill(99)).toThrow(expect.objectContaining({ code: 'EINVAL' }));

    const shown = jest.spyOn(console, 'error').mockImplementation(() => {});
    for (const how of ['panic', 0, 3] as const) hostBrowser().exit(how);
    hostBrowser().kill(15);
    expect(shown.mock.calls.map(([line]) => line)).toEqual([
      'rump kernel: panic',
      'rump kernel: exit status 3',
      'rump kernel: SIGTERM for the program around it',
    ]);
  });
});

describe('components', () => {
  const imported = (host: ReturnType<typeof hostBrowser>, name: string): Promise<unknown> =>
    new Promise((resolve) => host.importComponent(name, resolve));

  test('come from the application, later or at once', async () => {
    const foofs = component({ name: 'foofs', class: 'vfs', requires: [], attach: () => 1 });
    expect(await imported(hostBrowser({ importComponent: () => foofs }), 'foofs')).toBe(foofs);
    expect(await imported(hostBrowser({ importComponent: async () => foofs }), 'foofs')).toBe(foofs);
    const failing = hostBrowser({
      importComponent: () => {
        throw new Error('no network');
      },
    });
    expect(await imported(failing, 'foofs')).toBeUndefined();
  });

  test('come from packages by import() otherwise', async () => {
    expect(await imported(hostBrowser(), 'rumpkern')).toMatchObject({ name: 'rumpkern' });
    expect(await imported(hostBrowser(), 'nosuchcomponent')).toBeUndefined();
  });
});

test('random bytes fill more than the platform gives at once, and shared memory', () => {
  const host = hostBrowser();
  const buf = new Uint8Array(new SharedArrayBuffer(200_001));
  host.getrandom(buf);
  for (let off = 0; off + 64 <= buf.length; off += 64) expect(buf.subarray(off, off + 64).some((byte) => byte !== 0)).toBe(true);
  expect(buf.subarray(-16).some((byte) => byte !== 0)).toBe(true);
});
