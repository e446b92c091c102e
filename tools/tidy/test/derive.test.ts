import { expect, test } from '@jest/globals';
import { fixes, Tree, treeOf } from '../src/index.js';

const SOURCES = {
  'packages/lib/sys/src/index.ts': '/** S. */\nexport const EIO: number = 5;\n',
  'packages/conformance/vnode/src/index.ts': '/** V. */\nexport const suite: number = 1;\n',
  'packages/fs/foofs/src/index.ts': "/** F. */\nimport { EIO } from '@anykernel/lib-sys';\nexport const error: number = EIO;\n",
  'packages/fs/foofs/test/foofs.test.ts': "import { suite } from '@anykernel/conformance-vnode';\n",
};

/** The tree with all that --fix writes. */
function fixed(files: Readonly<Record<string, string>>): Tree {
  const tree = treeOf(files);
  return new Tree(new Map([...tree.files, ...fixes(tree)]));
}

test('a folder with only src/ becomes a package', () => {
  const tree = fixed(SOURCES);
  expect(tree.json('packages/fs/foofs/package.json')).toMatchObject({
    name: '@anykernel/foofs',
    exports: { '.': { types: './dist/index.d.ts', default: './dist/index.js' } },
    dependencies: { '@anykernel/lib-sys': 'workspace:^' },
    devDependencies: { '@anykernel/conformance-vnode': 'workspace:^' },
  });
  expect(tree.json('packages/fs/foofs/tsconfig.json')).toEqual({
    extends: '../../../tsconfig.kernel.json',
    references: [{ path: '../../lib/sys' }],
  });
  expect(tree.text('packages/fs/foofs/README.md')).toMatch(/## Edges\n\n- \[@anykernel\/lib-sys\]\(\.\.\/\.\.\/lib\/sys\)\n$/);
  expect(tree.text('packages/fs/foofs/LICENSE')).toMatch(/^BSD 2-Clause/);
  expect(tree.text('.changeset/first-release.md')).toMatch(/'@anykernel\/foofs': minor/);
});

test('what is written once is not written again', () => {
  expect(fixes(fixed(SOURCES))).toEqual([]);
});

test('what a person wrote is kept', () => {
  const mine = JSON.stringify({
    name: 'x',
    version: '3.1.4',
    description: 'Mine.',
    dependencies: { koffi: '3', '@anykernel/conformance-vnode': 'workspace:^' },
    bin: { foo: './dist/foo.js' },
  });
  const tree = fixed({
    ...SOURCES,
    'packages/fs/foofs/package.json': mine,
    'packages/fs/foofs/README.md': '# Foo\n\n## What\n\nFoo.\n\n## Edges\n\nOld.\n\n## More\n\nMore.\n',
  });
  expect(tree.json('packages/fs/foofs/package.json')).toMatchObject({
    version: '3.1.4',
    description: 'Mine.',
    bin: { foo: './dist/foo.js' },
  });
  expect(tree.json('packages/fs/foofs/package.json')?.['dependencies']).toEqual({ '@anykernel/lib-sys': 'workspace:^', koffi: '3' });
  expect(tree.text('packages/fs/foofs/README.md')).toMatch(/^# Foo\n\n## What\n\nFoo\.\n\n## Edges\n\n- \[.*\n\n## More\n\nMore\.\n/);
});

test('the graph has an arrow for each edge', () => {
  const tree = fixed(SOURCES);
  expect(tree.text('docs/graph/README.md')).toMatch(/fs_foofs --> lib_sys/);
  expect(tree.json('docs/graph/graph.json')?.['packages']).toContainEqual({
    name: '@anykernel/foofs',
    dir: 'packages/fs/foofs',
    group: 'fs',
    requires: ['@anykernel/lib-sys'],
  });
});

test('the ratchet goes down with the file, and forgets what is short enough', () => {
  const ratchet = { files: { 'packages/lib/sys/src/long.ts': 900, 'packages/lib/sys/src/index.ts': 700 }, functions: {} };
  const tree = fixed({ ...SOURCES, 'packages/lib/sys/src/long.ts': '\n'.repeat(600), 'tools/tidy/ratchet.json': JSON.stringify(ratchet) });
  expect(tree.json('tools/tidy/ratchet.json')).toEqual({ files: { 'packages/lib/sys/src/long.ts': 600 }, functions: {} });
});

test('the root README lists the packages between its marks', () => {
  const readme = '# Anykernel\n\n<!-- components:begin -->\nold\n<!-- components:end -->\n\nMore.\n';
  const manifest = JSON.stringify({ description: 'The foo file system.' });
  const text = fixed({ ...SOURCES, 'README.md': readme, 'packages/fs/foofs/package.json': manifest }).text('README.md');
  expect(text).toContain('| [`@anykernel/foofs`](packages/fs/foofs) | The foo file system. |\n');
  expect(text).toMatch(/^# Anykernel\n\n<!-- components:begin -->\n\n\| File systems[\s\S]*<!-- components:end -->\n\nMore\.\n$/);
});
