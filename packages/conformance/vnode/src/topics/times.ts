/**
 * Which operation marks which times. IEEE Std 1003.1, 4.12 File Times Update, and the page of each call; tmpfs times.
 *
 * A test sets access and modification time to the distant past and lets time pass; what an operation marks is then seen.
 */
import { O_CREAT, O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY, type Stat, UTIME_NOW, UTIME_OMIT } from '@anykernel/lib-sys';
import { expect } from '@jest/globals';
import { type Cases, needing } from '../cases.js';
import { type Context, bytes, fails, timeOf } from '../context.js';

const PAST = { sec: 1_000_000_000, nsec: 0 };

/** The times of `path` that `operation` marks, as letters: a, m, c. `path` is looked at before and after. */
function marks(t: Context, path: string, operation: () => void, after: string = path): string {
  t.sys.utimensat(-100, path, [PAST, PAST], 0x200);
  const before = { ...t.sys.lstat(path) };
  t.tick();
  operation();
  const st = t.sys.lstat(after);
  const moved = (which: 'atime' | 'mtime' | 'ctime'): boolean => timeOf(st, which) > timeOf(before as Stat, which);
  return `${moved('atime') && !t.lacks('atime') ? 'a' : ''}${moved('mtime') ? 'm' : ''}${moved('ctime') ? 'c' : ''}`;
}

/** What a reader marks, where access times are kept. */
function a(t: Context): string {
  return t.lacks('atime') ? '' : 'a';
}

