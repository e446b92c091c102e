/** From a command's specification to commander's object, and from what was typed to its operands. */
import { Command } from 'commander';
import type { CommandSpec } from './filecommands.js';

/** `<sources...> <destination>`: a list of two at least, which commander has no word for. */
const LIST_AND_LAST = '<sources...> <destination>';

/** A command with its specification's arguments and options. */
export function commandOf(spec: CommandSpec): Command {
  const command = new Command(spec.name).description(spec.about);
  if (spec.args !== '') command.arguments(spec.args === LIST_AND_LAST ? '<sources...>' : spec.args);
  for (const [flags, about] of spec.options) command.option(flags, about);
  command.helpOption(spec.options.some(([flags]) => flags.startsWith('-h,')) ? '--help' : '-h, --help', 'say what this does');
  return command.usage(`[options] ${spec.args}`).allowExcessArguments(false);
}

/** Operands as one list. commander has checked how many there must be, but for lists with a last one. */
export function operandsOf(command: Command, spec: CommandSpec): readonly string[] {
  const flat = (command.processedArgs as unknown[]).flat().filter((x): x is string => typeof x === 'string');
  if (spec.args === LIST_AND_LAST && flat.length < 2) command.error("error: missing required argument 'destination'");
  return flat;
}

/** Says that failures are thrown and texts go to `out` and `err`, for a program and all its commands. */
export function configure(program: Command, out: (text: string) => void, err: (text: string) => void): void {
  const outputError = (text: string): void => err(text.replace(/^error: /, 'rump: '));
  program.exitOverride().configureOutput({ writeOut: out, writeErr: err, outputError });
  for (const command of program.commands) configure(command, out, err);
}
