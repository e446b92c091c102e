/** Commands about stacks: compose, graph, why, weigh. */
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import {
  type ResolvedComponent,
  type Stack,
  type StackHost,
  bundle,
  componentsOf,
  directoryOf,
  drawSvg,
  drawText,
  graphOf,
  readStackFile,
  resolveComponents,
  weigh as weighStack,
  why as whyIn,
} from '@anykernel/stack-compose';
import { bytesOf, toBytestr } from '@anykernel/lib-bytes';
import type { Context } from '../context.js';
import { UsageError } from '../errors.js';
import { columns } from '../format.js';

/** What the command brings along can be named anywhere. */
const HERE = import.meta.dirname;

export interface StackOptions {
  readonly stack?: string;
  readonly host?: string;
  readonly app?: string;
}

interface Chosen {
  readonly components: readonly ResolvedComponent[];
  readonly stack: Stack;
  readonly app: string | undefined;
}

/** The stack that operands and options mean: components by name, a stack file, or both. UsageError. */
async function choose(names: readonly string[], o: StackOptions): Promise<Chosen> {
  if (names.length === 0 && o.stack === undefined) throw new UsageError('name components (ext2fs tmpfs ...), or a stack file with --stack');
  if (o.host !== undefined && o.host !== 'node' && o.host !== 'worker') throw new UsageError(`host ${o.host}: is node or worker`);
  const file: Stack = o.stack === undefined ? { components: [], host: 'node', mounts: [], setup: [] } : readStackFile(o.stack);
  const base = o.stack === undefined ? process.cwd() : directoryOf(o.stack);
  const fromFile = await componentsOf(file, [base, HERE]);
  const named = await resolveComponents(names, [process.cwd(), HERE]);
  const components = [...fromFile, ...named.filter((n) => !fromFile.some((f) => f.component === n.component))];
  const app = o.app !== undefined ? resolve(o.app) : file.app === undefined ? undefined : resolve(base, file.app);
  return { components, stack: { ...file, host: (o.host as StackHost | undefined) ?? file.host }, app };
}

function graphFor(c: Chosen): ReturnType<typeof graphOf> {
  return graphOf(c.components.map((x) => x.component));
}

/** Text of any kind, as it is. */
function print(ctx: Context, text: string): void {
  ctx.io.out(bytesOf(toBytestr(text)));
}

export async function graph(ctx: Context, names: readonly string[], o: StackOptions & { readonly format?: string }): Promise<void> {
  const format = o.format ?? 'text';
  if (format !== 'text' && format !== 'svg' && format !== 'json') throw new UsageError(`format ${format}: is text, svg or json`);
  const g = graphFor(await choose(names, o));
  if (ctx.json) ctx.put(g, '');
  else if (format === 'json') print(ctx, `${JSON.stringify(g, undefined, 2)}\n`);
  else print(ctx, format === 'svg' ? drawSvg(g) : drawText(g));
}

export async function why(ctx: Context, name: string, names: readonly string[], o: StackOptions): Promise<void> {
  const ways = whyIn(graphFor(await choose(names, o)), name);
  for (const way of ways) ctx.put({ way }, way.length === 1 ? `${name}: you asked for it` : way.join(' -> '));
  if (ways.length === 0) ctx.complain(toBytestr(name), new Error('is not in this stack'));
}

export async function weigh(ctx: Context, names: readonly string[], o: StackOptions): Promise<void> {
  const c = await choose(names, o);
  const w = await weighStack({
    components: c.components,
    mounts: c.stack.mounts,
    host: c.stack.host,
    ...(c.app === undefined ? {} : { app: c.app }),
  });
  const all = [...w.packages, { name: 'the whole bundle', minified: w.minified, gzip: w.gzip }];
  const lines = columns([['package', 'minified', 'gzip'], ...all.map((p) => [p.name, String(p.minified), String(p.gzip)])], [1, 2]);
  ctx.say(lines[0] ?? '');
  for (const [i, p] of all.entries()) ctx.put(p, lines[i + 1] ?? '');
}

export interface ComposeOptions extends StackOptions {
  readonly out?: string;
  readonly minify?: boolean;
}

export async function compose(ctx: Context, names: readonly string[], o: ComposeOptions): Promise<void> {
  const c = await choose(names, o);
  graphFor(c);
  const base = o.stack === undefined ? '.' : directoryOf(o.stack);
  // On a page a source is the address of an image, relative to the bundle.
  const place = (source: string): string => (c.stack.host === 'worker' ? source : resolve(base, source));
  const mounts = c.stack.mounts.map((m) => (m.source === undefined ? m : { ...m, source: place(m.source) }));
  const app = c.app === undefined ? {} : { app: c.app };
  const made = await bundle({ components: c.components, mounts, setup: c.stack.setup, host: c.stack.host, minify: o.minify === true, ...app });
  if (o.out === undefined || o.out === '-') return ctx.io.out(made.code);
  writeFileSync(o.out, made.code);
  const file = toBytestr(o.out);
  ctx.put(
    { file, bytes: made.code.length, modules: made.inputs.length },
    `${file}: ${made.code.length} bytes from ${made.inputs.length} modules`,
  );
}
