/** chflags(2): immutable and append-only files. NetBSD t_unpriv flags. */
import {
  F_SETFL,
  O_APPEND,
  O_CREAT,
  O_RDONLY,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
  SF_APPEND,
  SF_IMMUTABLE,
  UF_APPEND,
  UF_IMMUTABLE,
  UF_NODUMP,
} from '@anykernel/lib-sys';
import { expect } from '@jest/globals';
import { type Cases, needing } from '../cases.js';
import { OTHER, USER, bytes, fails } from '../context.js';

export const flags: Cases = {
  'flags are kept, and can be taken back': needing('flags', (t) => {
    t.touch('f');
    expect(t.stat('f').flags).toBe(0);
    t.sys.chflags('f', UF_NODUMP);
    expect(t.stat('f').flags).toBe(UF_NODUMP);
    t.sys.chflags('f', 0);
    expect(t.stat('f').flags).toBe(0);
  }),

  'an immutable file does not change, and keeps its names': needing('flags', (t) => {
    t.write('f', 'text');
    t.sys.chflags('f', SF_IMMUTABLE);
    fails(() => t.sys.open('f', O_WRONLY), 'EPERM');
    fails(() => t.sys.open('f', O_RDWR | O_TRUNC), 'EPERM');
    fails(() => t.sys.truncate('f', 0), 'EPERM');
    fails(() => t.sys.unlink('f'), 'EPERM');
    if (!t.lacks('rename')) fails(() => t.sys.rename('f', 'g'), 'EPERM');
    if (!t.lacks('hardlinks')) fails(() => t.sys.link('f', 'g'), 'EPERM');
    fails(() => t.sys.chmod('f', 0o600), 'EPERM');
    if (!t.lacks('owners')) fails(() => t.sys.chown('f', 1, 1), 'EPERM');
    fails(
      () =>
        t.sys.utimensat(-100, 'f', [
          { sec: 1, nsec: 0 },
          { sec: 1, nsec: 0 },
        ]),
      'EPERM',
    );
    expect(t.readText('f')).toBe('text');
    t.sys.chflags('f', 0);
    t.sys.unlink('f');
  }),

  'an append-only file grows at its end alone': needing('flags', (t) => {
    t.write('f', 'abc');
    t.sys.chflags('f', SF_APPEND);
    fails(() => t.sys.open('f', O_WRONLY), 'EPERM');
    fails(() => t.sys.open('f', O_WRONLY | O_APPEND | O_TRUNC), 'EPERM');
    fails(() => t.sys.truncate('f', 0), 'EPERM');
    fails(() => t.sys.unlink('f'), 'EPERM');
    const fd = t.sys.open('f', O_WRONLY | O_APPEND);
    t.sys.write(fd, bytes('def'));
    t.sys.fcntl(fd, F_SETFL, 0);
    fails(() => t.sys.pwrite(fd, bytes('X'), 0), 'EPERM');
    fails(() => t.sys.fdiscard(fd, 0, 3), t.lacks('fdiscard') ? 'EOPNOTSUPP' : 'EPERM');
    t.sys.close(fd);
    expect(t.readText('f')).toBe('abcdef');
    t.sys.chflags('f', 0);
  }),

  'an immutable directory takes and loses no names': needing('flags', (t) => {
    t.sys.mkdir('d', 0o755);
    t.touch('d/f');
    t.sys.chflags('d', SF_IMMUTABLE);
    fails(() => t.sys.open('d/g', O_WRONLY | O_CREAT, 0o644), 'EPERM');
    fails(() => t.sys.unlink('d/f'), 'EPERM');
    fails(() => t.sys.mkdir('d/e', 0o755), 'EPERM');
    t.write('d/f', 'x');
    t.sys.chflags('d', 0);
    expect(t.list('d')).toEqual(['f']);
  }),

  'the owner sets his flags, the superuser all, nobody else any': needing('flags', 'owners', (t) => {
    t.touch('f');
    t.sys.chown('f', USER.uid, USER.gid);
    const user = t.as(USER);
    fails(() => t.as(OTHER).chflags('f', UF_NODUMP), 'EPERM');
    fails(() => user.chflags('f', SF_IMMUTABLE), 'EPERM');
    try {
      user.chflags('f', UF_IMMUTABLE);
    } catch (e) {
      // A file system that knows only the superuser's flags refuses the owner's.
      expect(['EPERM', 'EOPNOTSUPP']).toContain((e as { code: string }).code);
      return;
    }
    fails(() => user.open('f', O_WRONLY), 'EPERM');
    user.chflags('f', UF_APPEND);
    user.close(user.open('f', O_WRONLY | O_APPEND));
    user.chflags('f', 0);
    t.sys.chflags('f', SF_IMMUTABLE);
    fails(() => user.chflags('f', 0), 'EPERM');
    t.sys.close(t.sys.open('f', O_RDONLY));
    t.sys.chflags('f', 0);
  }),
};
