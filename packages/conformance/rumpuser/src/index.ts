/**
 * The conformance suite of hosts: what every implementation of the hypercalls must do, as jest tests.
 *
 * A host package calls hostConformance() in a test file of its own. What the host lacks it says, and the suite then demands that it refuses
 * cleanly; nothing is skipped.
 */
import { describe } from '@jest/globals';
import { consoleTests } from './console.js';
import { fileTests } from './files.js';
import { memoryTests } from './memory.js';
import { partTests } from './parts.js';
import type { HostConformance } from './subject.js';
import { timeTests } from './time.js';
import { transferTests } from './transfers.js';

export type { HostConformance, HostLack, HostSubject } from './subject.js';

/** Declares the tests of one host. */
export function hostConformance(conformance: HostConformance): void {
  describe(conformance.name, () => {
    memoryTests(conformance);
    timeTests(conformance);
    partTests(conformance);
    consoleTests(conformance);
    fileTests(conformance);
    transferTests(conformance);
  });
}
