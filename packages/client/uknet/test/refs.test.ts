/** Whether a program ends: with what is open and held, it does not. */
import { spawnSync } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';

const RUN = new URL('../../../../tools/run/typescript.mjs', import.meta.url).pathname;

/** Runs a program with a kernel and its `net`. Returns what it prints; an alarm that does not keep it running says that something else does. */
function program(body: string): string {
  const source = `
    import { hostNode } from '@anykernel/host-node';
    import { local } from '@anykernel/local';
    import { boot } from '@anykernel/rumpkern';
    import { uknet } from '@anykernel/uknet';
    const net = uknet(boot(hostNode(), [local]).newproc());
    const alarm = () => setTimeout(() => { console.log('goes on'); process.exit(0); }, 300).unref();
    process.on('exit', () => console.log('ends'));
    ${body}`;
  const cwd = new URL('..', import.meta.url).pathname;
  const result = spawnSync(process.execPath, ['--import', RUN, '--input-type=module', '-e', source], { cwd, encoding: 'utf8', timeout: 60_000 });
  expect([result.status, result.stderr]).toEqual([0, '']);
  return result.stdout;
}

describe('a program', () => {
  test('ends when what is open is not held', () => {
    const body = `
      const gone = net.createServer().listen('/gone', () => gone.close());
      const s = net.createServer((c) => c.unref()).listen('/s', () => {
        s.unref();
        const c = net.connect('/s', () => { c.unref(); console.log('open'); alarm(); });
      });`;
    expect(program(body)).toBe('open\nends\n');
  }, 90_000);

  test.each([
    ['a server', "net.createServer().listen('/s', alarm);"],
    ['a connection', "const s = net.createServer((c) => c.unref()).listen('/s', () => { s.unref(); net.connect('/s', alarm); });"],
  ])('goes on with %s that is held', (_name, body) => {
    expect(program(body)).toBe('goes on\nends\n');
  }, 90_000);
});
