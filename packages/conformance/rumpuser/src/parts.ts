/** Randomness, parameters, components, halves of drivers. */
import { describe, expect, test } from '@jest/globals';
import type { HostHalf } from '@anykernel/host-rumpuser';
import { type HostConformance, type HostSubject, eachSubject, lacks } from './subject.js';

const MS = 1_000_000;

export function partTests(conformance: HostConformance): void {
  randomTests(conformance);
  paramTests(conformance);
  componentTests(conformance);
  halfTests(conformance);
}

function randomTests(conformance: HostConformance): void {
  describe('random bytes', () => {
    const get = eachSubject(conformance);

    test('fill the buffer whole, and differ from those before', () => {
      const one = new Uint8Array(4099);
      const two = new Uint8Array(4099);
      get().host.getrandom(one);
      get().host.getrandom(two);
      expect(one).not.toEqual(two);
      // 64 bytes that are all zero come once in 2^512.
      for (let off = 0; off + 64 <= one.length; off += 64) expect(one.subarray(off, off + 64).some((byte) => byte !== 0)).toBe(true);
      expect(one.subarray(-16).some((byte) => byte !== 0)).toBe(true);
    });

    test('fill a view and nothing beside it', () => {
      const whole = new Uint8Array(96);
      get().host.getrandom(whole.subarray(32, 64));
      expect(whole.subarray(0, 32)).toEqual(new Uint8Array(32));
      expect(whole.subarray(32, 64)).not.toEqual(new Uint8Array(32));
      expect(whole.subarray(64)).toEqual(new Uint8Array(32));
    });

    test('fill an empty buffer', () => {
      get().host.getrandom(new Uint8Array(0));
    });
  });
}

function paramTests(conformance: HostConformance): void {
  describe('parameters', () => {
    const get = eachSubject(conformance);

    test('_RUMPUSER_NCPU is a number, 1 or more', () => {
      expect(get().host.getparam('_RUMPUSER_NCPU')).toMatch(/^[1-9]\d*$/);
    });

    test('_RUMPUSER_HOSTNAME is a name', () => {
      expect(get().host.getparam('_RUMPUSER_HOSTNAME')).toMatch(/^[\w.-]+$/);
    });

    test('what nobody has set is undefined', () => {
      expect(get().host.getparam('RUMP_NOBODY_SETS_THIS')).toBeUndefined();
      expect(get().host.getparam('toString')).toBeUndefined();
    });
  });
}

function componentTests(conformance: HostConformance): void {
  describe('components', () => {
    const get = eachSubject(conformance);
    const none = lacks(conformance, 'importComponent');

    test.each(['nosuchcomponent', '../rumpkern', 'a/b', 'file:', '', '__proto__', 'constructor'])(
      'of the name %j there is none, and that is said from the event loop',
      async (name) => {
        expect(await imported(get(), name)).toBeUndefined();
      },
    );

    test(none ? 'this host has none' : 'one that is there comes from the event loop', async () => {
      const { component } = get();
      if (none) return expect(await imported(get(), 'rumpkern')).toBeUndefined();
      if (component === undefined) throw new Error('a host with components names one: HostSubject.component');
      expect(await imported(get(), component)).toMatchObject({ name: component });
    });

    if (none) return;
    test('is the same one each time', async () => {
      const component = get().component ?? '';
      expect(await imported(get(), component)).toBe(await imported(get(), component));
    });
  });
}

function halfTests(conformance: HostConformance): void {
  describe('halves of drivers', () => {
    const get = eachSubject(conformance);
    const none = lacks(conformance, 'half');

    test('a driver that this host does not know has no half', () => {
      expect(get().host.half({ name: 'nosuchdriver', revision: 1 })).toBeUndefined();
      expect(get().host.half({ name: 'toString', revision: 1 })).toBeUndefined();
    });

    test(none ? 'this host has none' : 'one that it has is there, and in another revision it is not', () => {
      const { host, half } = get();
      if (none) return expect(half).toBeUndefined();
      if (half === undefined) throw new Error('a host with halves names one: HostSubject.half');
      expect(host.half(half)).toBeDefined();
      const next: HostHalf<unknown> = { name: half.name, revision: half.revision + 1 };
      expect(host.half(next)).toBeUndefined();
    });
  });
}

/** What importComponent() finds: once, later. */
async function imported(subject: HostSubject, name: string): Promise<unknown> {
  const found: unknown[] = [];
  subject.host.importComponent(name, (component) => found.push(component));
  expect(found).toHaveLength(0);
  for (let ms = 0; found.length === 0 && ms < 10_000; ms++) await subject.wait(MS);
  expect(found).toHaveLength(1);
  return found[0];
}
