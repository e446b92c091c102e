/**
 * `pnpm create-component fs/foofs "The foo file system."`: a new kernel component, green from the first minute.
 */
import { fixes, readTree } from '@anykernel/tools-tidy';
import { fileURLToPath } from 'node:url';
import { filesOf, over, wish } from './create.js';
import { templates, writeFiles } from './disk.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

function main([where = '', ...words]: readonly string[]): number {
  const tree = readTree(ROOT);
  try {
    const wanted = wish(tree, where, words.join(' ') || `The ${where.split('/')[1]} component.`);
    const files = filesOf(wanted, templates());
    const dir = `packages/${wanted.group}/${wanted.unit}`;
    const derived = fixes(over(tree, files)).filter(([path]) => path.startsWith(`${dir}/`) || path.startsWith('docs/graph/'));
    const all = new Map([...files, ...derived]);
    writeFiles(ROOT, all);
    for (const path of all.keys()) console.log(`wrote ${path}`);
    console.log(
      `\nNext:\n  pnpm install --offline   # links it\n  pnpm jest ${dir}         # its conformance run\n  pnpm tidy                # the house rules`,
    );
    return 0;
  } catch (error) {
    console.error(`create-component: ${error instanceof Error ? error.message : error}`);
    console.error('usage: pnpm create-component GROUP/NAME "What it is, in one sentence."');
    return 1;
  }
}

process.exitCode = main(process.argv.slice(2));
