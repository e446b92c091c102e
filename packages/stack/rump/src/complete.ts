/** What can stand where the cursor is: commands, options, paths on this machine and in images. Words are byte strings. */
import type { Command } from 'commander';
import { toBytestr } from '@anykernel/lib-bytes';
import type { Fs } from './bytefs.js';
import { join } from './paths.js';
import { HOST_FS, Places, splitOperand } from './place.js';

/** Ways to go on with the last word of `line`, which begins with `rump`. Whole words; nothing at all where something is wrong. */
export function completeLine(program: Command, line: string): string[] {
  const words = line.split(/\s+/);
  const word = words[words.length - 1] ?? '';
  if (words.length <= 2) return fitting([...namesOf(program), 'help'], word);
  const command = program.commands.find((c) => c.name() === words[1]);
  if (word.startsWith('-')) return fitting(optionsOf(command), word);
  if (words[1] === 'completion') return fitting(['bash', 'zsh', 'fish'], word);
  if (words[1] === 'help') return fitting(namesOf(program), word);
  return completePlace(word);
}

function namesOf(program: Command): string[] {
  return program.commands.map((c) => c.name());
}

function fitting(words: readonly string[], word: string): string[] {
  return words.filter((w) => w.startsWith(word));
}

function optionsOf(command: Command | undefined): string[] {
  return command?.options.flatMap((o) => (o.long === undefined || o.long === null ? [] : [o.long])) ?? [];
}

/** Paths that begin as `word` does, on this machine or behind the colon in an image. */
function completePlace(word: string): string[] {
  const places = new Places();
  try {
    const split = splitOperand(word);
    if (split === undefined) return completePath(HOST_FS, toBytestr(word));
    const image = places.image(split.file, false);
    const head = toBytestr(word.slice(0, word.length - split.path.length));
    return completePath(image.fs, toBytestr(split.path)).map((path) => (word.endsWith(':') ? `${toBytestr(word)}${path}` : head + path));
  } catch {
    return [];
  } finally {
    places.close();
  }
}

/** Paths that begin as `path` does: directories end with a slash. Nothing where a directory cannot be read. */
export function completePath(fs: Fs, path: string): string[] {
  const slash = path.lastIndexOf('/') + 1;
  const dir = path.slice(0, slash);
  const start = path.slice(slash);
  try {
    return fs
      .readdir(dir === '' ? '.' : dir)
      .filter((name) => name.startsWith(start) && (start !== '' || !name.startsWith('.')))
      .map((name) => dir + name + (fs.peekThrough(join(dir === '' ? '.' : dir, name))?.isDirectory() === true ? '/' : ''));
  } catch {
    return [];
  }
}
