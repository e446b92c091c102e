/**
 * The conformance suite of block devices: what every driver behind a bdevsw must do, as jest tests.
 */
import { afterEach, beforeEach, describe } from '@jest/globals';
import { commandTests, openTests } from './open.js';
import { type BdevConformance, Driver } from './subject.js';
import { flushTests, placeTests, refusalTests, transferTests } from './transfers.js';

export type { BdevConformance, BdevSubject } from './subject.js';

export function bdevConformance(conformance: BdevConformance): void {
  describe(`${conformance.name} as a block device`, () => {
    let driver: Driver | undefined;
    const get = (): Driver => driver as Driver;
    beforeEach(async () => {
      driver = new Driver(await conformance.make());
    });
    afterEach(() => {
      driver?.subject.close?.();
      driver = undefined;
    });
    openTests(get);
    commandTests(get);
    transferTests(get, conformance.asynchronous === true);
    placeTests(get);
    refusalTests(get);
    flushTests(get);
  });
}
