/**
 * The conformance suite of network interfaces: what every driver behind an Ifnet must do, at the ioctls, the routing socket, and on its wire, as jest tests.
 */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { addresses, frames, offload } from './ethernet.js';
import { commands, life } from './life.js';
import { loops, packets, queues } from './packets.js';
import { type Cases, Context, type IfnetConformance } from './subject.js';

export type { IfnetConformance, IfnetSubject, IfWire } from './subject.js';

export function ifnetConformance(conformance: IfnetConformance): void {
  const topics: [string, Cases][] = [['life:', life], ['commands:', commands], ['packets:', packets]];
  if (conformance.loopback === true) topics.push(['loopback:', loops]);
  else topics.push(['queues:', queues], ['addresses:', addresses], ['frames:', frames], ['offload:', offload]);
  describe(`${conformance.name} as an interface`, () => {
    let context: Context | undefined;
    beforeEach(() => {
      context = new Context(conformance);
    });
    afterEach(() => {
      // Whatever a test did, no mbuf is left of it.
      const left = context?.end();
      context = undefined;
      expect(left).toBe(0);
    });
    for (const [title, cases] of topics) {
      for (const [name, body] of Object.entries(cases)) test(`${title} ${name}`, () => body(context as Context));
    }
  });
}
