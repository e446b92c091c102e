import { expect, test } from '@jest/globals';
import { DISKLABEL_LEN, type Disklabel, FS_BSDFFS, RAW_PART, emitDisklabel, parseDisklabel } from '../src/index.js';

const LABEL: Disklabel = {
  type: 10, typename: 'md', packname: 'fictitious', secsize: 512, nsectors: 32, ntracks: 64, ncylinders: 4, secperunit: 8192, rpm: 3600,
  partitions: [0, 1, 2, 3].map((i) => ({ offset: 0, size: i === 0 || i === RAW_PART ? 8192 : 0, fstype: i === 0 ? FS_BSDFFS : 0 })),
};

function emitted(): Uint8Array {
  const b = new Uint8Array(DISKLABEL_LEN).fill(0xee);
  emitDisklabel(b, LABEL);
  return b;
}

test('what was emitted is parsed', () => {
  expect(parseDisklabel(emitted())).toEqual(LABEL);
});

test('a label that is cut, or changed anywhere, is none', () => {
  for (let len = 0; len < DISKLABEL_LEN; len++) expect(parseDisklabel(emitted().subarray(0, len))).toBeUndefined();
  for (let at = 0; at < 148 + 4 * 16; at++) {
    const b = emitted();
    b[at] = (b[at] as number) ^ 1;
    expect(`byte ${at}: ${parseDisklabel(b)}`).toBe(`byte ${at}: undefined`);
  }
});
