/** Each rule, seen failing on a small tree, and content with the same tree put right. */
import { describe, expect, test } from '@jest/globals';
import { type Rule, RULES, treeOf } from '../src/index.js';

type Files = Readonly<Record<string, string>>;

const COMPONENT = `/** C. */
import { component } from '@anykernel/lib-component';
export const foofs = component({ name: 'foofs', class: 'vfs', requires: [] });
`;

const PLAIN = '/** Plain. */\nexport const one: number = 1;\n';

/** The component library and one file system whose entry has `body`. */
function fs(body: string, more: Files = {}): Files {
  return { 'packages/lib/component/src/index.ts': PLAIN, 'packages/fs/foofs/src/index.ts': `/** F. */\n${body}\n`, ...more };
}

interface Case {
  readonly rule: string;
  readonly title: string;
  readonly bad: Files;
  /** In the message or the path of a finding. */
  readonly says: RegExp;
  readonly good: Files;
}

const PACKAGE = { name: '@anykernel/foofs', version: '0.0.0', description: 'A file system.' };
const readme = (standard: string): string =>
  `# @anykernel/foofs\n\n## What\n\nA.\n\n## Use\n\nB.\n\n## Not here\n\nC.\n\n## Standard\n\n${standard}\n\n## Edges\n\nNone.\n`;

