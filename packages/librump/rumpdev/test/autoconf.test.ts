import { describe, expect, test } from '@jest/globals';
import { ERR, Errno } from '@anykernel/lib-sys';
import { Autoconf, type Cfattach } from '../src/index.js';

function errnoOf(fn: () => unknown): string | undefined {
  try {
    fn();
    return undefined;
  } catch (e) {
    if (e instanceof Errno) return e.code;
    throw e;
  }
}

/** A driver that notes what it is asked. */
function driver(name: string, log: string[] = [], busy = false): Cfattach {
  return {
    name,
    attach: (self, aux) => {
      log.push(`attach ${self.name} ${String(aux)}`);
      return { aux };
    },
    detach: (self, force) => {
      log.push(`detach ${self.name}`);
      if (busy && !force) throw ERR.EBUSY;
    },
  };
}

describe('autoconf', () => {
  test('pseudo devices get the lowest free unit, or the one that they ask for', () => {
    const conf = new Autoconf();
    conf.cfattach(driver('md'));
    expect([conf.attachPseudo('md').name, conf.attachPseudo('md', 5).name, conf.attachPseudo('md').name]).toEqual(['md0', 'md5', 'md1']);
    expect(errnoOf(() => conf.attachPseudo('md', 5))).toBe('EEXIST');
    conf.detach(conf.find('md0')!);
    expect(conf.attachPseudo('md').name).toBe('md0');
  });

  test('a driver that is not known is ENXIO, a name that is taken EEXIST', () => {
    const conf = new Autoconf();
    expect(errnoOf(() => conf.attachPseudo('vnd'))).toBe('ENXIO');
    conf.cfattach(driver('md'));
    expect(errnoOf(() => conf.cfattach(driver('md')))).toBe('EEXIST');
    expect(errnoOf(() => conf.cfattach(driver('mainbus')))).toBe('EEXIST');
  });

  test('a device whose attach fails is not there', () => {
    const conf = new Autoconf();
    conf.cfattach({
      name: 'bad',
      attach: () => {
        throw ERR.ENODEV;
      },
    });
    expect(errnoOf(() => conf.attachPseudo('bad'))).toBe('ENODEV');
    expect(conf.find('bad0')).toBeUndefined();
  });

  test('a bus and what it finds are a tree; detaching goes from the leaves up', () => {
    const log: string[] = [];
    const conf = new Autoconf();
    for (const name of ['usb', 'uhub', 'umass']) conf.cfattach(driver(name, log));
    const usb = conf.found(conf.root, 'usb', 'a');
    const hub = conf.found(usb, 'uhub', 'b');
    conf.found(hub, 'umass', 'c');
    expect(conf.list().map((d) => `${d.name} at ${d.parent}`)).toEqual(['mainbus0 at undefined', 'usb0 at mainbus0', 'uhub0 at usb0', 'umass0 at uhub0']);
    log.length = 0;
    conf.detach(usb);
    expect(log).toEqual(['detach umass0', 'detach uhub0', 'detach usb0']);
    expect(conf.list()).toHaveLength(1);
    expect(errnoOf(() => conf.found(hub, 'umass'))).toBe('ENXIO');
  });

  test('a device in use is EBUSY, unless it is forced; one whose driver cannot let it go is EOPNOTSUPP', () => {
    const conf = new Autoconf();
    conf.cfattach(driver('md', [], true));
    conf.cfattach({ name: 'fixed', attach: () => undefined });
    const dev = conf.attachPseudo('md');
    expect(errnoOf(() => conf.detach(dev))).toBe('EBUSY');
    expect(conf.find('md0')).toBe(dev);
    conf.detach(dev, true);
    expect(errnoOf(() => conf.detach(dev))).toBe('ENXIO');
    expect(errnoOf(() => conf.detach(conf.attachPseudo('fixed')))).toBe('EOPNOTSUPP');
  });

  test('a driver with devices cannot go', () => {
    const conf = new Autoconf();
    const md = driver('md');
    conf.cfattach(md);
    const dev = conf.attachPseudo('md');
    expect(errnoOf(() => conf.cfdetach(md))).toBe('EBUSY');
    conf.detach(dev);
    conf.cfdetach(md);
    expect(errnoOf(() => conf.cfdetach(md))).toBe('ENXIO');
  });
});
