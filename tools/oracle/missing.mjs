/**
 * `node tools/oracle/missing.mjs`: prints the Debian packages of the programs in programs.json that are not on this machine, one a line.
 * Plain JavaScript: .ci/run calls it before anything is installed.
 */
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const programs = JSON.parse(readFileSync(new URL('./programs.json', import.meta.url), 'utf8'));
const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'];
const missing = Object.entries(programs).filter(([name]) => !folders.some((folder) => existsSync(join(folder, name))));

for (const debian of new Set(missing.map(([, debian]) => debian))) console.log(debian);
