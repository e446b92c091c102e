/** FAT. */
import { fsck, hasFat } from '@anykernel/msdosfs';
import { toBytestr } from '@anykernel/lib-bytes';
import type { CheckOptions, Checked, Checker, ImageToCheck } from './checker.js';

function check(image: ImageToCheck, options: CheckOptions): Checked {
  const { problems, clean, ...figures } = fsck(image, options);
  const { files, directories, usedClusters, clusters } = figures;
  const text = `${files} files, ${directories} directories, ${usedClusters} of ${clusters} clusters in use`;
  return { problems: problems.map((line) => toBytestr(line)), clean, row: figures, text };
}

export const msdosChecker: Checker = { types: ['msdosfs'], isThere: hasFat, check };
