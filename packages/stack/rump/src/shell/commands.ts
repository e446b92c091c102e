/** The shell's commands: those on files, for which a path is one of the image, and its own. */
import { resolve } from 'node:path';
import { Command } from 'commander';
import { fromBytestr, toBytestr } from '@anykernel/lib-bytes';
import { cp } from '../commands/copy.js';
import { ls } from '../commands/list.js';
import { write } from '../commands/change.js';
import { Context, type Resolver } from '../context.js';
import { type CommandSpec, FILE_COMMANDS } from '../filecommands.js';
import type { Io } from '../io.js';
import { HOST_FS, type MountedImage, type Place } from '../place.js';
import { PlaceError } from '../errors.js';
import { commandOf, operandsOf } from '../commandline.js';

/** One session: an image, and a directory on either side. */
export class Session implements Resolver {
  /** Where `host:` paths start. */
  hostDir = process.cwd();
  ended = false;

  constructor(readonly image: MountedImage) {}

  /** `host:path` is on this machine; anything else in the image, from its current directory. */
  at(text: string): Place {
    if (text.startsWith('host:')) return this.onHost(text.slice(5), text);
    return { fs: this.image.fs, path: toBytestr(text), text: toBytestr(text), image: this.image };
  }

  onHost(path: string, text = path): Place {
    return { fs: HOST_FS, path: toBytestr(resolve(this.hostDir, path)), text: toBytestr(text), image: undefined };
  }

  /** PlaceError: it is no directory. */
  goOnHost(path: string): void {
    const there = this.onHost(path);
    if (HOST_FS.peekThrough(there.path)?.isDirectory() !== true) throw new PlaceError(`${path}: is no directory`);
    this.hostDir = fromBytestr(there.path);
  }

  /** A session's image stays open from command to command. */
  close(): void {
    return;
  }
}

type Run = (ctx: Context, operands: readonly string[]) => void;

function own(name: string, args: string, about: string, run: Run): CommandSpec {
  return { name, args, about, options: [], run };
}

/** Commands that only a session has. */
function ownCommands(s: Session): CommandSpec[] {
  const leave = (): void => {
    s.ended = true;
  };
  return [
    own('cd', '[directory]', 'go to a directory of the image', (_ctx, [path = '/']) => s.image.proc.sys.chdir(path)),
    own('pwd', '', 'where one is in the image', (ctx) => ctx.put({ path: cwdOf(s) }, cwdOf(s))),
    own('lcd', '<directory>', 'go to a directory of this machine', (_ctx, [path = '']) => s.goOnHost(path)),
    own('lpwd', '', 'where one is on this machine', (ctx) => ctx.put({ path: toBytestr(s.hostDir) }, toBytestr(s.hostDir))),
    own('lls', '[directory]', 'list a directory of this machine', (ctx, [path = '.']) => ls(ctx, [`host:${path}`], {})),
    own('get', '<source> [to]', 'copy out of the image, whole trees too', (ctx, [from = '', to = '.']) =>
      cp(ctx, [from, `host:${to}`], { recursive: true }),
    ),
    own('put', '<source> [to]', 'copy into the image, whole trees too', (ctx, [from = '', to = '.']) =>
      cp(ctx, [`host:${from}`, to], { recursive: true }),
    ),
    own('write', '<file> [words...]', 'write a line of words to a file', (ctx, [file = '', ...words]) =>
      write(ctx, file, { text: `${words.join(' ')}\n` }),
    ),
    own('append', '<file> [words...]', 'write a line of words behind what is in a file', (ctx, [file = '', ...words]) =>
      write(ctx, file, { text: `${words.join(' ')}\n`, append: true }),
    ),
    own('mount', '', 'what is mounted', (ctx) => mounts(ctx, s)),
    own('sync', '', 'write everything back', () => s.image.proc.sys.sync()),
    own('exit', '', 'leave; so does the end of the input', leave),
    own('quit', '', 'as exit', leave),
  ];
}

/** Commands whose operand is an image: in the shell there is the one. */
const ON_THE_IMAGE: readonly string[] = ['df', 'info'];

/** All commands of a session. */
export function shellCommands(s: Session): CommandSpec[] {
  const mine = ownCommands(s);
  const common = FILE_COMMANDS.filter((spec) => !mine.some((o) => o.name === spec.name));
  const forImage = (spec: CommandSpec): CommandSpec => ({ ...spec, args: '', run: (ctx, _operands, o) => spec.run(ctx, [':'], o) });
  return [...common.map((spec) => (ON_THE_IMAGE.includes(spec.name) ? forImage(spec) : spec)), ...mine];
}

/** The current directory in the image, a byte string; `/` of a kernel without files. */
export function cwdOf(s: Session): string {
  if (!s.image.kernel.modules.has('rumpvfs')) return '/';
  const buf = new Uint8Array(4096);
  const len = s.image.proc.sys.getcwd(buf);
  return String.fromCharCode(...buf.subarray(0, len - 1));
}

function mounts(ctx: Context, s: Session): void {
  for (const sb of s.image.proc.sys.getvfsstat(2)) {
    const from = sb.mntonname === '/' && sb.fstypename === s.image.type ? toBytestr(s.image.file) : sb.mntfromname;
    ctx.put({ from, on: sb.mntonname, type: sb.fstypename }, `${from} on ${sb.mntonname} type ${sb.fstypename}`);
  }
}

/** A commander program for one line: commander's own objects keep the last line's options. */
export function shellProgram(session: Session, io: Io, result: { status: number }): Command {
  const program = new Command('commands')
    .usage('<command> [arguments]')
    .helpCommand('help [command]', 'say what a command does')
    .helpOption(false);

  for (const spec of shellCommands(session)) {
    const command = commandOf(spec)
      .option('--json', 'results as JSON')
      .configureHelp({ commandUsage: (c) => `${c.name()} ${c.usage()}` });
    command.action(async () => {
      const o = command.opts();
      const ctx = new Context(session, io, o['json'] === true);
      await spec.run(ctx, operandsOf(command, spec), o);
      result.status = ctx.finish();
    });
    program.addCommand(command);
  }
  return program;
}
