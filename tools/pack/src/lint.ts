/** What is wrong with a tarball: by publint, by attw (are the types wrong?), and by what every package must contain. */
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { problemAffectsResolutionKind } from '@arethetypeswrong/core/problems';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { bytesOf, type Tarball } from './tarballs.js';

const REQUIRED: readonly string[] = ['package.json', 'README.md', 'LICENSE', 'dist/index.js', 'dist/index.d.ts', 'src/index.ts'];
const FOREIGN = /\.tsbuildinfo$|^test\/|^node_modules\//;

/** The complaints of all, as sentences; empty when the package can be published. */
export async function lint(tarball: Tarball): Promise<string[]> {
  return [...new Set([...contents(tarball.contents), ...(await byPublint(tarball)), ...(await byAttw(tarball))])];
}

/** What is missing among `paths`, and what has no business there. */
export function contents(paths: readonly string[]): string[] {
  return [
    ...REQUIRED.filter((path) => !paths.includes(path)).map((path) => `${path} is missing`),
    ...paths.filter((path) => FOREIGN.test(path)).map((path) => `${path} should not be there`),
  ];
}

async function byPublint(tarball: Tarball): Promise<string[]> {
  const { messages, pkg } = await publint({ pack: { tarball: bytesOf(tarball).buffer }, level: 'warning', strict: true });
  return messages.map((message) => `publint: ${formatMessage(message, pkg, { color: false }) ?? message.code}`);
}

/** ES modules only: the ways in which CommonJS and old resolvers would see the package do not count. */
async function byAttw(tarball: Tarball): Promise<string[]> {
  const analysis = await checkPackage(createPackageFromTarballData(bytesOf(tarball)));
  if (analysis.types === false) return ['attw: the package has no types'];
  const { problems } = analysis;
  return problems
    .filter(
      (problem) =>
        problemAffectsResolutionKind(problem, 'node16-esm', analysis) || problemAffectsResolutionKind(problem, 'bundler', analysis),
    )
    .map((problem) => `attw: ${problem.kind}`);
}
