/**
 * `node:fs` and `node:fs/promises` with every function that has a path or a descriptor routed.
 *
 * Node's own streams open, read and close by the functions of `fs`, so they are the same on both sides, and so is all of Node's that is built so.
 */
import * as nodeFs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { FileHandle, type Ukfs } from '@anykernel/ukfs';
import { copyAcross, refuseAcross } from './across.js';
import type { Fn, Replacements, Table } from './functions.js';
import { globOf } from './globs.js';
import { type Form, type Pair, Router } from './router.js';
import type { Names } from './names.js';
import type { Routes } from './routes.js';

const BY_FD: ReadonlySet<string> = new Set(
  'close fchmod fchown fdatasync fstat fsync ftruncate futimes read readv write writev'.split(' '),
);
/** What is Node's own on both sides: classes, and streams on top of the other functions. */
const SHARED = /^(_|[A-Z])/;
/** What gives a thing that goes on working. */
const PLAIN: ReadonlySet<string> = new Set(['watch', 'watchFile', 'unwatchFile', 'openAsBlob']);
/** Objects of the kernel's that are instances of Node's classes too. */
const CLASSES = ['Dirent', 'Dir'] as const;

/** The object that `require('node:fs')` gives; an `import` gives a view of it. */
const hostFs = (nodeFs as unknown as { default: typeof nodeFs }).default;

/** Redirects all functions, until `replacements` are undone. */
export function replaceFs(replacements: Replacements, kernelFs: Ukfs, routes: Routes, names: Names, fdoff: number): void {
  const router = new Router(routes, names, fdoff, (value) => value instanceof FileHandle);
  const hostPromises = hostFs.promises as unknown as Table;
  replaceTable(replacements, router, hostFs as unknown as Table, kernelFs as unknown as Table, (name) => formOf(name));
  replaceTable(replacements, router, hostPromises, kernelFs.promises as unknown as Table, (name) =>
    PLAIN.has(name) ? 'plain' : 'promise',
  );
  replacements.set(hostFs, 'Stats', statsOfBoth(hostFs.Stats, kernelFs.Stats));
  kernelFs.rmdirSync = lastRmdir(kernelFs.rmdirSync, routes);
  for (const name of CLASSES) inherit(hostFs as unknown as Table, kernelFs as unknown as Table, name);
  replacements.onUndo(() => syncBuiltinESMExports());
  syncBuiltinESMExports();
}

/** What rmdirSync() with `recursive` calls in the end: as on the host, whatever stands in `fs.rmdirSync` by then. */
function lastRmdir(own: typeof nodeFs.rmdirSync, routes: Routes): typeof nodeFs.rmdirSync {
  return (path) => {
    const seen = typeof path === 'string' ? routes.visible(path) : path;
    if (routes.of(seen) === undefined) own(path);
    else hostFs.rmdirSync(seen);
  };
}

function formOf(name: string): Form {
  if (PLAIN.has(name)) return 'plain';
  return name.endsWith('Sync') ? 'sync' : 'callback';
}

function replaceTable(replacements: Replacements, router: Router, host: Table, kernel: Table, form: (name: string) => Form): void {
  for (const name of Object.keys(host)) {
    if (SHARED.test(name) || typeof host[name] !== 'function' || typeof kernel[name] !== 'function') continue;
    const pair: Pair = { name: name.replace(/Sync$/, ''), form: form(name), host: host[name] as Fn, kernel: kernel[name] as Fn };
    replacements.set(host, name, replacementOf(router, pair));
  }
}

function replacementOf(router: Router, pair: Pair): Fn {
  const { name } = pair;
  if (BY_FD.has(name)) return router.byFd(pair);
  if (name === 'glob') return globOf(pair, router.routes);
  if (name === 'createReadStream' || name === 'createWriteStream') return router.stream(pair);
  if (name === 'symlink') return router.symlink(pair);
  if (name === 'rename' || name === 'link') return router.byTwo(pair, refuseAcross(name));
  if (name === 'copyFile' || name === 'cp') return router.byTwo(pair, copyAcross(name, hostFs));
  const made = router.byPath(pair);
  const [host, kernel] = [pair.host, pair.kernel].map((fn) => (fn as unknown as { native?: Fn }).native);
  if (host !== undefined && kernel !== undefined) Object.assign(made, { native: router.byPath({ ...pair, host, kernel }) });
  return made;
}

/** `new fs.Stats(...)` is like what stat() gives of the kernel's files, and `instanceof fs.Stats` holds for the host's too. */
function statsOfBoth(host: object, kernel: object): unknown {
  const [hosts, kernels] = [host, kernel] as [new (...args: unknown[]) => object, new (...args: unknown[]) => object];
  const made = function Stats(this: unknown, ...args: unknown[]): object {
    return Reflect.construct(kernels, args, new.target ?? kernels) as object;
  };
  made.prototype = kernels.prototype as object;
  Object.defineProperty(made, Symbol.hasInstance, { value: (v: unknown) => v instanceof kernels || v instanceof hosts });
  return made;
}

/** `instanceof fs.Dirent` holds for the kernel's. */
function inherit(host: Table, kernel: Table, name: string): void {
  const [ours, nodes] = [kernel, host].map((t) => (t[name] as { prototype?: object } | undefined)?.prototype);
  if (ours === undefined || nodes === undefined) return;
  let top = ours;
  for (let next = Object.getPrototypeOf(top); next !== Object.prototype; next = Object.getPrototypeOf(top)) {
    if (next === null || next === nodes) return;
    top = next as object;
  }
  Object.setPrototypeOf(top, nodes);
}
