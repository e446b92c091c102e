/** `node tools/corpora/fetch.mjs`: gets other people's disk images out of Debian's source packages, into a cache; prints where they are. */
import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { cacheFolder, fetchSources } from '../oracle/sources.mjs';

/** The source packages, and which of their members are images, or made of them. */
const PACKAGES = {
  e2fsprogs: ['*/tests/*/image.gz', '*/tests/*/image.bz2', '*/tests/*/name'],
  'util-linux': ['*/tests/ts/blkid/images-*/*.img.xz', '*/tests/ts/isosize/*.iso.gz', '*/tests/ts/cramfs/*.img'],
  libcdio: ['*/test/data/*.iso', '*/test/data/*.bin', '*/test/data/*.nrg'],
  libarchive: ['*/libarchive/test/*.iso.Z.uu'],
  dosfstools: ['*/tests/*.xxd'],
  fatcat: ['docs/images/*.img.gz'],
};

/** Where they are, or will be: a folder for each package. */
export function corporaFolder() {
  return cacheFolder('corpora-12');
}

/** Whether they are there. */
export function isFetched() {
  return existsSync(corporaFolder());
}

/** Gets them. Throws with what apt-get or tar said. */
export function fetchCorpora() {
  if (!isFetched()) fetchSources(corporaFolder(), PACKAGES);
  return corporaFolder();
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) console.log(fetchCorpora());
