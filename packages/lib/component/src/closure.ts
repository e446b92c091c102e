/**
 * The closure of a set of leaves over their `requires` edges, in the order in which they attach: what is required comes first, and
 * otherwise in the order in which it was named, so that the order depends on the declarations alone.
 */
import { type AnyComponent, COMPONENT_ABI, isComponent } from './component.js';

/** Why a set of components makes no kernel. The message names the components. */
export class ClosureError extends Error {
  override name = 'ClosureError';
}

/**
 * All that `leaves` need, each once, in attach order. `loaded` are those that a running kernel has already: they are not given again,
 * and count for the checks. Throws ClosureError: a component of another interface version, two copies of one component, two
 * components for one role, a circle.
 */
export function closure(leaves: readonly AnyComponent[], loaded: readonly AnyComponent[] = []): AnyComponent[] {
  const byName = new Map<string, AnyComponent>();
  const byRole = new Map<string, AnyComponent>();
  const order: AnyComponent[] = [];
  const path: AnyComponent[] = [];

  for (const c of loaded) admit(c, byName, byRole);
  const visit = (c: AnyComponent): void => {
    if (!isComponent(c)) throw new ClosureError(`${path.at(-1)?.name ?? 'the application'} requires something that is no component`);
    if (path.includes(c)) throw new ClosureError(`components require each other in a circle: ${[...path, c].map((x) => x.name).join(' -> ')}`);
    if (byName.get(c.name) === c) return;
    admit(c, byName, byRole);
    path.push(c);
    for (const r of c.requires) visit(r);
    path.pop();
    order.push(c);
  };
  for (const c of leaves) visit(c);
  return order;
}

function admit(c: AnyComponent, byName: Map<string, AnyComponent>, byRole: Map<string, AnyComponent>): void {
  if (c.abi !== COMPONENT_ABI) {
    throw new ClosureError(`component ${c.name} was made for interface ${c.abi}, this is ${COMPONENT_ABI}: install a version of ${c.name} that fits`);
  }
  if (byName.has(c.name)) {
    throw new ClosureError(`there are two copies of component ${c.name}: one package is installed twice (npm ls shows where)`);
  }
  byName.set(c.name, c);
  for (const role of c.provides) {
    const other = byRole.get(role);
    if (other !== undefined) throw new ClosureError(`${other.name} and ${c.name} both provide ${role}: a kernel takes one of them`);
    byRole.set(role, c);
  }
}
