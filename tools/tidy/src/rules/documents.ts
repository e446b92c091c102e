/** Markdown: one title to a document, and every link leads somewhere. */
import { posix } from 'node:path';
import type { Finding, Tree } from '../tree.js';

/** Exactly one `# ` in each document; changesets are none. */
export function titles(tree: Tree): Finding[] {
  return documents(tree)
    .filter(([path]) => !path.startsWith('.changeset/') || path.endsWith('README.md'))
    .map(([path, text]) => ({ path, count: (prose(text).match(/^# /gm) ?? []).length }))
    .filter(({ count }) => count !== 1)
    .map(({ path, count }) => ({ path, message: `has ${count} titles (# lines); a document has one` }));
}

/** Links to files, folders and headings of this tree. */
export function links(tree: Tree): Finding[] {
  const folders = new Set([...tree.files.keys()].flatMap(foldersAbove));
  return documents(tree).flatMap(([path, text]) =>
    [...prose(text).matchAll(/\]\(([^)\s]+)(?: "[^"]*")?\)/g)]
      .map(([, target = '']) => target)
      .filter((target) => !/^[a-z]+:/.test(target) && !leads(tree, folders, path, target))
      .map((target) => ({ path, message: `the link ${target} leads nowhere` })),
  );
}

function leads(tree: Tree, folders: ReadonlySet<string>, from: string, target: string): boolean {
  const [file = '', anchor] = target.split('#');
  const path = file === '' ? from : posix.join(posix.dirname(from), file).replace(/\/$/, '');
  if (!tree.files.has(path) && !folders.has(path)) return false;
  return anchor === undefined || !path.endsWith('.md') || anchors(tree.text(path) ?? '').has(anchor);
}

/** The anchors of a document's headings, as GitHub makes them. */
function anchors(text: string): ReadonlySet<string> {
  const headings = [...prose(text).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => heading);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}_ -]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

function documents(tree: Tree): [string, string][] {
  return [...tree.files].filter(([path]) => path.endsWith('.md'));
}

/** The text without its blocks and spans of code. */
function prose(text: string): string {
  return text.replace(/^(```+)[\s\S]*?^\1/gm, '').replace(/`[^`\n]*`/g, '');
}

function foldersAbove(path: string): string[] {
  const parts = path.split('/');
  return ['.', ...parts.slice(0, -1).map((_part, index) => parts.slice(0, index + 1).join('/'))];
}
