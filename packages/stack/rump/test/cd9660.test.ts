/** ISO images under the command: detected, listed, copied out of, and not written to. */
import { describe, expect, test } from '@jest/globals';
import fs from 'node:fs';
import { mustRun, oracle } from '@anykernel/tools-oracle';
import { folder, ran, rump } from './kit.js';

describe('ISO 9660', () => {
  const path = folder();

  oracle('genisoimage').test('an image is listed, read and copied out, with modes and links', async () => {
    fs.mkdirSync(path('tree/A Folder'), { recursive: true });
    fs.writeFileSync(path('tree/A Folder/text'), 'text '.repeat(10_000));
    fs.chmodSync(path('tree/A Folder/text'), 0o640);
    fs.symlinkSync('A Folder/text', path('tree/link'));
    mustRun('genisoimage', ['-quiet', '-R', '-V', 'DISC', '-o', path('disc.iso'), path('tree')]);
    const iso = path('disc.iso');
    expect(await ran('ls', `${iso}:/`)).toBe('A Folder\nlink\n');
    expect(await ran('cat', `${iso}:/link`)).toBe('text '.repeat(10_000));
    await ran('cp', '-r', `${iso}:/`, path('out'));
    expect(fs.readlinkSync(path('out/link'))).toBe('A Folder/text');
    expect(fs.statSync(path('out/A Folder/text')).mode & 0o777).toBe(0o640);
    expect(fs.readFileSync(path('out/A Folder/text'), 'utf8')).toBe('text '.repeat(10_000));
  });

  oracle('genisoimage').test('nothing is written to one, and a line says why', async () => {
    const before = fs.readFileSync(path('disc.iso'));
    for (const words of [['mkdir', `${path('disc.iso')}:/new`], ['rm', `${path('disc.iso')}:/link`], ['cp', path('disc.iso'), `${path('disc.iso')}:/copy`]]) {
      const { status, err } = await rump(words);
      expect([words[0], status]).toEqual([words[0], 1]);
      expect(err).toMatch(/disc\.iso: .*(can only be read|read-only)/);
    }
    expect(fs.readFileSync(path('disc.iso')).equals(before)).toBe(true);
  });

  oracle('genisoimage').test('mount options choose among the names that an image has', async () => {
    mustRun('genisoimage', ['-quiet', '-R', '-J', '-o', path('both.iso'), path('tree')]);
    expect(await ran('ls', '-o', 'rrip=0', `${path('both.iso')}:/`)).toBe('A Folder\nlink\n');
    expect(await ran('ls', '-o', 'rrip=0,joliet=0', `${path('both.iso')}:/`)).toBe('a_folder\nlink\n');
  });

  test('newfs does not make one', async () => {
    const { status, err } = await rump(['newfs', '-t', 'cd9660', '-s', '1m', path('x.iso')]);
    expect([status, err]).toEqual([2, expect.stringMatching(/type cd9660: newfs makes /)]);
  });
});