const CASES: readonly Case[] = [
  {
    rule: 'what follows from the sources stands as it follows',
    title: 'a package without its manifest',
    bad: { 'tools/foo/src/index.ts': PLAIN, 'tools/foo/tsconfig.json': '{\n  "extends": "../../tsconfig.node.json"\n}\n' },
    says: /package\.json.*missing/,
    good: {},
  },
  {
    rule: 'imports point down',
    title: 'a library that imports the kernel',
    bad: { 'packages/lib/a/src/index.ts': "import { k } from '@anykernel/rumpkern';", 'packages/librump/rumpkern/src/index.ts': PLAIN },
    says: /lib may not import packages\/librump\/rumpkern/,
    good: { 'packages/lib/a/src/index.ts': PLAIN, 'packages/librump/rumpkern/src/index.ts': "import { one } from '@anykernel/lib-a';" },
  },
  {
    rule: 'imports point down',
    title: 'a driver that uses a value of the hypercall interface',
    bad: fs("import { half } from '@anykernel/host-rumpuser';", { 'packages/host/rumpuser/src/index.ts': PLAIN }),
    says: /fs may not import packages\/host\/rumpuser \(a value/,
    good: fs("import type { Rumpuser } from '@anykernel/host-rumpuser';", { 'packages/host/rumpuser/src/index.ts': PLAIN }),
  },
  {
    rule: 'imports point down',
    title: 'a package in a group that nobody knows',
    bad: { 'packages/misc/a/src/index.ts': PLAIN },
    says: /no group misc/,
    good: { 'packages/lib/a/src/index.ts': PLAIN },
  },
  {
    rule: 'no package needs itself',
    title: 'a circle by way of a test',
    bad: fs("import '@anykernel/rumpvfs';", {
      'packages/librump/rumpvfs/src/index.ts': PLAIN,
      'packages/librump/rumpvfs/test/a.test.ts': "import '@anykernel/foofs';",
    }),
    says: /a circle: foofs -> rumpvfs -> foofs/,
    good: fs("import '@anykernel/rumpvfs';", { 'packages/librump/rumpvfs/src/index.ts': PLAIN }),
  },
  {
    rule: 'packages meet at their one entry',
    title: 'an import of the inside of a package by name',
    bad: fs("import { x } from '@anykernel/rumpvfs/src/x.js';"),
    says: /inside of another package: @anykernel\/rumpvfs\/src\/x\.js/,
    good: fs("import { x } from '@anykernel/rumpvfs';"),
  },
  {
    rule: 'packages meet at their one entry',
    title: 'an import of another package by path',
    bad: fs("import { x } from '../../ext2fs/src/x.js';"),
    says: /inside of another package/,
    good: fs("import { x } from './x.js';"),
  },
  {
    rule: 'every import is a dependency',
    title: 'a library that package.json does not list',
    bad: fs("import 'left-pad';", { 'packages/fs/foofs/package.json': '{}' }),
    says: /left-pad is not in packages\/fs\/foofs\/package\.json/,
    good: fs("import 'left-pad';", { 'packages/fs/foofs/package.json': '{"dependencies":{"left-pad":"1"}}' }),
  },
  {
    rule: 'every import is a dependency',
    title: 'a package that is not there',
    bad: fs("import '@anykernel/nosuch';"),
    says: /no package @anykernel\/nosuch/,
    good: fs("import '@anykernel/lib-component';"),
  },
  {
    rule: 'every package says what it is',
    title: 'a README with an empty section',
    bad: {
      'packages/fs/foofs/src/index.ts': PLAIN,
      'packages/fs/foofs/package.json': JSON.stringify(PACKAGE),
      'packages/fs/foofs/README.md': readme(''),
    },
    says: /"## Standard" says nothing/,
    good: {
      'packages/fs/foofs/src/index.ts': PLAIN,
      'packages/fs/foofs/package.json': JSON.stringify(PACKAGE),
      'packages/fs/foofs/README.md': readme('D.'),
    },
  },
  {
    rule: 'every package says what it is',
    title: 'a manifest without a description',
    bad: { 'packages/fs/foofs/src/index.ts': PLAIN, 'packages/fs/foofs/package.json': '{}', 'packages/fs/foofs/README.md': readme('D.') },
    says: /has no description/,
    good: {},
  },
  {
    rule: 'a component has one word in four places',
    title: 'a constant of another name than the folder',
    bad: { 'packages/fs/foofs/src/index.ts': COMPONENT.replace('const foofs', 'const fooFs') },
    says: /exports no component constant foofs/,
    good: { 'packages/fs/foofs/src/index.ts': COMPONENT },
  },
  {
    rule: 'a component has one word in four places',
    title: 'a component of another name than the folder',
    bad: { 'packages/fs/foofs/src/index.ts': COMPONENT.replace("'foofs'", "'foo'") },
    says: /called foo, its folder foofs/,
    good: { 'packages/fs/foofs/src/component.ts': COMPONENT, 'packages/fs/foofs/src/index.ts': "export * from './component.js';" },
  },
  {
    rule: 'a component has one word in four places',
    title: 'a component that the entry does not export',
    bad: { 'packages/fs/foofs/src/component.ts': COMPONENT, 'packages/fs/foofs/src/index.ts': "import './component.js';" },
    says: /does not export foofs/,
    good: { 'packages/fs/null/src/index.ts': COMPONENT.replace('const foofs', 'const nullfs').replace("'foofs'", "'null'") },
  },
  {
    rule: 'a component requires what it imports',
    title: 'a component used and not required',
    bad: {
      'packages/fs/foofs/src/index.ts': `import { barfs } from '@anykernel/barfs';\n${COMPONENT}`,
      'packages/fs/barfs/src/index.ts': COMPONENT.replaceAll('foofs', 'barfs'),
    },
    says: /imports @anykernel\/barfs, which is not in the component's `requires`/,
    good: {
      'packages/fs/foofs/src/index.ts': `import { barfs } from '@anykernel/barfs';\n${COMPONENT.replace('requires: []', 'requires: [barfs]')}`,
      'packages/fs/barfs/src/index.ts': COMPONENT.replaceAll('foofs', 'barfs'),
    },
  },
  {
    rule: 'kernel code names no host',
    title: 'a module of Node',
    bad: fs("import { readFileSync } from 'node:fs';"),
    says: /imports node:fs/,
    good: { 'packages/host/node/src/index.ts': "import { readFileSync } from 'node:fs';" },
  },
  {
    rule: 'kernel code names no host',
    title: 'the clock of the host',
    bad: fs('export const now = (): number => Date.now();'),
    says: /names Date; here it is the kernel's clock/,
    good: fs('export const at = (Date: number, inode: { process: number }): number => Date + inode.process;'),
  },
  {
    rule: 'kernel code names no host',
    title: 'chance',
    bad: fs('export const dice = (): number => Math.random();'),
    says: /names Math\.random/,
    good: fs('export const low = (): number => Math.min(1, 2);'),
  },
  {
    rule: 'kernel code names no host',
    title: 'a global that is declared by hand',
    bad: fs('declare const host: unknown;'),
    says: /declared and not there/,
    good: fs('export class A extends B { declare readonly host: number; }'),
  },
  {
    rule: 'kernel code has no module state',
    title: 'a variable of the module',
    bad: fs('let count = 0;'),
    says: /`count` is state of a module/,
    good: fs('export function f(): void { let count = 0; count++; }'),
  },
  {
    rule: 'kernel code has no module state',
    title: 'a constant map that a function fills',
    bad: fs('const cache = new Map<string, number>();\nexport function put(name: string): void { cache.set(name, 1); }'),
    says: /changes `cache`/,
    good: fs('const cache = 1;\nexport function put(cache: Map<string, number>): void { cache.set("a", 1); }'),
  },
  {
    rule: 'kernel code has no module state',
    title: 'a constant object that a function writes to',
    bad: fs('const shared = { count: 0 };\nexport function f(): void { shared.count++; }'),
    says: /changes `shared`/,
    good: fs('const table = new Uint32Array(256);\nfor (let i = 0; i < 256; i++) table[i] = i;'),
  },
  {
    rule: 'kernel code has no module state',
    title: 'a list exported for everybody to change',
    bad: fs('export const names: string[] = ["a"];'),
    says: /`names` is exported, and anyone can change it/,
    good: fs('export const names: readonly string[] = ["a"];'),
  },
  {
    rule: 'kernel code has no module state',
    title: 'a static that changes',
    bad: fs('export class A { static count = 0; }'),
    says: /a static that changes/,
    good: fs('export class A { static readonly size = 8; }'),
  },
  {
    rule: 'kernel code is synchronous',
    title: 'an async function',
    bad: fs('export async function f(): Promise<void> {}'),
    says: /sleep by restart/,
    good: { 'packages/host/node/src/index.ts': 'export async function f(): Promise<void> {}' },
  },
  {
    rule: 'kernel code is synchronous',
    title: 'a generator',
    bad: fs('export function* f(): Generator<number> { yield 1; }'),
    says: /a generator in the kernel/,
    good: fs('export function f(): number { return 1; }'),
  },
  {
    rule: 'no default export, enum, namespace or any',
    title: 'a default export',
    bad: fs('export default 1;'),
    says: /a default export/,
    good: fs('export const one = 1;'),
  },
  {
    rule: 'no default export, enum, namespace or any',
    title: 'an enum',
    bad: fs('enum A { B }'),
    says: /an enum/,
    good: fs("type A = 'b';"),
  },
  { rule: 'no default export, enum, namespace or any', title: 'a namespace', bad: fs('namespace A {}'), says: /a namespace/, good: {} },
  {
    rule: 'no default export, enum, namespace or any',
    title: 'an any in a test',
    bad: { 'packages/lib/a/test/a.test.ts': 'const a: any = 1;' },
    says: /`any`/,
    good: { 'packages/lib/a/test/a.test.ts': 'const any: unknown = 1;' },
  },
  {
    rule: 'every file has a reader',
    title: 'a source that nobody imports',
    bad: fs('export const a = 1;', { 'packages/fs/foofs/src/old.ts': PLAIN }),
    says: /old\.ts.*nobody imports/,
    good: fs("export * from './new.js';", { 'packages/fs/foofs/src/new.ts': PLAIN }),
  },
  {
    rule: 'every file has a reader',
    title: "a test's helper that no test imports",
    bad: fs('', { 'packages/fs/foofs/test/help.ts': PLAIN }),
    says: /help\.ts.*nobody imports/,
    good: fs('', { 'packages/fs/foofs/test/help.ts': PLAIN, 'packages/fs/foofs/test/a.test.ts': "import './help.js';" }),
  },
  {
    rule: 'every file opens with its contract',
    title: 'a file without a word about itself',
    bad: { 'packages/fs/foofs/src/a.ts': 'export const a = 1;' },
    says: /does not open with its contract/,
    good: {
      'packages/fs/foofs/src/a.ts': PLAIN,
      'packages/fs/foofs/src/index.ts': "export { type A, a } from './a.js';\nexport * from './b.js';\n",
    },
  },
  {
    rule: 'a document has one title',
    title: 'two titles',
    bad: { 'docs/a.md': '# A\n\n# B\n' },
    says: /has 2 titles/,
    good: { 'docs/a.md': '# A\n\n```sh\n# b\n```\n' },
  },
  {
    rule: 'every link leads somewhere',
    title: 'a link to a file that is gone',
    bad: { 'docs/a.md': '# A\n[b](b.md)' },
    says: /the link b\.md leads nowhere/,
    good: { 'docs/a.md': '# A\n[b](b.md#the-first-one) [up](..) [web](https://example.org)', 'docs/b.md': '# B\n## The first one\n' },
  },
  {
    rule: 'every link leads somewhere',
    title: 'a link to a heading that is gone',
    bad: { 'docs/a.md': '# A\n[b](#nosuch)' },
    says: /#nosuch leads nowhere/,
    good: { 'docs/a.md': '# A\n[b](#a)' },
  },
  {
    rule: 'files and functions do not outgrow the ratchet',
    title: 'a file above the limit',
    bad: { 'packages/lib/a/src/index.ts': '// a\n'.repeat(501) },
    says: /has 501 lines; the limit is 500/,
    good: { 'packages/lib/a/src/index.ts': '// a\n'.repeat(500) },
  },
  {
    rule: 'files and functions do not outgrow the ratchet',
    title: 'an old giant that grows',
    bad: {
      'packages/lib/a/src/index.ts': '// a\n'.repeat(601),
      'tools/tidy/ratchet.json': '{"files":{"packages/lib/a/src/index.ts":600}}',
    },
    says: /it had 600, and may not grow/,
    good: {
      'packages/lib/a/src/index.ts': '// a\n'.repeat(599),
      'tools/tidy/ratchet.json': '{"files":{"packages/lib/a/src/index.ts":600}}',
    },
  },
  {
    rule: 'files and functions do not outgrow the ratchet',
    title: 'a long method',
    bad: { 'packages/lib/a/src/index.ts': `class A { f() {${'\n'.repeat(60)}} }` },
    says: /#A\.f has 61 lines/,
    good: { 'packages/lib/a/src/index.ts': `class A { f() {${'\n'.repeat(59)}} }` },
  },
  {
    rule: 'what was never released is in a changeset',
    title: 'a new package without a changeset',
    bad: { 'packages/fs/foofs/src/index.ts': PLAIN, 'packages/fs/foofs/package.json': JSON.stringify(PACKAGE) },
    says: /no changeset names @anykernel\/foofs/,
    good: {
      'packages/fs/foofs/src/index.ts': PLAIN,
      'packages/fs/foofs/package.json': JSON.stringify(PACKAGE),
      '.changeset/foofs.md': "---\n'@anykernel/foofs': minor\n---\n\nFoo.\n",
    },
  },
];

function findings(rule: string, files: Files): string[] {
  const judge: Rule | undefined = RULES[rule];
  if (judge === undefined) throw new Error(`there is no rule "${rule}"`);
  return judge(treeOf(files)).map(({ path, message }) => `${path}: ${message}`);
}

describe.each(CASES)('$rule: $title', ({ rule, bad, says, good }) => {
  test('is found', () => {
    expect(findings(rule, bad)).toContainEqual(expect.stringMatching(says));
  });

  test('is content when it is put right', () => {
    expect(findings(rule, good)).toEqual([]);
  });
});

test('every rule has been seen failing', () => {
  const elsewhere = ['no words of unfinished work'];
  expect([...new Set(CASES.map((one) => one.rule)), ...elsewhere].sort()).toEqual(Object.keys(RULES).sort());
});
