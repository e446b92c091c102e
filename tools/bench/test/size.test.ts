import { beforeAll, expect, test } from '@jest/globals';
import { type Bundled, gzipLength, ukfsBundle } from '../src/bundle.js';

let bundled: Bundled;
beforeAll(async () => {
  bundled = await ukfsBundle('sources');
});

/** What docs/speed.md says, and a little for what comes. */
const KIB = 45;

test(`ukfs over tmpfs, minified and gzip, is not larger than ${KIB} KiB`, () => {
  const kib = gzipLength(bundled.code) / 1024;
  expect(kib).toBeGreaterThan(20);
  expect(kib).toBeLessThan(KIB);
});

test('nothing of devices, pipes, mounts, locks, signals, timers, caches, host files, networks, tracing and the sysctl tree is in it', () => {
  const absent = [
    'autoload', 'bcache', 'buses', 'caches', 'callout', 'calls/mounts', 'calls/xattr', 'console', 'devsw', 'disk', 'etfs', 'fifofs', 'files', 'filecache', 'handles',
    'journal', 'kernel', 'kqfilters', 'ksem', 'kthread', 'ktrace', 'libc', 'libuv', 'lockf', 'modctl', 'morerecords', 'mounts', 'msgbuf', 'namecache', 'pageduobj', 'pagein', 'pipe', 'ranges', 'reclaim',
    'reclock', 'rumpblk', 'rumpfs', 'signal', 'softint', 'specfs', 'strerror', 'syncer', 'syserror', 'sysctl', 'tap', 'txn', 'vcache', 'vfs', 'wheel', 'xattr',
  ];
  const there = bundled.modules.map((path) => /([^/]+)\/src\/(.*)\.ts$/.exec(path)).flatMap((m) => (m === null || m[1] === 'ukfs' ? [] : [m[2]]));
  expect(there).toEqual(expect.arrayContaining(['barekernel', 'barevfs', 'uobj']));
  expect(there.filter((name) => absent.includes(name))).toEqual([]);
});
