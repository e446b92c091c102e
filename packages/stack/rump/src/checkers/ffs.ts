/** The fast file system. */
import { fsck, hasFfs, looksLikeFfs } from '@anykernel/ffs';
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

function peekOf(image: ImageToCheck): (off: number, len: number) => Uint8Array {
  return (off, len) => (off >= image.size ? new Uint8Array(0) : image.read(off, Math.min(len, image.size - off)));
}

export const ffsChecker: Checker = { types: ['ffs'], isThere: (image) => looksLikeFfs(peekOf(image)), wasThere: hasFfs, check };
