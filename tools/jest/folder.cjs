/**
 * The folder of a run of jest: TMPDIR of all its tests and of the programs that they start, so that what one of them leaves behind is gone with it.
 *
 * What a run that was killed has left, its mounts and network namespaces included, goes as the next one begins; not within an hour, and not while the
 * process is there.
 */
'use strict';
const { spawnSync } = require('node:child_process');
const { chmodSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');

const HOUR_MS = 3_600_000;
const FOLDER = /^anykernel-(\d+)-\w{6}$/;
const NAMESPACE = /^ak-\w+-(\d+)(-\d+)?$/;
const NAMESPACES = '/run/netns';

/** Begins a run. */
function begin() {
  for (const folder of abandoned(tmpdir(), FOLDER)) remove(folder);
  for (const path of abandoned(NAMESPACES, NAMESPACE)) spawnSync('ip', ['netns', 'delete', path.slice(NAMESPACES.length + 1)]);
  const folder = mkdtempSync(join(tmpdir(), `anykernel-${process.pid}-`));
  // Tests that are other users walk through it.
  chmodSync(folder, 0o755);
  process.env.TMPDIR = folder;
  return folder;
}

/** What is mounted in the folder is unmounted first. */
function remove(folder) {
  const mounts = existsSync('/proc/self/mounts') ? readFileSync('/proc/self/mounts', 'utf8').split('\n') : [];
  const below = mounts.map((line) => line.split(' ')[1] ?? '').filter((path) => path.startsWith(`${folder}/`));
  for (const path of below.reverse()) if (spawnSync('umount', [path]).status !== 0) return;
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

/** Paths in `parent` whose names have, by `pattern`, the number of a process that is no more. */
function abandoned(parent, pattern) {
  if (!existsSync(parent)) return [];
  const names = readdirSync(parent).filter((name) => pattern.test(name) && !lives(Number(pattern.exec(name)[1])));
  return names.map((name) => join(parent, name)).filter(isOld);
}

function isOld(path) {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat !== undefined && Date.now() - stat.mtimeMs > HOUR_MS;
}

function lives(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (e) {
    return e.code === 'EPERM';
  }
}

module.exports = { begin, remove };
