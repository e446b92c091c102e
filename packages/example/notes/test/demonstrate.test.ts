/** The demonstration, from beginning to end. */
import { expect, test } from '@jest/globals';
import { demonstrate } from '../src/index.js';

test('an unmodified program keeps its notes on the image as it does on this machine', async () => {
  const said: string[] = [];
  const status = await demonstrate((text) => said.push(text));
  const text = said.join('\n');
  expect({ status, complaints: text.split('\n').filter((line) => /^ {2}FAIL/.test(line)) }).toEqual({ status: 0, complaints: [] });
  expect(text).toMatch(/ext2fs\n +├─ rumpkern/);
  expect(text).toMatch(/It boots in [\d.]+ ms/);
  expect(text).toMatch(/ok +they left the same tree/);
});
