/** All of the probe holds on kernels, and where it is the superuser's, on the host that it was written by. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { CHECKS, type Check, SUBJECTS, type Subject } from '../src/index.js';

test('there are 41 of them', () => {
  expect(Object.keys(CHECKS)).toHaveLength(41);
});

describe.each(['ukfs, tmpfs', 'ukfs, bare kernel', 'ukfs, ext2fs', 'host'])('on %s', (name) => {
  let s: Subject;
  beforeAll(async () => {
    s = await (SUBJECTS[name] as () => Promise<Subject>)();
  });
  afterAll(() => s.done());

  test.each(Object.keys(CHECKS))('%s', (check) => {
    const dir = s.fs.mkdtempSync(`${s.base}/c-`);
    (CHECKS[check] as Check)(s.fs, dir);
  });
});
