/** Images of others, as far as they were fetched (tools/corpora/fetch.mjs): a part of them that takes some seconds, and the texts that some of them come in. */
import { expect, test } from '@jest/globals';
import { type Image, differences, imagesIn, judgeAll, undump, uudecode } from '@anykernel/tools-corpora';
import { oracle } from '@anykernel/tools-oracle';
import { corporaFolder } from '../fetch.mjs';

/** One of each kind of fault, and of each source package. */
const PART: readonly RegExp[] = [
  /^e2fsprogs\/f_(badroot|lpf2|lpffile|expand|baddotdir|badinode|badsymlinks|dup|miss_journal|journal|illitable|ea_checks|ea_inode|imagic|messy_inode)$/,
  /^e2fsprogs\/f_(dup3|extent_bad_node|inlinedata_dirblocks|quota|bad_encryption)$/,
  /^util-linux\/(ext3|ufs|iso-joliet|gpt|dos\+bsd|udf)$/,
  /^dosfstools\/check-(circular_chain|dot_entries)$|^fatcat\/(directory-loop|hello-world)$|^libarchive\/.*(zisofs|rockridge_ce|fuzz_1)|^libcdio\/(malformed2|copying-rr)/,
];

oracle('corpora', 'e2fsck', 'xz', 'bzip2').test(
  'images of others are opened, checked and mended as the list says',
  async () => {
    const images = imagesIn(corporaFolder()).filter(({ name }: Image) => PART.some((p) => p.test(name)));
    expect(images.length).toBeGreaterThan(25);
    expect(differences(await judgeAll(images), false).join('\n')).toBe('');
  },
  400_000,
);

test('uuencoded text', () => {
  expect(Buffer.from(uudecode('begin 644 x\n#0V%T\n`\nend\n')).toString()).toBe('Cat');
  expect(uudecode('nothing\n')).toEqual(new Uint8Array(0));
});

test('what xxd wrote, with zeros where it left lines out', () => {
  expect(undump('00000000: 4142 43  ABC\n00000010: 44  D\n')).toEqual(Uint8Array.from([65, 66, 67, ...new Array<number>(13).fill(0), 68]));
});
