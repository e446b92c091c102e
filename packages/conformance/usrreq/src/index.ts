/**
 * The conformance suite of protocols: what sockets of every protocol must do, at the system call interface, as jest tests.
 */
import { afterEach, beforeEach, describe, test } from '@jest/globals';
import { SOCK_DGRAM, SOCK_STREAM } from '@anykernel/lib-sys';
import { connections } from './connections.js';
import { datagrams } from './datagrams.js';
import { ends } from './ends.js';
import { listening, paccept } from './listening.js';
import { boundedMessages, messages } from './messages.js';
import { options } from './options.js';
import { readiness } from './readiness.js';
import { connectedRefusals, datagramRefusals, refusals } from './refusals.js';
import { streams } from './streams.js';
import { type Cases, Context, type UsrreqConformance } from './subject.js';
import { waiting } from './waiting.js';

export type { UsrreqConformance, UsrreqLack, UsrreqSubject } from './subject.js';

/** Topics by what they are about, for sockets of a type. */
function topicsFor(type: number): readonly (readonly [string, Cases])[] {
  const common: [string, Cases][] = [['refused:', refusals], ['options:', options], ['messages', messages]];
  if (type !== SOCK_STREAM) common.push(['messages', boundedMessages]);
  if (type === SOCK_DGRAM) return [...common, ['refused:', datagramRefusals], ['datagrams', datagrams]];
  const connected: [string, Cases][] = [
    ...common,
    ['refused:', connectedRefusals],
    ['a connection', connections],
    ['a listening socket', listening],
    ['paccept:', paccept],
    ['the end', ends],
    ['waiting', waiting],
    ['readiness', readiness],
  ];
  return type === SOCK_STREAM ? [...connected, ['a stream', streams]] : connected;
}

export function usrreqConformance(conf: UsrreqConformance): void {
  describe(`${conf.name} as a protocol`, () => {
    let context: Context | undefined;
    beforeEach(async () => {
      context = new Context(await conf.make(), conf);
    });
    afterEach(async () => {
      await context?.end();
      context = undefined;
    });
    for (const [title, cases] of topicsFor(conf.type)) {
      for (const [name, body] of Object.entries(cases)) test(`${title} ${name}`, () => body(context as Context));
    }
  });
}
