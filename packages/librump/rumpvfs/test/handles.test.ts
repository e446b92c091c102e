import { MNT_RDONLY, O_CREAT, O_RDONLY, O_RDWR } from '@anykernel/lib-sys';
import { box, codeOf, put, random, text } from './box.js';

test('a handle names a file whatever happens to its names', () => {
  const { s } = box();
  put(s, '/f', 'content');
  const fh = s.getfh('/f');
  s.rename('/f', '/g');
  const buf = new Uint8Array(16);
  const fd = s.fhopen(fh, O_RDONLY);
  expect(text(buf, s.read(fd, buf))).toBe('content');
  expect([s.fhstat(fh).ino, s.fhstatvfs1(fh, 1).fstypename]).toEqual([s.stat('/g').ino, 'rumpfs']);
});

test('a handle of a file that is gone, or of a file system that is gone, is stale', () => {
  const { s } = box();
  put(s, '/f');
  const fh = s.getfh('/f');
  s.unlink('/f');
  expect(codeOf(() => s.fhopen(fh, O_RDONLY))).toBe('ESTALE');
  s.mkdir('/m', 0o755);
  s.mount('rumpfs', '/m', 0, {});
  put(s, '/m/f');
  const other = s.getfh('/m/f');
  s.unmount('/m', 0);
  expect(codeOf(() => s.fhstat(other))).toBe('ESTALE');
});

test('handles are for the superuser', () => {
  const { s, proc } = box();
  put(s, '/f');
  const fh = s.getfh('/f');
  const u = proc({ uid: 1 }).sys;
  expect([codeOf(() => u.getfh('/f')), codeOf(() => u.fhopen(fh, O_RDONLY)), codeOf(() => u.fhstat(fh)), codeOf(() => u.fhstatvfs1(fh, 1))]).toEqual(Array(4).fill('EPERM'));
});

test('nonsense is refused, and never breaks anything', () => {
  const { s } = box();
  put(s, '/f');
  const fh = s.getfh('/f');
  expect([codeOf(() => s.fhopen(fh, O_RDWR | O_CREAT)), codeOf(() => s.fhopen(new Uint8Array(0), O_RDONLY)), codeOf(() => s.fhopen(fh.subarray(0, 9), O_RDONLY))]).toEqual([
    'EINVAL', 'EINVAL', 'EINVAL',
  ]);
  const next = random(5);
  for (let i = 0; i < 2000; i++) {
    const bad = fh.slice();
    bad[next(bad.length)] = next(256);
    expect(['ok', 'ESTALE', 'EINVAL']).toContain(codeOf(() => s.fhstat(bad)));
    const noise = Uint8Array.from({ length: next(80) }, () => next(256));
    expect(['ESTALE', 'EINVAL']).toContain(codeOf(() => s.fhstat(noise)));
  }
  s.mkdir('/m', 0o755);
  s.mount('rumpfs', '/m', MNT_RDONLY, {});
  expect(codeOf(() => s.fhopen(s.getfh('/m'), O_RDWR))).toBe('EISDIR');
});
