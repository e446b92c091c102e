/** The commands on files, as data: the command line and the shell are both made from this table. */
import * as change from './commands/change.js';
import * as copy from './commands/copy.js';
import * as list from './commands/list.js';
import * as usage from './commands/usage.js';
import type { Context } from './context.js';

/** What commander gives: parsed options by name. */
export type Options = Readonly<Record<string, unknown>>;

export interface CommandSpec {
  readonly name: string;
  /** In commander's words: `<a>` must be there, `[b...]` may be any number. */
  readonly args: string;
  readonly about: string;
  readonly options: readonly (readonly [flags: string, about: string])[];
  /** `operands` are flat. */
  run(ctx: Context, operands: readonly string[], options: Options): void | Promise<void>;
}

const HUMAN = ['-h, --human', 'sizes as 1.5M'] as const;
const RECURSIVE = ['-r, --recursive', 'whole trees'] as const;

export const FILE_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'ls',
    args: '[paths...]',
    about: 'list directories',
    options: [
      ['-l, --long', 'mode, links, owner, size, time (UTC)'],
      ['-a, --all', 'names that begin with a dot too'],
      HUMAN,
      ['-i, --inode', 'inode numbers'],
      ['-R, --recursive', 'directories below too'],
      ['-d, --directory', 'a directory itself, not what is in it'],
    ],
    run: list.ls,
  },
  { name: 'cat', args: '<files...>', about: 'write files to the standard output', options: [], run: list.cat },
  {
    name: 'cp',
    args: '<sources...> <destination>',
    about: 'copy, also in and out of images; keeps modes, times, links and holes',
    options: [RECURSIVE, ['-n, --no-clobber', 'leave what is there'], ['-v, --verbose', 'name what is copied']],
    run: copy.cp,
  },
  {
    name: 'mv',
    args: '<sources...> <destination>',
    about: 'rename, or copy and remove',
    options: [['-n, --no-clobber', 'leave what is there']],
    run: copy.mv,
  },
  {
    name: 'rm',
    args: '<paths...>',
    about: 'remove files',
    options: [RECURSIVE, ['-f, --force', 'what is not there is no error']],
    run: change.rm,
  },
  {
    name: 'mkdir',
    args: '<paths...>',
    about: 'make directories',
    options: [
      ['-p, --parents', 'and those on the way'],
      ['-m, --mode <mode>', 'permission bits, octal'],
    ],
    run: change.mkdir,
  },
  { name: 'rmdir', args: '<paths...>', about: 'remove empty directories', options: [], run: change.rmdir },
  {
    name: 'ln',
    args: '<target> <name>',
    about: 'make a link',
    options: [
      ['-s, --symbolic', 'a symbolic one: the target is text'],
      ['-f, --force', 'in place of what is there'],
    ],
    run: change.ln,
  },
  { name: 'stat', args: '<paths...>', about: 'all that is known of a file', options: [], run: list.stat },
  {
    name: 'chmod',
    args: '<mode> <paths...>',
    about: 'change permission bits: 0644, u+x,go-w',
    options: [['-R, --recursive', 'whole trees']],
    run: (ctx, [mode = '', ...paths], o) => change.chmod(ctx, mode, paths, o),
  },
  {
    name: 'chown',
    args: '<owner> <paths...>',
    about: 'change owners: UID, UID:GID, :GID',
    options: [['-R, --recursive', 'whole trees']],
    run: (ctx, [owner = '', ...paths], o) => change.chown(ctx, owner, paths, o),
  },
  {
    name: 'touch',
    args: '<paths...>',
    about: 'set times to now, or make empty files',
    options: [
      ['-d, --date <when>', 'this time: 2026-11-24T09:00:00Z'],
      ['-c, --no-create', 'make no files'],
    ],
    run: change.touch,
  },
  {
    name: 'write',
    args: '<file>',
    about: 'write the standard input to a file',
    options: [
      ['-a, --append', 'behind what is there'],
      ['-m, --mode <mode>', 'permission bits of a new file, octal'],
    ],
    run: (ctx, [file = ''], o) => change.write(ctx, file, o),
  },
  {
    name: 'find',
    args: '[paths...]',
    about: 'visit trees',
    options: [
      ['--name <pattern>', 'only names that fit: *.txt'],
      ['--kind <letter>', 'only one type: f d l b c p s (-type is understood)'],
      ['--maxdepth <levels>', 'no deeper'],
      ['-0, --print0', 'NUL behind each name'],
    ],
    run: list.find,
  },
  {
    name: 'du',
    args: '[paths...]',
    about: 'space used, in KiB',
    options: [HUMAN, ['-s, --summarize', 'totals only'], ['-a, --all', 'files too']],
    run: usage.du,
  },
  { name: 'tree', args: '[paths...]', about: 'a tree as a picture', options: [], run: list.tree },
  { name: 'df', args: '<images...>', about: 'space left on images', options: [HUMAN], run: usage.df },
  { name: 'info', args: '<images...>', about: 'type and figures of images', options: [], run: usage.info },
];

/** Words of find(1) that begin with one dash. */
const FIND_WORDS: Readonly<Record<string, string>> = {
  '-name': '--name',
  '-type': '--kind',
  '-maxdepth': '--maxdepth',
  '-print0': '--print0',
};

/** A command line with find(1)'s own words as options here. */
export function withFindWords(argv: readonly string[]): string[] {
  if (argv[0] !== 'find') return [...argv];
  return argv.map((word) => (Object.hasOwn(FIND_WORDS, word) ? (FIND_WORDS[word] as string) : word));
}
