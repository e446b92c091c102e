/** The fast file system. */
import { fsck, hasFfs } from '@anykernel/ffs';
import type { Checked, Checker, CheckOptions, ImageToCheck } from './checker.js';

function check(image: ImageToCheck, options: CheckOptions): Checked {
  const { problems, more, ...report } = fsck(image, options);
  const lines = problems.map((p) => p.text);
  if (more > 0) lines.push(`and ${more} more`);
  if (!report.marked) lines.push('it was not unmounted cleanly');
  const clean = report.clean && (options.repair || report.marked);
  const { files, used, size } = report;
  return { problems: lines, clean, row: { files, used, size }, text: `${files} files, ${used} of ${size} fragments in use` };
}

export const ffsChecker: Checker = { types: ['ffs'], isThere: (image) => hasFfs(image), check };