export const times: Cases = {
  'a new file is of now, and so is its directory'(t) {
    t.sys.mkdir('d', 0o755);
    expect(marks(t, 'd', () => t.touch('d/f'))).toBe('mc');
    const st = t.stat('d/f');
    const dir = t.stat('d');
    const grain = BigInt(t.limits.timeGranularityNs);
    for (const which of ['mtime', 'ctime'] as const) {
      const apart = timeOf(st, which) - timeOf(dir, 'mtime');
      expect(apart >= -2n * grain && apart <= 1_000_000_000n + 2n * grain).toBe(true);
    }
    if (!t.lacks('birthtime')) {
      const apart = timeOf(st, 'birthtime') - timeOf(st, 'ctime');
      expect(apart > -grain && apart < grain).toBe(true);
    }
  },

  'birthtime stays what it was': needing('birthtime', (t) => {
    t.touch('f');
    const born = timeOf(t.stat('f'), 'birthtime');
    t.tick();
    t.write('f', 'x');
    t.sys.chmod('f', 0o600);
    expect(timeOf(t.stat('f'), 'birthtime')).toBe(born);
  }),

  'reading marks access'(t) {
    t.write('f', 'text');
    const fd = t.sys.open('f', O_RDONLY);
    expect(marks(t, 'f', () => t.sys.read(fd, new Uint8Array(4)))).toBe(a(t));
    t.sys.close(fd);
  },

  'listing a directory marks access'(t) {
    t.sys.mkdir('d', 0o755);
    t.touch('d/f');
    expect(marks(t, 'd', () => t.entries('d'))).toBe(a(t));
  },

  'readlink marks access of the link': needing('symlinks', (t) => {
    t.sys.symlink('f', 's');
    expect(marks(t, 's', () => t.readlink('s'))).toBe(a(t));
  }),

  'stat, access and a lookup mark nothing'(t) {
    t.sys.mkdir('d', 0o755);
    t.touch('d/f');
    expect(marks(t, 'd', () => t.stat('d/f'))).toBe('');
    expect(marks(t, 'd/f', () => t.stat('d/f'))).toBe('');
    expect(marks(t, 'd', () => t.sys.access('d', 0))).toBe('');
  },

  'opening and closing marks nothing'(t) {
    t.write('f', 'text');
    expect(marks(t, 'f', () => t.sys.close(t.sys.open('f', O_RDWR)))).toBe('');
    expect(marks(t, '.', () => t.sys.close(t.sys.open('f', O_RDWR | O_CREAT, 0o644)))).toBe('');
  },

  'writing marks modification and change'(t) {
    t.write('f', 'text');
    const fd = t.sys.open('f', O_WRONLY);
    expect(marks(t, 'f', () => t.sys.write(fd, bytes('x')))).toBe('mc');
    t.sys.close(fd);
  },

  'an empty write marks nothing'(t) {
    t.write('f', 'text');
    const fd = t.sys.open('f', O_WRONLY);
    expect(marks(t, 'f', () => t.sys.write(fd, new Uint8Array(0)))).toBe('');
    t.sys.close(fd);
  },

  'truncation marks modification and change'(t) {
    t.write('f', 'text');
    expect(marks(t, 'f', () => t.sys.truncate('f', 2))).toBe('mc');
    expect(marks(t, 'f', () => t.sys.truncate('f', 200))).toBe('mc');
    const fd = t.sys.open('f', O_RDWR);
    expect(marks(t, 'f', () => t.sys.ftruncate(fd, 2))).toBe('mc');
    t.sys.close(fd);
    expect(marks(t, 'f', () => t.sys.close(t.sys.open('f', O_WRONLY | O_TRUNC)))).toBe('mc');
    expect(marks(t, 'f', () => t.sys.close(t.sys.open('f', O_WRONLY | O_TRUNC)))).toBe('mc');
  },

  'chmod and chown mark change': needing('modes', 'owners', (t) => {
    t.touch('f');
    expect(marks(t, 'f', () => t.sys.chmod('f', 0o600))).toBe('c');
    expect(marks(t, 'f', () => t.sys.chown('f', 5, 5))).toBe('c');
  }),

  'making and removing names marks the directory'(t) {
    t.sys.mkdir('d', 0o755);
    expect(marks(t, 'd', () => t.sys.mkdir('d/e', 0o755))).toBe('mc');
    expect(marks(t, 'd', () => t.sys.rmdir('d/e'))).toBe('mc');
    expect(marks(t, 'd', () => t.touch('d/f'))).toBe('mc');
    expect(marks(t, 'd', () => t.sys.unlink('d/f'))).toBe('mc');
  },

  'what fails marks nothing'(t) {
    t.sys.mkdir('d', 0o755);
    t.sys.mkdir('d/e', 0o755);
    t.touch('d/f');
    expect(marks(t, 'd', () => fails(() => t.sys.mkdir('d/e', 0o755), 'EEXIST'))).toBe('');
    expect(marks(t, 'd', () => fails(() => t.sys.unlink('d/missing'), 'ENOENT'))).toBe('');
    expect(marks(t, 'd', () => fails(() => t.sys.rmdir('d/f'), 'ENOTDIR'))).toBe('');
    expect(marks(t, 'd/f', () => fails(() => t.sys.truncate('d/f', -1), 'EINVAL'))).toBe('');
  },

  'link marks the file and the directory of the new name': needing('hardlinks', (t) => {
    t.sys.mkdir('d', 0o755);
    t.touch('f');
    expect(marks(t, 'f', () => t.sys.link('f', 'd/g'))).toBe('c');
    expect(marks(t, 'd', () => t.sys.link('f', 'd/h'))).toBe('mc');
  }),

  'unlink marks the file that has another name': needing('hardlinks', (t) => {
    t.touch('f');
    t.sys.link('f', 'g');
    expect(marks(t, 'f', () => t.sys.unlink('g'))).toBe('c');
  }),

  'symlink marks its directory': needing('symlinks', (t) => {
    t.sys.mkdir('d', 0o755);
    expect(marks(t, 'd', () => t.sys.symlink('x', 'd/s'))).toBe('mc');
  }),

  'rename marks both directories, and keeps the times of the file': needing('rename', (t) => {
    t.sys.mkdir('d', 0o755);
    t.sys.mkdir('e', 0o755);
    t.touch('d/f');
    expect(marks(t, 'd', () => t.sys.rename('d/f', 'e/f'))).toBe('mc');
    expect(marks(t, 'd', () => t.sys.rename('e/f', 'd/f'))).toBe('mc');
    // POSIX: some systems mark the file's change time, too.
    expect(['', 'c']).toContain(marks(t, 'd/f', () => t.sys.rename('d/f', 'e/g'), 'e/g'));
  }),

  'utimensat sets both times to the grain of the file system, and marks change'(t) {
    t.touch('f');
    const grain = t.limits.timeGranularityNs;
    const wanted = [
      { sec: 1_234_567_890, nsec: 123_456_789 },
      { sec: 987_654_320, nsec: 987_654_321 },
    ] as const;
    const marked = marks(t, 'f', () => t.sys.utimensat(-100, 'f', wanted));
    if (!t.lacks('ctime')) expect(marked).toContain('c');
    const st = t.stat('f');
    const kept = (nsec: number): number => (grain >= 1e9 ? 0 : nsec - (nsec % grain));
    expect([st.mtime, st.mtimeNsec]).toEqual([wanted[1].sec, kept(wanted[1].nsec)]);
    if (!t.lacks('atime')) expect([st.atime, st.atimeNsec]).toEqual([wanted[0].sec, kept(wanted[0].nsec)]);
  },

  'UTIME_OMIT leaves a time, UTIME_NOW is the present one'(t) {
    t.touch('f');
    t.sys.utimensat(-100, 'f', [PAST, PAST]);
    t.sys.utimensat(-100, 'f', [
      { sec: 0, nsec: UTIME_OMIT },
      { sec: 0, nsec: UTIME_NOW },
    ]);
    const st = t.stat('f');
    if (!t.lacks('atime')) expect(st.atime).toBe(PAST.sec);
    expect(st.mtime).toBeGreaterThan(PAST.sec);
    t.sys.utimensat(-100, 'f', [
      { sec: 1_000_005_000, nsec: 0 },
      { sec: 0, nsec: UTIME_OMIT },
    ]);
    expect(t.stat('f').mtime).toBe(st.mtime);
    if (!t.lacks('atime')) expect(t.stat('f').atime).toBe(1_000_005_000);
  },

  'without times utimensat takes the present one'(t) {
    t.touch('f');
    t.sys.utimensat(-100, 'f', [PAST, PAST]);
    t.sys.utimensat(-100, 'f');
    expect(t.stat('f').mtime).toBeGreaterThan(PAST.sec);
  },

  'utimensat refuses nanoseconds that are none, and missing files'(t) {
    t.touch('f');
    const bad = { sec: 1, nsec: 1_000_000_000 };
    fails(() => t.sys.utimensat(-100, 'f', [bad, PAST]), 'EINVAL');
    fails(() => t.sys.utimensat(-100, 'f', [PAST, { sec: 1, nsec: -1 }]), 'EINVAL');
    fails(() => t.sys.utimensat(-100, 'missing', [PAST, PAST]), 'ENOENT');
  },

  'futimens sets the times of an open file, utimensat those of a link if asked': needing('symlinks', (t) => {
    t.touch('f');
    t.sys.symlink('f', 's');
    const fd = t.sys.open('f', O_RDWR);
    t.sys.futimens(fd, [PAST, { sec: 4000, nsec: 0 }]);
    t.sys.close(fd);
    t.sys.utimensat(-100, 's', [PAST, { sec: 6000, nsec: 0 }], 0x200);
    expect([t.stat('f').mtime, t.sys.lstat('s').mtime]).toEqual([4000, 6000]);
  }),
};
