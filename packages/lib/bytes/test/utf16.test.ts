import { expect, test } from '@jest/globals';
import { toBytestr, utf16Of, utf8Of } from '../src/index.js';

test('characters go from UTF-8 to UTF-16 and back; what is no UTF-8 is none', () => {
  for (const text of ['plain', 'żółć', '漢字', '😀 x', '\ud800', 'a\udc00b', '\u07ff\u0800\uffff']) expect(utf16Of(utf8Of(text))).toBe(text);
  expect(utf8Of('é😀')).toBe(toBytestr('é😀'));
  for (const bad of ['\xff', '\xc3', '\xc0\x80', '\xe0\x80\x80', '\xf4\x90\x80\x80', '\x80', 'a\xe4b']) expect(utf16Of(bad)).toBeUndefined();
});
