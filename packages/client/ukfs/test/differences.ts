/**
 * What ukfs does otherwise than Node on Linux: lines of a record as both write them, and why.
 *
 * What no script shows, and the README says: targets of symbolic links end at 1023 bytes (NetBSD's PATH_MAX); Stats keep their dates as accessors
 * and in toJSON(), where Node 20 has properties and later ones accessors; promises.readFile() and its like make no FileHandle of their own, so that one that somebody has patched is
 * not seen; a FileHandle is not transferred to another thread (its kernel is in this one); descriptors are of the process in the kernel, and no other
 * module of Node knows them; statSync() with throwIfNoEntry: false gives undefined below what is no directory, as from Node 22 on; mkdir() with
 * recursive says of a name below a link to nowhere in all forms what Node's synchronous form says.
 */
const DIFFERS: readonly (readonly [RegExp, string, string])[] = [
  [/(stats mode 120)(777|755)/, '$1xxx', 'A symbolic link has the bits that the umask leaves, as on NetBSD; Linux has none of its own.'],
  [
    /(path: "BASE\/nodir\/x-)\w{6}(".*mkdtemp 'BASE\/nodir\/x-)\w{6}/,
    '$1XXXXXX$2XXXXXX',
    'Node says XXXXXX in one form and a random name in the others.',
  ],
  [/(^cp.*code: "ERR_FS_EISDIR", errno: )2[12]/, '$12x', "Node's synchronous form says EINVAL's number, the others EISDIR's."],
  [
    /^(open\("BASE\/new\/", "w"\) ! ).*/,
    '$1refused',
    'A file cannot be made under a name with a slash at its end: ENOENT here, EISDIR on Linux.',
  ],
  [
    /^(truncate\("BASE\/a", (?:"x"|1\.5)\) ! ).*/,
    '$1refused',
    "A bad length is complained of first in all forms; Node's synchronous form looks for the file first.",
  ],
  [/^(cp\("BASE\/toone", "BASE\/copy1"\)) [=!].*/, '$1', 'A link may replace one that means the same, as in later versions; Node 20 refuses it.'],
  [
    /^(cp\("BASE\/d\/e", "BASE\/copy3\/e".*"ERR_FS_CP_EEXIST"), .*/,
    '$1',
    'With errorOnExist a directory that is there is refused itself, as in Node 26; Node 20 refuses the first file in it.',
  ],
  [/^(readdir\("BASE\/d", \{recursive: "yes"\}\)).*/, '$1', "Node's promise form takes anything for a boolean there; its others do not."],
];

/** The words are Node 20's. Where later ones say it otherwise, only what they have in common is compared. */
const LATER: readonly (readonly [RegExp, string, string])[] = [
  [/^(cp\(.* ! ).*code: ("ERR_FS_\w+").*/, '$1$2', 'The synchronous form became native, and its errors have no number and other words.'],
  [/^(cp\("BASE\/d\/link".*\)|lstat\("BASE\/deref"\)) .*/, '$1', 'It takes a link for a directory when it is told to follow links.'],
  [/^(symlink\("x", "BASE\/bad", "sideways"\) ! ).*/, '$1refused', 'It says otherwise that there is no such type of link.'],
  [/"options\.mode\\"/, '"mode\\"', 'It says options.mode for an option.'],
  [/ (?:property|argument) '(?:options\.)?mode'/, " argument 'mode'", 'It says property for an option.'],
  [/^(readFile\("BASE"\) ! .*syscall: "read").*/, '$1', 'It names the path of a directory that is read as a file.'],
];

const ALL = Number(process.versions.node.split('.')[0]) > 20 ? [...DIFFERS, ...LATER] : DIFFERS;

/** A record with both ways of saying so made one. */
export function withoutDifferences(log: readonly string[]): string[] {
  return log.map((line) => ALL.reduce((at, [pattern, common]) => at.replace(pattern, common), line));
}
