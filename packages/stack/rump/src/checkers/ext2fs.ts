/** The second extended file system, and those that grew out of it. */
import { fsck, looksLikeExt2 } from '@anykernel/ext2fs';
import { toBytestr } from '@anykernel/lib-bytes';
import type { CheckOptions, Checked, Checker, ImageToCheck } from './checker.js';

function check(image: ImageToCheck, options: CheckOptions): Checked {
  const found = fsck(image, options);
  if (typeof found === 'string') return { problems: [toBytestr(found)], clean: false, row: {}, text: 'nothing is known of its files' };
  const { problems, notes, clean, ...figures } = found;
  const { files, directories, usedBlocks, blocks } = figures;
  const text = [`${files} files, ${directories} directories, ${usedBlocks} of ${blocks} blocks in use`, ...notes].join('; ');
  return { problems: problems.map((p) => toBytestr(p.what)), clean, row: { ...figures, notes }, text };
}

export const ext2Checker: Checker = { types: ['ext2fs', 'ext2', 'ext3', 'ext4'], isThere: looksLikeExt2, check };
