/** The tools of the network as commands, on the kernel of a stack file; and a demonstration. */
import { hostNode } from '@anykernel/host-node';
import { bytesOf, toBytestr } from '@anykernel/lib-bytes';
import { type ToolIo, runTool, setUp } from '@anykernel/netutils';
import { type MountSpec, bootStack } from '@anykernel/stack-boot';
import { componentsOf, directoryOf, readStackFile } from '@anykernel/stack-compose';
import type { Kernel } from '@anykernel/rumpkern';
import { resolve } from 'node:path';
import type { Io } from '../io.js';

/** The kernel of a stack file, set up. What goes wrong halts it. */
export async function bootStackFile(path: string): Promise<Kernel> {
  const stack = readStackFile(path);
  const base = directoryOf(path);
  const components = await componentsOf(stack, [base, import.meta.dirname]);
  const mounts: MountSpec[] = stack.mounts.map((m) => (m.source === undefined ? m : { ...m, source: resolve(base, m.source) }));
  const kernel = bootStack(hostNode(), components.map((c) => c.component), mounts);
  try {
    await setUp(kernel, stack.setup);
    return kernel;
  } catch (e) {
    kernel.halt();
    throw e;
  }
}

/** What a tool gets of the command's streams. */
export function toolIo(io: Io, k: Kernel): ToolIo {
  const line = (put: (bytes: Uint8Array) => void) => (text: string) => put(bytesOf(toBytestr(`${text}\n`)));
  return {
    p: k.newproc({ comm: 'tool' }),
    out: line(io.out),
    err: line(io.err),
    read: () => nextInput(io),
    write: (bytes) => io.out(bytes),
  };
}

async function nextInput(io: Io): Promise<Uint8Array | undefined> {
  const buf = new Uint8Array(65_536);
  const len = await (io.readLater?.(buf) ?? io.read(buf));
  return len === 0 ? undefined : buf.subarray(0, len);
}

/** A day: as often does the timer below ring in vain. */
const HOLD_MS = 86_400_000;

/** Runs a tool on a kernel: the exit status. The program goes on while it waits, also for what nobody but the kernel knows of. */
export async function runHeld(io: Io, k: Kernel, words: readonly string[]): Promise<number> {
  const hold = setInterval(() => {}, HOLD_MS);
  try {
    return await runTool(toolIo(io, k), words);
  } finally {
    clearInterval(hold);
  }
}

/** One tool, on the kernel of a stack file: the exit status. */
export async function tool(io: Io, stackFile: string, words: readonly string[]): Promise<number> {
  const kernel = await bootStackFile(stackFile);
  try {
    return await runHeld(io, kernel, words);
  } finally {
    await kernel.shutdown();
  }
}
