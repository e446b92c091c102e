import { beforeAll, expect, test } from '@jest/globals';
import { type Bundled, gzipLength, ukfsBundle } from '../src/bundle.js';

let bundled: Bundled;
beforeAll(async () => {
  bundled = await ukfsBundle('sources');
});

/** What docs/speed.md says, and a little for what comes. */
const KIB = 56;

test(`ukfs over tmpfs, minified and gzip, is not larger than ${KIB} KiB`, () => {
  const kib = gzipLength(bundled.code) / 1024;
  expect(kib).toBeGreaterThan(20);
  expect(kib).toBeLessThan(KIB);
});

test('nothing of devices, pipes, mounts, locks, signals, timers, caches, host files, networks, tracing and the sysctl tree is in it', () => {
  const absent = [
    'autoload', 'bcache', 'buses', 'caches', 'callout', 'calls/mounts', 'calls/xattr', 'console', 'devsw', 'disk', 'etfs', 'fifofs', 'files', 'filecache', 'handles',
    'journal', 'kqfilters', 'ksem', 'ktrace', 'libc', 'lockf', 'morerecords', 'mounts', 'namecache', 'pageduobj', 'pagein', 'pipe', 'ranges', 'reclaim',
    'reclock', 'rumpblk', 'rumpfs', 'signal', 'specfs', 'syncer', 'sysctl', 'tap', 'txn', 'vcache', 'wheel', 'xattr',
  ];
  const there = bundled.modules.map((path) => /([^/]+)\/src\/(.*)\.ts$/.exec(path)).flatMap((m) => (m === null || m[1] === 'ukfs' ? [] : [m[2]]));
  expect(there).toEqual(expect.arrayContaining(['kernel', 'vfs', 'uobj']));
  expect(there.filter((name) => absent.includes(name))).toEqual([]);
});
