/**
 * `rump shell disk.img`: commands on an image, one a line.
 *
 * At a terminal lines are edited, remembered and completed. From a pipe or a file they are a script: it goes on after a failure, and its
 * status is that of the worst line.
 */
import { createInterface } from 'node:readline';
import { CommanderError } from 'commander';
import { TOOLS } from '@anykernel/netutils';
import { bytesOf, fromBytestr, toBytestr } from '@anykernel/lib-bytes';
import { configure } from '../commandline.js';
import { completePath } from '../complete.js';
import { reasonOf } from '../context.js';
import { UsageError } from '../errors.js';
import { withFindWords } from '../filecommands.js';
import { type Io, OutputClosed } from '../io.js';
import { type MountedImage, type PlaceOptions, closeImage, kernelPlace, mountImage } from '../place.js';
import { bootStackFile, runHeld } from '../commands/net.js';
import { Session, cwdOf, shellCommands, shellProgram } from './commands.js';
import { HISTORY_MAX, historyFile, loadHistory, saveHistory } from './history.js';
import { LineError, expand, splitLine } from './words.js';

/** Status: that of the worst line. PlaceError: the image cannot be used. */
export async function runShell(file: string, options: PlaceOptions, io: Io, lines: readonly string[] | undefined): Promise<number> {
  return runSession(mountImage(file, options.options?.includes('ro') !== true, options), io, lines);
}

/** The same on the kernel of a stack file: its files, if it has some, and its network. */
export async function runStackShell(file: string, io: Io, lines: readonly string[] | undefined): Promise<number> {
  const kernel = await bootStackFile(file);
  return runSession(kernelPlace(file, kernel), io, lines);
}

async function runSession(image: MountedImage, io: Io, lines: readonly string[] | undefined): Promise<number> {
  const session = new Session(image);
  try {
    if (lines !== undefined) return await runLines(session, io, lines);
    if (io.typed !== undefined) return await runTyped(session, io, io.typed);
    return await runLines(session, io, inputLines(io));
  } finally {
    closeImage(image);
  }
}

async function runLines(session: Session, io: Io, lines: Iterable<string>): Promise<number> {
  let worst = 0;
  for (const line of lines) {
    worst = Math.max(worst, await runLine(session, io, line));
    if (session.ended) break;
  }
  return worst;
}

/** The lines of the standard input, as text. */
function* inputLines(io: Io): Generator<string> {
  const buf = new Uint8Array(1 << 16);
  const decoder = new TextDecoder();
  let rest = '';
  for (let n = io.read(buf); n > 0; n = io.read(buf)) {
    const parts = (rest + decoder.decode(buf.subarray(0, n), { stream: true })).split('\n');
    rest = parts.pop() ?? '';
    yield* parts;
  }
  if (rest !== '') yield rest;
}

/** Runs one line; what goes wrong is said. The status is as `rump`'s own. */
async function runLine(session: Session, io: Io, line: string): Promise<number> {
  const complain = (message: string): void => io.err(bytesOf(`rump: ${message}\n`));
  try {
    const words = expand(splitLine(line), session.image.fs);
    if (words.length === 0) return 0;
    if (isTool(session, words[0])) return await runHeld(io, session.image.kernel, words);
    const result = { status: 0 };
    const program = shellProgram(session, io, result);
    const say = (put: (b: Uint8Array) => void) => (text: string) => put(bytesOf(toBytestr(text)));
    configure(program, say(io.out), say(io.err));
    await program.parseAsync(withFindWords(words), { from: 'user' });
    return result.status;
  } catch (e) {
    if (e instanceof OutputClosed) throw e;
    if (e instanceof CommanderError) return e.exitCode === 0 ? 0 : 2;
    const usage = e instanceof UsageError || e instanceof LineError;
    complain(usage ? toBytestr(e.message) : reasonOf(toBytestr(String((e as { path?: string }).path ?? line.trim())), e));
    return usage ? 2 : 1;
  }
}

/** The network's tools are commands where there is a network. */
function isTool(session: Session, name: string | undefined): boolean {
  return TOOLS.some((tool) => tool.name === name) && session.image.kernel.modules.has('net');
}

async function runTyped(session: Session, io: Io, typed: NonNullable<Io['typed']>): Promise<number> {
  const file = historyFile();
  const history = loadHistory(file);
  const rl = createInterface({
    input: typed.input,
    output: typed.output,
    terminal: true,
    history,
    historySize: HISTORY_MAX,
    removeHistoryDuplicates: true,
    completer: (line: string) => complete(session, line),
  });
  rl.on('history', (lines: string[]) => history.splice(0, history.length, ...lines));
  rl.on('SIGINT', () => {
    typed.output.write('\n');
    // An empty line in place of what was typed: readline has no word for that but its own keys.
    rl.write(null, { ctrl: true, name: 'e' });
    rl.write(null, { ctrl: true, name: 'u' });
    rl.prompt();
  });
  io.out(
    bytesOf(
      toBytestr(`${session.image.file}: ${session.image.type}${session.image.readonly ? ', read-only' : ''}. help says what there is.\n`),
    ),
  );
  let status = 0;
  const ask = (): void => {
    rl.setPrompt(`rump:${fromBytestr(cwdOf(session))}> `);
    rl.prompt();
  };
  ask();
  for await (const line of rl) {
    status = await runLine(session, io, line);
    if (session.ended) break;
    ask();
  }
  if (!session.ended) io.out(bytesOf('\n'));
  rl.close();
  saveHistory(file, history);
  return status;
}

/** readline's question: ways to go on, and the word that they replace. */
export function complete(session: Session, line: string): [string[], string] {
  const word = /(?:[^\s\\]|\\.)*$/.exec(line)?.[0] ?? '';
  const before = line.slice(0, line.length - word.length);
  const commands = shellCommands(session);
  if (before.trim() === '')
    return [[...commands.map((c) => c.name), ...TOOLS.map((tool) => tool.name).filter((name) => isTool(session, name)), 'help'].filter((name) => name.startsWith(word)).map((name) => `${name} `), word];
  const command = before.trim().split(/\s+/)[0];
  if (word.startsWith('-')) {
    const flags = commands.find((c) => c.name === command)?.options.flatMap(([f]) => /--[a-z0-9-]+/.exec(f)?.[0] ?? []) ?? [];
    return [flags.filter((flag) => flag.startsWith(word)), word];
  }
  if (command === 'help') return [commands.map((c) => c.name).filter((name) => name.startsWith(word)), word];
  return [paths(session, command, word), word];
}

/** Paths of this machine for what is its own, else of the image; characters with a meaning are escaped. */
function paths(session: Session, command: string | undefined, word: string): string[] {
  const plain = word.replace(/\\(.)/g, '$1');
  const local = command === 'put' || command === 'lcd' || command === 'lls' || plain.startsWith('host:');
  const place = local ? session.at(plain.startsWith('host:') ? plain : `host:${plain}`) : session.at(plain);
  const slash = plain.slice(0, plain.lastIndexOf('/') + 1);
  const asked = local && !place.path.endsWith('/') && /(^|[/:])$/.test(plain) ? `${place.path}/` : place.path;
  const head = plain.startsWith('host:') && slash === '' ? 'host:' : slash;
  return completePath(place.fs, asked).map((path) => {
    const found = fromBytestr(path);
    const name = /[^/]*\/?$/.exec(found)?.[0] ?? found;
    const whole = (head + name).replace(/[\s"'\\*?[#]/g, '\\$&');
    return whole.endsWith('/') ? whole : `${whole} `;
  });
}
