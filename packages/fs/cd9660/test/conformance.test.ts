import { type ReadonlyLack, readonlyConformance } from '@anykernel/conformance-vnode';
import { oracle } from '@anykernel/tools-oracle';
import { MAKERS, imageOf, world } from './kit.js';

const LACKS: Readonly<Record<keyof typeof MAKERS, readonly ReadonlyLack[]>> = {
  'xorriso, Rock Ridge and Joliet': [],
  'genisoimage, Rock Ridge': [],
  'makefs, Rock Ridge': ['hardlinks'],
  'genisoimage, Joliet': ['symlinks', 'hardlinks', 'modes'],
  'genisoimage, ISO 9660:1999': ['symlinks', 'hardlinks', 'modes'],
  'genisoimage, plain ISO 9660': ['symlinks', 'hardlinks', 'modes', 'case'],
};

const needed = oracle('xorriso', 'genisoimage', 'makefs');
if (needed.missing.length > 0) needed.test('images by other programs', () => undefined);
else {
  for (const [name, lacks] of Object.entries(LACKS)) {
    readonlyConformance({
      name: `cd9660, ${name}`,
      lacks,
      make(folder) {
        const w = world(imageOf(folder, MAKERS[name as keyof typeof MAKERS]));
        w.mount();
        return { dir: '/mnt', process: (actor) => w.k.newproc(actor).sys, dispose: () => w.k.halt() };
      },
    });
  }
}
