/** Encodings without a Buffer, against Node's Buffer. */
import { expect, test } from '@jest/globals';
import { codecOf } from '../src/codecs.js';

const ENCODINGS = ['utf8', 'latin1', 'binary', 'ascii', 'hex', 'base64', 'base64url', 'ucs2', 'ucs-2', 'utf16le', 'utf-16le'] as const;
const TEXTS = ['', 'a', 'ab', 'grüße 🚀', '00ff8', '00FF80', '0g11', 'AP-A', 'AP_/+w==', 'AQ==IGNORED', 'A P\nA', 'AAA', 'A', '\0\x7f\x80\xff'];

test.each(ENCODINGS)('%s is what Buffer makes of it, both ways', (encoding) => {
  for (const text of TEXTS) expect([text, [...codecOf(encoding).encode(text)]]).toEqual([text, [...Buffer.from(text, encoding as BufferEncoding)]]);
  let x = 7;
  for (let len = 0; len < 40; len++) {
    const bytes = Uint8Array.from({ length: len }, () => (x = (x * 75 + 74) % 65537) & 0xff);
    expect([len, codecOf(encoding).decode(bytes)]).toEqual([len, Buffer.from(bytes).toString(encoding as BufferEncoding)]);
  }
});
