/**
 * What a machine must have before anything is installed. Plain JavaScript without dependencies, for this is the
 * code that tells them that they are too old.
 */
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root of the repository. */
export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** The oldest Node that everything works on: [major, minor]. */
const OLDEST_NODE = [20, 19];

/** What installing and building take, with a margin. */
const NEEDED_BYTES = 1.5 * 2 ** 30;

/**
 * Why this machine will not do, as sentences; empty when it will.
 * @param {{ nodeVersion: string, freeBytes: number, root: string }} machine
 * @returns {string[]}
 */
export function refusals({ nodeVersion, freeBytes, root }) {
  const found = [];
  const [major = 0, minor = 0] = nodeVersion.split('.').map(Number);
  if (major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1])) {
    found.push(`This is Node ${nodeVersion}; Node ${OLDEST_NODE.join('.')} or later is needed (https://nodejs.org).`);
  }
  if (freeBytes < NEEDED_BYTES) {
    found.push(`${mib(freeBytes)} are free under ${root}; about ${mib(NEEDED_BYTES)} are needed to install and build.`);
  }
  return found;
}

/** This machine, as refusals() wants it. */
export function thisMachine() {
  const { bavail, bsize } = fs.statfsSync ? fs.statfsSync(ROOT) : { bavail: Infinity, bsize: 1 };
  return { nodeVersion: process.versions.node, freeBytes: bavail * bsize, root: ROOT };
}

/** The pinned pnpm, as `pnpm@10.34.9`, from package.json. */
export function pinnedPnpm() {
  return JSON.parse(fs.readFileSync(join(ROOT, 'package.json'), 'utf8')).packageManager;
}

/** Whether the path, relative to the root, is there. */
export function has(path) {
  return fs.existsSync(join(ROOT, path));
}

/** @param {number} bytes */
function mib(bytes) {
  return `${Math.floor(bytes / 2 ** 20)} MiB`;
}
