/**
 * Source maps of modules on redirected paths, for a Node whose reader of maps asks a `readFileSync` that it took before anything was redirected: a map that lies in a
 * file is put into the source.
 */
import { readFileSync } from 'node:fs';
import { pathOf } from './resolve.js';

const COMMENT = /^(\/\/[#@]\s*sourceMappingURL=)(\S+)[^\S\n]*$/gm;

interface SourceMap {
  sourceRoot?: string;
  sources?: (string | null)[];
}

/** The text of the module at `url` with its map in it, if that is in a file of which `isKernels` says that it is the kernel's, and if it can be read. */
export function withMap(text: string, url: string, isKernels: (url: string) => boolean): string {
  const last = [...text.matchAll(COMMENT)].at(-1);
  const [comment = '', words = '', target = ''] = last ?? [];
  const at = URL.canParse(target, url) ? new URL(target, url).href : '';
  if (!isKernels(at)) return text;
  try {
    const map = JSON.parse(readFileSync(pathOf(at), 'utf8')) as SourceMap;
    const root = map.sourceRoot === undefined || map.sourceRoot === '' ? '' : map.sourceRoot.replace(/\/?$/, '/');
    const sources = map.sources?.map((source) => (source === null ? null : new URL(root + source, at).href));
    const inline = Buffer.from(JSON.stringify({ ...map, sourceRoot: '', sources })).toString('base64');
    return text.slice(0, last?.index) + `${words}data:application/json;base64,${inline}` + text.slice((last?.index ?? 0) + comment.length);
  } catch {
    return text;
  }
}
