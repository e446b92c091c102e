/**
 * The programs in pages of documentation, run as they stand: pieces of code in js, and commands in sh, one after the other in one folder.
 *
 * A piece in json or js whose paragraph ends with its name (`net.json`:) becomes that file. `<!-- not run: REASON -->` in the line above leaves a piece out.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Check } from './report.js';

export interface Block {
  readonly language: string;
  readonly code: string;
  /** Where it begins, from 1. */
  readonly line: number;
  /** The file that it is; undefined: a program. */
  readonly file?: string;
}

const LIMIT_MS = 120_000;
const OPENING = /^(?:(<!-- not run: .+ -->)\n)?```(\w+)\n([\s\S]*?)^```$/gm;

/** What of a page can be run or is needed for it, in its order. */
export function blocksOf(markdown: string): Block[] {
  return [...markdown.matchAll(OPENING)].flatMap((m) => {
    const [, left, language = '', code = ''] = m;
    if (left !== undefined || !['js', 'json', 'sh'].includes(language)) return [];
    const before = markdown.slice(0, m.index);
    const file = language === 'sh' ? undefined : /`([\w.-]+\.(?:json|m?js))`:\s*$/.exec(before)?.[1];
    if (language === 'json' && file === undefined) return [];
    return [{ language, code, line: before.split('\n').length, ...(file === undefined ? {} : { file }) }];
  });
}

/** Runs the page's blocks in `folder`, where all that they name is installed. */
export function runBlocks(page: string, markdown: string, folder: string): Check[] {
  return blocksOf(markdown).flatMap((block) => {
    if (block.file === undefined) return [{ name: `${page}:${block.line} runs as it stands`, problems: runBlock(block, folder) }];
    writeFileSync(join(folder, block.file), block.code);
    return [];
  });
}

function runBlock({ language, code, line }: Block, folder: string): string[] {
  const script = join(folder, language === 'sh' ? `block-${line}.sh` : `block-${line}.mjs`);
  writeFileSync(script, code);
  const { NODE_OPTIONS: _options, NODE_PATH: _path, ...rest } = process.env;
  const env = { ...rest, PATH: `${join(folder, 'node_modules/.bin')}:${process.env['PATH']}` };
  const words = language === 'sh' ? ['bash', '-e', '-o', 'pipefail', script] : [process.execPath, script];
  const done = spawnSync(words[0] as string, words.slice(1), { cwd: folder, env, encoding: 'utf8', timeout: LIMIT_MS, input: '' });
  return done.status === 0 ? [] : [`status ${done.status ?? done.signal}\n${done.stdout}${done.stderr}`];
}
