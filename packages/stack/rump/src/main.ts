/** `rump`: runs a command line, and gives the exit status. */
import { CommanderError } from 'commander';
import { bytesOf, toBytestr } from '@anykernel/lib-bytes';
import { configure } from './commandline.js';
import { completeLine } from './complete.js';
import { reasonOf } from './context.js';
import { UsageError } from './errors.js';
import { withFindWords } from './filecommands.js';
import { type Io, OutputClosed, processIo } from './io.js';
import { buildProgram } from './program.js';

/** `argv` is without node and the program's own name. Never throws for what the user did. */
export async function main(argv: readonly string[], io: Io = processIo): Promise<number> {
  let status = 0;
  const program = buildProgram(io, (s) => (status = s));
  const say = (bytes: (b: Uint8Array) => void) => (text: string) => bytes(bytesOf(toBytestr(text)));
  configure(program, say(io.out), say(io.err));
  try {
    if (argv[0] === '__complete') {
      for (const word of completeLine(program, argv[1] ?? '')) io.out(bytesOf(`${word}\n`));
      return 0;
    }
    if (argv.length === 0) {
      program.outputHelp({ error: true });
      return 2;
    }
    await program.parseAsync([...withFindWords(argv)], { from: 'user' });
    return status;
  } catch (e) {
    return statusOf(e, io);
  }
}

function statusOf(e: unknown, io: Io): number {
  if (e instanceof CommanderError) return e.exitCode === 0 ? 0 : 2;
  // Whoever read has had enough, as head(1) does; that is no failure of ours.
  if (e instanceof OutputClosed) return 0;
  const usage = e instanceof UsageError;
  const message = usage ? toBytestr(e.message) : messageOf(e);
  io.err(bytesOf(`rump: ${message}\n`));
  return usage ? 2 : 1;
}

function messageOf(e: unknown): string {
  const path = (e as { path?: unknown }).path;
  if (typeof path === 'string') return reasonOf(toBytestr(path), e);
  return toBytestr((e as Error).message ?? String(e));
}
