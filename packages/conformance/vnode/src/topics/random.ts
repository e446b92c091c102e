/**
 * System calls drawn by seed, by several processes with credentials, places and open files of their own, on a file system and on a model of it; whole
 * trees are compared. A failure names its seed. CONFORMANCE_SEEDS=n in the environment tries n more seeds.
 */
import { type Cases, needing } from '../cases.js';
import { type Context, OTHER, USER, codeOf } from '../context.js';
import { difference } from '../posix/compare.js';
import { Draw } from '../posix/draw.js';
import { Node } from '../posix/nodes.js';
import { type Step, type World, nameSteps, stepsFor } from '../posix/steps.js';
import type { Process, Tree } from '../posix/walk.js';
import type { Actor } from '../subject.js';

const OPERATIONS = 1500;
const COMPARE_EVERY = 100;
const SHARED_GROUP = 100;

function treeOf(t: Context): Tree {
  const root = new Node('dir', 0o777, 0, 0);
  root.parent = root;
  const folds = t.lacks('anynames');
  return {
    root,
    path: t.dir,
    linux: t.manners === 'linux',
    nameMax: t.limits.nameMax,
    key: (name) => (folds ? name.toLowerCase() : name),
  };
}

/** Where there are no owners, everybody is the superuser. */
function processesOf(t: Context, tree: Tree): Process[] {
  const actors: Actor[] = [{ uid: 0, gid: 0 }, { ...USER, groups: [SHARED_GROUP] }, USER, { ...OTHER, groups: [SHARED_GROUP] }];
  return actors.map((actor) => {
    const { uid, gid, groups = [] } = t.lacks('owners') || t.lacks('modes') ? { uid: 0, gid: 0 } : actor;
    const sys = t.as({ uid, gid, groups });
    sys.umask(0o022);
    return { sys, uid, gid, groups, umask: 0o022, cwd: tree.root, files: [] };
  });
}

/** Makes the call, and says what is wrong with what comes of it. */
function perform({ plan, call }: Step): readonly [wrong: string | undefined, code: string | undefined] {
  if (plan === undefined) return [undefined, undefined];
  let result: unknown;
  const code = codeOf(() => {
    result = call();
  });
  if (code === undefined) return [plan.errors.length > 0 ? `the model says ${plan.errors.join(' or ')}` : plan.apply?.(result), code];
  const fine = plan.errors.includes(code) || (plan.errors.length === 0 && plan.may?.includes(code) === true);
  return [fine ? undefined : `the model says ${plan.errors.length === 0 ? 'success' : plan.errors.join(' or ')}`, code];
}

function run(t: Context, seed: number, operations: ReturnType<typeof stepsFor>): void {
  const tree = treeOf(t);
  const draw = new Draw(seed, t.dir, t.limits.nameMax);
  const world: World = { t, tree, draw, ids: [0, USER.uid, OTHER.uid, SHARED_GROUP] };
  const procs = processesOf(t, tree);
  // What has no handles may give a file another number when it comes back into memory.
  if (seed % 2 === 0 && !t.lacks('handles')) t.subject.squeeze?.();
  const history: string[] = [];
  const check = (wrong: string | undefined): void => {
    if (wrong !== undefined) throw new Error(`seed ${seed}, operation ${history.length}: ${wrong}\n${history.slice(-40).join('\n')}`);
  };
  while (history.length < OPERATIONS) {
    // The superuser comes most often, since the others may less and less.
    const n = draw.below(3) === 0 ? draw.below(procs.length) : 0;
    const p = procs[n] as Process;
    const step = draw.of(operations)(world, p);
    if (step?.plan === undefined) continue;
    const [wrong, code] = perform(step);
    history.push(`process ${n}: ${step.what}: ${code ?? 'done'}`);
    check(wrong);
    if (history.length % COMPARE_EVERY > 0) continue;
    check(difference(t, tree.root, procs));
    t.tick();
  }
  check(afterRemount(t, tree, procs));
}

/** What is on a device is what was there before it was mounted again. */
function afterRemount(t: Context, { root }: Tree, procs: readonly Process[]): string | undefined {
  for (const { sys, files } of procs) for (const f of files.splice(0)) sys.close(f.fd);
  if (t.subject.remount === undefined || t.lacks('remount')) return difference(t, root, procs);
  t.sys.chdir('/');
  t.subject.remount(false);
  t.sys.chdir(t.dir);
  if (t.lacks('handles')) forgetNumbers(root);
  return difference(t, root, procs);
}

/** What has no handles may number its files anew. */
function forgetNumbers(node: Node): void {
  node.ino = undefined;
  for (const entry of node.entries.values()) forgetNumbers(entry.node);
}

const MORE = Number(process.env['CONFORMANCE_SEEDS'] ?? 0);
const SEEDS: readonly number[] = [1, 2, 3, 4, ...Array.from({ length: MORE }, (_, i) => 1000 + i)];

export const random: Cases = Object.fromEntries([
  ...SEEDS.map((seed) => [
    `${OPERATIONS} operations with seed ${seed} do what they do to a model`,
    (t: Context) => run(t, seed, stepsFor(t)),
  ]),
  ['names alone, with seed 100: renaming and linking most of all', needing('rename', 'hardlinks', (t) => run(t, 100, nameSteps))],
]);
