/** The console. */
import { describe, expect, test } from '@jest/globals';
import { ERR, type HostConformance, type HostSubject, eachSubject, lacks, thrown } from './subject.js';

const MS = 1_000_000;

export function consoleTests(conformance: HostConformance): void {
  const none = lacks(conformance, 'consoleInput');

  describe('the console', () => {
    const get = eachSubject(conformance);

    test('shows text as it is: no line ends are added, none are lost', () => {
      const { host, output } = get();
      for (const text of ['rump', '', ' kernel\n', 'no end']) host.putchars(text);
      if (output !== undefined) expect(output()).toBe('rump kernel\nno end');
    });

    test('not to listen is always possible', () => {
      get().host.consoleInput(undefined);
      get().host.consoleInput(undefined);
    });

    test(none ? 'this host has no input: ENXIO' : 'what is typed comes from the event loop', async () => {
      const { host, type } = get();
      if (none) return expect(thrown(() => host.consoleInput(() => {}))).toBe(ERR.ENXIO);
      if (type === undefined) throw new Error('a host with console input can be typed on: HostSubject.type()');
      const got: number[] = [];
      host.consoleInput((bytes) => got.push(...bytes));
      expect(got).toEqual([]);
      type(Uint8Array.of(104, 105, 0, 0xff, 10));
      await heard(get(), got, 5);
      expect(got).toEqual([104, 105, 0, 0xff, 10]);
      host.consoleInput(undefined);
    });

    if (none) return;
    test('who has stopped to listen hears no more, and who came in his place does', async () => {
      const { host, type } = get();
      const first: number[] = [];
      const second: number[] = [];
      host.consoleInput((bytes) => first.push(...bytes));
      type?.(Uint8Array.of(1));
      await heard(get(), first, 1);
      host.consoleInput((bytes) => second.push(...bytes));
      type?.(Uint8Array.of(2));
      await heard(get(), second, 1);
      host.consoleInput(undefined);
      type?.(Uint8Array.of(3));
      await get().wait(2 * MS);
      expect([first, second]).toEqual([[1], [2]]);
    });
  });
}

async function heard(subject: HostSubject, got: readonly number[], count: number): Promise<void> {
  for (let ms = 0; got.length < count && ms < 2000; ms++) await subject.wait(MS);
}
