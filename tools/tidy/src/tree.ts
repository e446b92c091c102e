/**
 * The repository as the rules see it: paths relative to the root, and their text. Read from a folder, or made in memory by a test.
 *
 * A rule asks the tree and gives findings; nothing here judges.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { type Import, importsOf } from './imports.js';

/** What a rule complains of. */
export interface Finding {
  readonly path: string;
  readonly message: string;
}

/** One package folder. */
export interface Unit {
  /** `packages/fs/tmpfs`, `tools/tidy`. */
  readonly dir: string;
  /** `fs`; `tools` for the repository's own. */
  readonly group: string;
  /** `tmpfs`. */
  readonly unit: string;
  /** The npm name that the folder demands. */
  readonly name: string;
  readonly sources: readonly string[];
  readonly tests: readonly string[];
}

/** Groups whose units are kernel components. */
export const COMPONENT_GROUPS: readonly string[] = ['librump', 'kern', 'dev', 'fs', 'net'];

/** Groups whose code knows no host. */
export const KERNEL_GROUPS: readonly string[] = ['lib', ...COMPONENT_GROUPS];

const SKIPPED = new Set(['node_modules', 'dist', '.turbo', '.git', 'coverage', '.cache']);
const TEXT = /(\.(ts|mts|mjs|cjs|js|json|md|yaml|svg)|LICENSE|\.gitignore|\.ci\/run)$/;

export class Tree {
  readonly files: ReadonlyMap<string, string>;
  readonly units: readonly Unit[];
  readonly #parsed = new Map<string, ts.SourceFile>();
  readonly #imports = new Map<string, readonly Import[]>();
  readonly #byName: ReadonlyMap<string, Unit>;

  /** `files`: text by path; keeps it. */
  constructor(files: ReadonlyMap<string, string>) {
    this.files = files;
    this.units = unitsOf([...files.keys()]);
    this.#byName = new Map(this.units.map((unit) => [unit.name, unit]));
  }

  /** The text of a file; undefined when there is none. */
  text(path: string): string | undefined {
    return this.files.get(path);
  }

  /** A JSON file's content; undefined when there is none. Throws SyntaxError. */
  json(path: string): Record<string, unknown> | undefined {
    const text = this.files.get(path);
    return text === undefined ? undefined : JSON.parse(text);
  }

  /** The unit with this npm name. */
  unit(name: string): Unit | undefined {
    return this.#byName.get(name);
  }

  /** The syntax tree of a source file which exists. */
  parse(path: string): ts.SourceFile {
    let parsed = this.#parsed.get(path);
    if (parsed === undefined) {
      parsed = ts.createSourceFile(path, this.files.get(path) ?? '', ts.ScriptTarget.ES2023, true);
      this.#parsed.set(path, parsed);
    }
    return parsed;
  }

  imports(path: string): readonly Import[] {
    let imports = this.#imports.get(path);
    if (imports === undefined) {
      imports = importsOf(this.parse(path));
      this.#imports.set(path, imports);
    }
    return imports;
  }

  /** `packages/fs/tmpfs/src/node.ts:12`, for a message. */
  at(path: string, node: ts.Node): string {
    const file = this.parse(path);
    return `${path}:${file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1}`;
  }
}

/** A tree made of literals. */
export function treeOf(files: Readonly<Record<string, string>>): Tree {
  return new Tree(new Map(Object.entries(files)));
}

/** The tree on disk under `root`. Files which are not text are known by name alone. */
export function readTree(root: string): Tree {
  const files = new Map<string, string>();
  const walk = (dir: string): void => {
    for (const entry of readdirSync(join(root, dir), { withFileTypes: true })) {
      const path = dir === '' ? entry.name : `${dir}/${entry.name}`;
      if (entry.isDirectory() && !SKIPPED.has(entry.name)) walk(path);
      if (entry.isFile()) files.set(path, TEXT.test(path) ? readFileSync(join(root, path), 'utf8') : '');
    }
  };
  walk('');
  return new Tree(files);
}

/** The npm name of a folder. */
function nameOf(group: string, unit: string): string {
  const bare = COMPONENT_GROUPS.includes(group) || group === 'client';
  return `@anykernel/${bare ? unit : `${group}-${unit}`}`;
}

function unitsOf(paths: readonly string[]): Unit[] {
  const found = new Map<string, { group: string; unit: string; sources: string[]; tests: string[] }>();
  for (const path of [...paths].sort()) {
    const match = /^(packages\/([^/]+)|(tools))\/([^/]+)\/(src|test)\/.*\.ts$/.exec(path);
    if (match === null) continue;
    const [, , group, tools, unit = ''] = match;
    const dir = path
      .split('/')
      .slice(0, tools === undefined ? 3 : 2)
      .join('/');
    const entry = found.get(dir) ?? { group: group ?? 'tools', unit, sources: [], tests: [] };
    found.set(dir, entry);
    (match[5] === 'src' ? entry.sources : entry.tests).push(path);
  }
  return [...found]
    .filter(([, entry]) => entry.group !== 'tools' || entry.sources.length > 0)
    .map(([dir, entry]) => ({ dir, name: nameOf(entry.group, entry.unit), ...entry }));
}
