/** The command line: which commands there are, as commander has them. */
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { CHECKER_TYPES } from './checkers/index.js';
import * as disks from './commands/disks.js';
import { fsck } from './commands/fsck.js';
import { tool } from './commands/net.js';
import { type RunOptions, run } from './commands/run.js';
import * as stack from './commands/stack.js';
import { completionScript } from './completion.js';
import { Context } from './context.js';
import { commandOf, operandsOf } from './commandline.js';
import { UsageError } from './errors.js';
import { type CommandSpec, FILE_COMMANDS, type Options } from './filecommands.js';
import type { Io } from './io.js';
import { MAKER_TYPES } from './makers/index.js';
import { newfs } from './newfs.js';
import { type PlaceOptions, Places } from './place.js';
import { TOOLS } from '@anykernel/netutils';
import { runShell, runStackShell } from './shell/shell.js';

/** Gets the exit status of what ran. */
export type Done = (status: number) => void;

function collect(word: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), ...word.split(',').filter((w) => w !== '')];
}

/** Options of every command that has images among its operands. */
function withImageOptions(command: Command): Command {
  return command
    .option('-t, --type <type>', "the images' file system type; otherwise it is detected")
    .option('-o, --options <words>', 'mount options: ro, noatime ...', collect);
}

function placeOptions(o: Options): PlaceOptions {
  const { type, options } = o as { type?: string; options?: readonly string[] };
  return { ...(type === undefined ? {} : { type }), ...(options === undefined ? {} : { options }) };
}

const EXAMPLES = `
Examples:
  rump newfs -t ext2fs --size 64m disk.img      make an image
  rump cp -r site disk.img:/                    copy a tree into it, with modes and times
  rump ls -l disk.img:/site                     look
  rump shell disk.img                           work on it
  rump fsck --repair disk.img                   check it, and mend what is wrong
  rump part disk.img                            the partitions of a disk
  rump ls disk.img@2:/                          and what is in one, by number or name
  rump run --mount disk.img:/data app.js        a Node program whose /data is on the image
  rump graph ext2fs                             what a kernel with ext2fs consists of
  rump compose ext2fs --app app.mjs -o app.js   one file with the kernel and a program in it

An operand IMAGE:/path is on a disk image, IMAGE@PARTITION:/path on a partition of one, any other on this machine.
Status: 0 done; 1 something failed, and a line says what; 2 the command line makes no sense.
`;

export function buildProgram(io: Io, done: Done): Command {
  const program = new Command('rump')
    .description('Disk images without a mount point, and stacks of rump kernel components.')
    .version(version(), '-V, --version', 'say the version')
    .helpOption('-h, --help', 'say what there is')
    .enablePositionalOptions()
    .addHelpCommand(new Command('help').argument('[command]').description('say what a command does').helpGroup('This command:'))
    .addHelpText('after', EXAMPLES)
    .configureHelp({ sortSubcommands: false, showGlobalOptions: false });

  program.commandsGroup('Files, on images and on this machine:');
  for (const spec of FILE_COMMANDS) addFileCommand(program, spec, io, done);
  addImageCommands(program, io, done);
  addStackCommands(program, io, done);
  addNetCommands(program, io, done);
  addCompletion(program, io, done);
  return program;
}

function addFileCommand(program: Command, spec: CommandSpec, io: Io, done: Done): void {
  const command = withImageOptions(commandOf(spec)).option('--json', 'results as JSON');
  command.action(async () => {
    const o = command.opts();
    const ctx = new Context(new Places(placeOptions(o)), io, o['json'] === true);
    await finishing(ctx, done, () => spec.run(ctx, operandsOf(command, spec), o));
  });
  program.addCommand(command);
}

/** Whatever comes, images are written back and closed. */
async function finishing(ctx: Context, done: Done, run: () => void | Promise<void>): Promise<void> {
  try {
    await run();
  } catch (e) {
    ctx.places.close();
    throw e;
  }
  done(ctx.finish());
}

function addImageCommands(program: Command, io: Io, done: Done): void {
  program.commandsGroup('Images:');
  program
    .command('newfs <file>')
    .description('make a file system in a file, on a device, or in a partition: disk.img@2')
    .requiredOption('-t, --type <type>', `its type: ${MAKER_TYPES.join(', ')}`)
    .option('-s, --size <size>', 'of the image: 64m, 1g; otherwise what is there')
    .option('-b, --block-size <bytes>', 'of blocks, or of clusters; otherwise by size')
    .option('-L, --label <text>', "the volume's name")
    .option('-I, --inode-size <bytes>', '128 or 256')
    .option('-N, --inodes <count>', 'how many files there can be')
    .option('-F, --fat <bits>', 'of a FAT: 12, 16 or 32; otherwise by size')
    .option('--ufs <version>', 'of ffs: 1 or 2; otherwise 2')
    .option('--frag-size <bytes>', 'of ffs: a part of a block; otherwise an eighth')
    .option('--byte-order <order>', 'of ffs: little or big; otherwise little')
    .option('-f, --force', 'also where there is a file system already')
    .option('--json', 'results as JSON')
    .action(async (file: string, o: Options) => {
      const ctx = new Context(new Places(), io, o['json'] === true);
      await finishing(ctx, done, () => newfs(ctx, file, o));
    });
  diskCommand(program, io, done, 'fsck <images...>', 'check file systems, and repair them if wanted', fsck)
    .option('-t, --type <type>', `their type, ${CHECKER_TYPES.join(', ')}; otherwise it is detected`)
    .option('-y, --repair', 'write the repairs');
  diskCommand(program, io, done, 'part <images...>', 'partitions of disks, as their tables have them', disks.part).option('--bytes', 'positions in bytes');
  diskCommand(program, io, done, 'disks <images...>', 'disks, their partitions, and the file systems on them', disks.disks);
  withImageOptions(program.command('shell [image]').description('commands on an image or a stack, typed or from the input'))
    .option('--stack <file>', 'a stack file, in place of an image')
    .option('-c, --command <line>', 'run this instead; may be given several times', (line: string, before?: readonly string[]) => [
      ...(before ?? []),
      line,
    ])
    .action(async (image: string | undefined, o: Options) => {
      const lines = o['command'] as readonly string[] | undefined;
      const stackFile = o['stack'] as string | undefined;
      if ((image === undefined) === (stackFile === undefined)) throw new UsageError('name an image, or a stack file with --stack');
      done(stackFile === undefined ? await runShell(image as string, placeOptions(o), io, lines) : await runStackShell(stackFile, io, lines));
    });
}

