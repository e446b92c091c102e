/** `pnpm oracles`: prints the Debian packages of the oracles that are not on this machine, one a line. */
import { isPresent, NEEDS } from './needs.js';

const missing = Object.entries(NEEDS).filter(([name]) => !isPresent(name));
for (const debian of new Set(missing.map(([, need]) => need.debian))) console.log(debian);
