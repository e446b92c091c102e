/** The functions of `process` that have to do with files, and its end. */
import * as nodeFs from 'node:fs';
import { parseEnv } from 'node:util';
import type { ErrnoCode } from '@anykernel/lib-sys';
import type { Kernel, Proc } from '@anykernel/rumpkern';
import type { Replacements } from './functions.js';
import type { KernelPath, Routes } from './routes.js';
import { systemError } from './systemerror.js';

const hostFs = (nodeFs as unknown as { default: typeof nodeFs }).default;

/** process.chdir, cwd, umask and loadEnvFile. */
export function replaceProcess(replacements: Replacements, p: Proc, routes: Routes): void {
  const host = { chdir: process.chdir.bind(process), cwd: process.cwd.bind(process), umask: process.umask.bind(process) };
  const chdir = (directory: unknown): void => {
    const to = routes.of(directory);
    if (typeof directory !== 'string' || to === undefined) {
      host.chdir(routes.hostPathOf(directory) ?? (directory as string));
      routes.moveTo(host.cwd(), false);
      return;
    }
    try {
      p.sys.chdir(to);
    } catch (e) {
      throw systemError((e as { code: ErrnoCode }).code, 'chdir', routes.cwd, directory);
    }
    routes.moveTo(routes.visible(cwdOf(p)), true);
  };
  const start = routes.cwdInKernel ? routes.of(routes.cwd) : undefined;
  if (start !== undefined) routes.moveTo(routes.cwd, hasMoved(p, start));
  replacements.set(process, 'chdir', chdir);
  replacements.set(process, 'cwd', () => (routes.cwdInKernel ? routes.cwd : host.cwd()));
  p.sys.umask(host.umask());
  const umask = (...args: [] | [number | string]): number => {
    const before = args.length === 0 || args[0] === undefined ? host.umask() : host.umask(args[0]);
    p.sys.umask(host.umask());
    return before;
  };
  replacements.set(process, 'umask', umask);
  replaceLoadEnvFile(replacements, routes);
}

/** Node reads the file past `fs`. A variable that there is stays as it is. */
function replaceLoadEnvFile(replacements: Replacements, routes: Routes): void {
  const host = process.loadEnvFile;
  if (host === undefined) return;
  const loadEnvFile = (path?: string | URL | Buffer): void => {
    const file = path ?? '.env';
    if (routes.of(file) === undefined) {
      host.call(process, (routes.hostPathOf(file) as string | undefined) ?? path);
      return;
    }
    for (const [name, value] of Object.entries(parseEnv(hostFs.readFileSync(file, 'utf8')))) process.env[name] ??= value;
  };
  replacements.set(process, 'loadEnvFile', loadEnvFile);
}

/** The directory that the program was started in may be one that the kernel has not. */
function hasMoved(p: Proc, to: KernelPath): boolean {
  try {
    p.sys.chdir(to);
    return true;
  } catch {
    return false;
  }
}

function cwdOf(p: Proc): string {
  const path = new Uint8Array(4096);
  const len = p.sys.getcwd(path);
  return Buffer.from(path.subarray(0, len - 1)).toString();
}

const SIGNALS = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const;

/**
 * Ends the kernel with the program: after all that the program itself does at its end, and before a signal ends it. What was written is then on
 * the images.
 */
export function haltAtEnd(replacements: Replacements, kernel: Kernel): void {
  const halt = (): void => {
    if (kernel.stopped === undefined) kernel.halt();
  };
  const emit = process.emit as (this: unknown, name: string, ...args: unknown[]) => boolean;
  const emitting = function (this: unknown, name: string, ...args: unknown[]): boolean {
    try {
      return Reflect.apply(emit, this, [name, ...args]);
    } finally {
      // A handler that throws ends the others, and the program.
      if (name === 'exit') halt();
    }
  };
  replacements.set(process, 'emit', emitting);
  const ending = process as unknown as { reallyExit(code?: number): never };
  const reallyExit = ending.reallyExit;
  // What exit() comes to, and what programs call that mean to end past handlers.
  const halting = function (this: unknown, ...args: unknown[]): never {
    halt();
    return Reflect.apply(reallyExit, this, args) as never;
  };
  replacements.set(process, 'reallyExit', halting);
  for (const signal of SIGNALS) {
    const end = (): void => {
      // Somebody else decides what the signal means.
      if (process.listenerCount(signal) > 1) return;
      halt();
      process.removeListener(signal, end);
      process.kill(process.pid, signal);
    };
    process.on(signal, end);
    replacements.onUndo(() => process.removeListener(signal, end));
  }
}