function diskCommand(
  program: Command,
  io: Io,
  done: Done,
  words: string,
  about: string,
  run: (ctx: Context, images: readonly string[], o: Options) => void,
): Command {
  const command = program.command(words).description(about).option('--json', 'results as JSON');
  return command.action(async (images: readonly string[], o: Options) => {
    const ctx = new Context(new Places(), io, o['json'] === true);
    await finishing(ctx, done, () => run(ctx, images, o));
  });
}

function stackCommand(program: Command, words: string, about: string): Command {
  return program
    .command(words)
    .description(about)
    .option('--stack <file>', 'a stack file (JSON)')
    .option('--host <host>', 'node or worker')
    .option('--app <module>', 'a module to run inside')
    .option('--json', 'results as JSON');
}

function addStackCommands(program: Command, io: Io, done: Done): void {
  program.commandsGroup('Stacks:');
  const context = (o: Options): Context => new Context(new Places(), io, o['json'] === true);
  const action = (command: Command, run: (ctx: Context, args: readonly unknown[], o: Options) => Promise<void>): void => {
    command.action(async () => {
      const ctx = context(command.opts());
      await finishing(ctx, done, () => run(ctx, command.processedArgs as unknown[], command.opts()));
    });
  };
  const compose = stackCommand(program, 'compose [components...]', 'bundle a minimal kernel, and an application if wanted, as one file');
  compose.option('-o, --out <file>', 'where to; otherwise the standard output').option('-m, --minify', 'as small as possible');
  action(compose, (ctx, [names], o) => stack.compose(ctx, names as string[], o));
  const graph = stackCommand(program, 'graph [components...]', 'draw the closure of components');
  graph.option('-f, --format <format>', 'text, svg or json');
  action(graph, (ctx, [names], o) => stack.graph(ctx, names as string[], o));
  action(stackCommand(program, 'why <component> [components...]', 'say why a component is in a stack'), (ctx, [name, names], o) =>
    stack.why(ctx, name as string, names as string[], o),
  );
  program
    .command('run [app] [args...]')
    .description('run a Node program whose files are on images')
    .option('-m, --mount <image:dir>', 'mount an image where the program sees it: IMAGE:DIR[:options], tmpfs:DIR', (text: string, before?: readonly string[]) => [
      ...(before ?? []),
      text,
    ])
    .option('--stack <file>', 'mounts, components and program of a stack file (JSON)')
    .option('--redirect <words>', "what is redirected, as RUMPHIJACK says it (path=/rump, blanket=/data:/etc); otherwise the mounts' directories")
    .passThroughOptions()
    .action(async (app: string | undefined, args: readonly string[], o: RunOptions) => done(await run(app === undefined ? [] : [app, ...args], o, io)));
  action(stackCommand(program, 'weigh [components...]', 'say how many bytes each package brings'), (ctx, [names], o) =>
    stack.weigh(ctx, names as string[], o),
  );
}

/** Words after the tool's name are its own, but for `--stack FILE`. */
function addNetCommands(program: Command, io: Io, done: Done): void {
  program.commandsGroup('The network of a stack:');
  for (const { name, about, usage } of TOOLS) {
    const command = program
      .command(`${name} [words...]`)
      .description(about)
      .requiredOption('--stack <file>', 'the stack file whose kernel it is, with its setup')
      .allowUnknownOption()
      .helpOption('--help', 'say what there is')
      .addHelpText('after', `\n${usage}\n`);
    command.action(async () => done(await tool(io, (command.opts() as { stack: string }).stack, [name, ...command.args])));
  }
  const net = program.command('net').description('networks of several kernels');
  net
    .command('demo')
    .description('two hosts and a router between them: addresses, ping, traceroute, and TCP through it')
    .option('-w, --write <file>', 'what passed the router, in pcapng')
    .option('--json', 'results as JSON')
    .action(async (o: Options) => {
      const ctx = new Context(new Places(), io, o['json'] === true);
      // The protocols are loaded when they are wanted.
      const { netDemo } = await import('./commands/netdemo.js');
      await finishing(ctx, done, () => netDemo(ctx, o['write'] as string | undefined));
    });
}

function addCompletion(program: Command, io: Io, done: Done): void {
  program.commandsGroup('This command:');
  program
    .command('completion <shell>')
    .description('a completion script for bash, zsh or fish')
    .action((shell: string) => {
      io.out(Buffer.from(completionScript(shell)));
      done(0);
    });
}

function version(): string {
  return (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }).version;
}
