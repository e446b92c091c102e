/**
 * Imports point down: which group may import which, as the table in docs says it. Tests may import anything; circles are another rule's.
 */
import { type Edge, edgesOf } from '../edges.js';
import { COMPONENT_GROUPS, type Finding, type Tree, type Unit } from '../tree.js';

type Allows = (to: Unit, edge: Edge) => boolean;

const RUMPUSER = '@anykernel/host-rumpuser';
const inGroup =
  (...groups: readonly string[]): Allows =>
  (to) =>
    groups.includes(to.group);
const named =
  (name: string): Allows =>
  (to) =>
    to.name === name;
const onlyTypes =
  (allows: Allows): Allows =>
  (to, edge) =>
    edge.typeOnly && allows(to, edge);
const any =
  (...all: readonly Allows[]): Allows =>
  (to, edge) =>
    all.some((allows) => allows(to, edge));

const LIB = inGroup('lib');
const HYPERCALLS = onlyTypes(named(RUMPUSER));
const DRIVER = any(LIB, HYPERCALLS, inGroup(...COMPONENT_GROUPS));

/** Of each group, what it may import. */
const DIRECTIONS: Readonly<Record<string, Allows>> = {
  lib: LIB,
  host: any(LIB, named(RUMPUSER), onlyTypes(inGroup('dev', 'net'))),
  librump: any(LIB, HYPERCALLS, named('@anykernel/rumpkern')),
  kern: DRIVER,
  dev: DRIVER,
  fs: DRIVER,
  net: DRIVER,
  // A client may bring its kernel along: a host, file systems, and the package that boots them.
  client: any(LIB, inGroup('host', 'librump', 'client', ...COMPONENT_GROUPS), named('@anykernel/stack-boot')),
  stack: (to) => to.group !== 'tools' && to.group !== 'example',
  // The simulator's workloads run on the simulator. The seam of interfaces is in net/net.
  conformance: any(LIB, named(RUMPUSER), named('@anykernel/host-sim'), named('@anykernel/net'), inGroup('librump', 'conformance')),
  example: (to) => to.group !== 'tools',
  tools: () => true,
};

export function directions(tree: Tree): Finding[] {
  return tree.units.flatMap((unit) => {
    const allows = DIRECTIONS[unit.group];
    if (allows === undefined) return [{ path: unit.dir, message: `there is no group ${unit.group}` }];
    return edgesOf(tree, unit, unit.sources).flatMap((edge) => {
      const to = tree.unit(edge.to);
      if (to === undefined || allows(to, edge)) return [];
      const types = edge.typeOnly ? '' : ' (a value, not only types)';
      return edge.files.map((path) => ({ path, message: `${unit.group} may not import ${to.dir}${types}` }));
    });
  });
}
