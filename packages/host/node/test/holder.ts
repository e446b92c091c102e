/** Claims bytes of a file (`FILE OFF LEN`), says so, and keeps them until its input ends: another program, for claims.test.ts. */
import { openSync } from 'node:fs';
import { claimBytes } from '../src/claims.js';

export interface Said {
  readonly code: string;
}

const [file = '', off, len] = process.argv.slice(2);
const owner = {};
let said: Said = { code: 'claimed' };
try {
  claimBytes(openSync(file, 'r+'), owner, Number(off), Number(len));
} catch (e) {
  said = { code: (e as Said).code };
}
console.log(JSON.stringify(said));
process.stdin.resume().on('end', () => process.exit(owner === undefined ? 1 : 0));
