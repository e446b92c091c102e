/** The suite of hosts on the simulator: transfers that end at once, that end later, and a host without anything. */
import { type HostConformance, type HostSubject, hostConformance } from '@anykernel/conformance-rumpuser';
import { Sim, type SimHostOptions, type SimOptions } from '../src/index.js';

const half = { name: 'virtif', revision: 3 };

function subject(simOptions: SimOptions, hostOptions: SimHostOptions): HostSubject {
  const sim = new Sim({ seed: 20261, ...simOptions });
  const host = sim.host(hostOptions);
  sim.disk('readonly', { size: 512, readonly: true });
  return {
    host,
    wait: (ns) => void sim.advance(ns),
    path: (name) => name,
    readonlyFile: 'readonly',
    component: 'foofs',
    half,
    output: () => host.console,
    type: (bytes) => host.type(bytes),
  };
}

const whole: SimHostOptions = { components: [{ name: 'foofs' }], halves: [{ ...half, impl: {} }] };

const suites: HostConformance[] = [
  { name: 'host/sim', make: () => subject({}, whole) },
  { name: 'host/sim, transfers of 100 µs', asynchronous: true, make: () => subject({ files: { sync: false } }, whole) },
  {
    name: 'host/sim, transfers of no time to 5 ms',
    asynchronous: true,
    make: () => subject({ files: { sync: false, latencyNs: [0, 5_000_000] } }, whole),
  },
  {
    name: 'host/sim with nothing',
    lacks: ['files', 'consoleInput', 'importComponent', 'half'],
    make: () => ({ ...subject({ files: false }, { input: false }), half: undefined }),
  },
];
for (const suite of suites) hostConformance(suite);
