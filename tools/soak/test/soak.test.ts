/** Two hundred networks, a thousand hosts, many idle connections; and what the command says of one that is not as it must be. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Crowd, type Idle, planOf } from '../src/index.js';
import type {} from '../src/main.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

function soak(...args: string[]): { status: number | null; out: string } {
  const command = ['--import', './tools/run/typescript.mjs', 'tools/soak/src/main.ts', '--jobs', '1', ...args];
  const { status, stdout } = spawnSync(process.execPath, command, { cwd: ROOT, encoding: 'utf8', timeout: 580_000, env: { ...process.env, NODE_OPTIONS: '' } });
  return { status, out: stdout };
}

test('two hundred seeds: every byte arrives, nothing is left, and a run is the same again', () => {
  const { status, out } = soak('--seeds', '1..200', '--repeat', '20');
  expect(out).toMatch(/^200 runs, \d+ kernels, \d+ packets, [\d.]+ MB: all as it must be\n$/);
  expect(status).toBe(0);
}, 600_000);

test('the plans of the first thousand seeds have what they are made for', () => {
  const plans = Array.from({ length: 1000 }, (_, seed) => planOf(seed + 1));
  const nodes = plans.map((plan) => plan.nodes.length);
  expect([Math.min(...nodes), Math.max(...nodes) > 45]).toEqual([2, true]);
  expect(Math.max(...nodes)).toBeLessThanOrEqual(50);
  const some = [
    plans.some((plan) => plan.buses[0].loss === 0.2), plans.some((plan) => plan.offload), plans.some((plan) => plan.buses.length === 6),
    plans.some((plan) => plan.nodes.some((node) => node.buses.length > 2)), plans.some((plan) => plan.buses.some((bus) => bus.rate !== undefined)),
    ...(['duplicate', 'corrupt', 'reorder', 'jitterMs'] as const).map((what) => plans.some((plan) => plan.buses[0][what] > 0)),
    ...(['flags', 'wire'] as const).map((how) => plans.some((plan) => plan.flaps.some((flap) => flap.how === how))),
    ...([4, 6] as const).flatMap((family) => (['tcp', 'udp'] as const).map((kind) => plans.some((plan) => plan.flows.some((flow) => flow.kind === kind && flow.family === family)))),
  ];
  expect(some).toEqual(some.map(() => true));
  expect(planOf(7)).toEqual(planOf(7));
});

test('wrong arguments are told', () => {
  expect(soak('--seeds', 'x').status).toBe(2);
});

test('a thousand hosts in one process ping one and have a connection to it, in less than 400 KiB each', () => {
  const { hosts, pinged, echoed, bytesEach } = JSON.parse(soak('--crowd', '1000').out) as Crowd;
  expect([hosts, pinged, echoed]).toEqual([1000, 999, 999]);
  expect(bytesEach).toBeLessThan(400 << 10);
}, 600_000);

test('an idle TCP connection takes less than 4 KiB, with both its ends, and gives all back', () => {
  const { alive, bytesEach, bytesLeft, connections } = JSON.parse(soak('--idle', '20000').out) as Idle;
  expect(alive).toBe(true);
  expect(bytesEach).toBeLessThan(4096);
  expect(bytesLeft / connections).toBeLessThan(400);
}, 600_000);
