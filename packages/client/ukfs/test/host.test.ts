/** The two versions of `#host` are one: what is made for pages is what Node has. */
import { constants } from 'node:os';
import { errnoCodes } from '@anykernel/lib-sys';
import { expect, test } from '@jest/globals';
import * as node from '../src/host-node.js';
import * as page from '../src/host-page.js';

const versions: readonly (typeof node)[] = [node, page as typeof node];

test('both have the same names', () => {
  const same: Omit<typeof node, 'asBuffer'> = page;
  expect(Object.keys(same).sort()).toEqual(Object.keys(node).sort());
});

test('an error has one code, one number and one text, but where Node has no words', () => {
  const unknown: string[] = [];
  for (const code of errnoCodes) {
    const [ours, theirs] = [page.uvError(code), node.uvError(code)];
    expect([code, theirs[0]]).toEqual([code, ours[0]]);
    if (theirs[2] === 'unknown error') unknown.push(code);
    else expect([code, theirs[2]]).toEqual([code, ours[2]]);
    if (process.platform === 'linux' && (ours[0] in constants.errno || theirs[2] !== 'unknown error')) expect([code, theirs[1]]).toEqual([code, ours[1]]);
  }
  for (const code of ['EDQUOT', 'ESTALE', 'ENOLCK', 'EDEADLK', 'ENOSPC', 'EFTYPE']) expect(unknown).not.toContain(code);
  expect(versions.map(({ codeOf }) => [codeOf(node.uvError('ENOSPC')[1]), codeOf(-1_000_000)])).toEqual([['ENOSPC', 'EINVAL'], ['ENOSPC', 'EINVAL']]);
});

test('the words for encodings are the same, in large letters and small', () => {
  for (const word of ['utf8', 'UTF-8', 'latin1', 'binary', 'ascii', 'hex', 'Base64', 'base64url', 'ucs2', 'UCS-2', 'utf16le', 'utf-16le', 'utf7', '', 'toString']) {
    expect([word, page.isEncoding(word)]).toEqual([word, node.isEncoding(word)]);
  }
});

test('a URL has the same path, or the same error', () => {
  const path = (of: (url: URL) => string, url: string): unknown => {
    try {
      return of(new URL(url));
    } catch (e) {
      return [(e as { code?: string }).code, (e as Error).message];
    }
  };
  for (const url of ['file:///a/b%20c', 'file:///gr%C3%BC%C3%9Fe', 'http://host/a', 'file:///a%2Fb']) expect([url, path(page.pathOfUrl, url)]).toEqual([url, path(node.pathOfUrl, url)]);
});
