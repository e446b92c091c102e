/** What those without privileges may do. NetBSD t_unpriv; IEEE Std 1003.1, 4.7 File Access Permissions. */
import { O_CREAT, O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY, R_OK, S_ISGID, S_ISUID, W_OK, X_OK } from '@anykernel/lib-sys';
import { expect } from '@jest/globals';
import { type Cases, needing } from '../cases.js';
import { OTHER, USER, bytes, fails } from '../context.js';

export const permissions: Cases = {
  'owner, group and others have each their bits': needing('modes', 'owners', (t) => {
    t.write('f', 'text');
    t.sys.chown('f', USER.uid, 2000);
    const owner = t.as(USER);
    const member = t.as({ uid: 1002, gid: 2000 });
    const late = t.as({ uid: 1003, gid: 1003, groups: [2000] });
    const other = t.as(OTHER);
    const all = [owner, member, late, other];
    for (const [mode, allowed] of [
      [0o400, [true, false, false, false]],
      [0o040, [false, true, true, false]],
      [0o004, [false, false, false, true]],
      [0o444, [true, true, true, true]],
      [0o000, [false, false, false, false]],
    ] as const) {
      t.sys.chmod('f', mode);
      all.forEach((sys, i) => {
        if (allowed[i]) sys.close(sys.open('f', O_RDONLY));
        else fails(() => sys.open('f', O_RDONLY), 'EACCES');
      });
    }
    t.sys.chmod('f', 0o420);
    fails(() => owner.open('f', O_WRONLY), 'EACCES');
    fails(() => member.open('f', O_RDONLY), 'EACCES');
    member.close(member.open('f', O_WRONLY));
    fails(() => owner.open('f', O_RDWR), 'EACCES');
    fails(() => owner.open('f', O_RDONLY | O_TRUNC), 'EACCES');
    expect(t.readText('f')).toBe('text');
  }),

  'access asks for the real user': needing('modes', 'owners', (t) => {
    t.write('f', '', 0o640);
    t.sys.chown('f', USER.uid, USER.gid);
    const owner = t.as(USER);
    owner.access('f', R_OK | W_OK);
    fails(() => owner.access('f', X_OK), 'EACCES');
    fails(() => t.as(OTHER).access('f', R_OK), 'EACCES');
  }),

  'a descriptor keeps the permission it was opened with': needing('modes', 'owners', (t) => {
    t.write('f', '', 0o600);
    t.sys.chown('f', USER.uid, USER.gid);
    const user = t.as(USER);
    const fd = user.open('f', O_RDWR);
    t.sys.chmod('f', 0o000);
    t.sys.chown('f', 0, 0);
    user.write(fd, bytes('x'));
    user.close(fd);
    expect(t.readText('f')).toBe('x');
  }),

  'names are made and taken by who may write the directory': needing('modes', 'owners', (t) => {
    t.sys.mkdir('d', 0o755);
    t.write('d/f', '');
    t.sys.chmod('d/f', 0o666);
    t.sys.mkdir('d/e', 0o777);
    const user = t.as(USER);
    fails(() => user.open('d/x', O_WRONLY | O_CREAT, 0o644), 'EACCES');
    fails(() => user.mkdir('d/x', 0o755), 'EACCES');
    fails(() => user.unlink('d/f'), 'EACCES');
    fails(() => user.rmdir('d/e'), 'EACCES');
    user.close(user.open('d/f', O_WRONLY | O_CREAT, 0o644));
    t.sys.chmod('d', 0o777);
    t.touch('d/g', 0o600);
    user.unlink('d/g');
    user.rmdir('d/e');
    user.close(user.open('d/x', O_WRONLY | O_CREAT, 0o644));
    expect([t.stat('d/x').uid, t.list('d').join()]).toEqual([USER.uid, 'f,x']);
  }),

  'other ways to make names ask the directory, too': needing('modes', 'owners', 'symlinks', 'hardlinks', 'rename', (t) => {
    t.sys.mkdir('d', 0o755);
    t.touch('f', 0o666);
    t.sys.chown('f', USER.uid, USER.gid);
    t.touch('d/f', 0o666);
    const user = t.as(USER);
    fails(() => user.symlink('x', 'd/s'), 'EACCES');
    fails(() => user.link('f', 'd/l'), 'EACCES');
    fails(() => user.rename('f', 'd/r'), 'EACCES');
    fails(() => user.rename('d/f', 'r'), 'EACCES');
    expect(t.list('d')).toEqual(['f']);
  }),

  'a directory is searched by who may execute it, listed by who may read it': needing('modes', 'owners', (t) => {
    t.sys.mkdir('d', 0o711);
    t.write('d/f', 'text', 0o644);
    const user = t.as(USER);
    expect(t.readText('d/f', user)).toBe('text');
    fails(() => user.open('d', O_RDONLY), 'EACCES');
    t.sys.chmod('d', 0o744);
    expect(user.open('d', O_RDONLY)).toBeGreaterThanOrEqual(0);
    fails(() => user.stat('d/f'), 'EACCES');
    fails(() => user.open('d/f', O_RDONLY), 'EACCES');
    fails(() => user.chdir('d'), 'EACCES');
    fails(() => user.stat('d/missing'), 'EACCES');
    user.stat('d');
  }),

  'only the owner and the superuser change the mode': needing('modes', 'owners', (t) => {
    t.touch('f');
    t.sys.chown('f', USER.uid, USER.gid);
    fails(() => t.as(OTHER).chmod('f', 0o777), 'EPERM');
    t.as(USER).chmod('f', 0o600);
    expect(t.stat('f').mode & 0o7777).toBe(0o600);
  }),

  'only the superuser gives files away; the owner gives them to a group of his': needing('owners', (t) => {
    t.touch('f');
    t.sys.chown('f', USER.uid, USER.gid);
    const user = t.as({ ...USER, groups: [2000] });
    fails(() => user.chown('f', OTHER.uid, -1), 'EPERM');
    fails(() => user.chown('f', -1, 3000), 'EPERM');
    fails(() => t.as(OTHER).chown('f', OTHER.uid, OTHER.gid), 'EPERM');
    fails(() => t.as(OTHER).chown('f', -1, OTHER.gid), 'EPERM');
    user.chown('f', -1, 2000);
    user.chown('f', USER.uid, USER.gid);
    expect([t.stat('f').uid, t.stat('f').gid]).toEqual([USER.uid, USER.gid]);
  }),

  'chown by the owner takes the set-id bits': needing('modes', 'owners', (t) => {
    t.touch('f');
    t.sys.chown('f', USER.uid, USER.gid);
    t.sys.chmod('f', 0o6755);
    t.as({ ...USER, groups: [2000] }).chown('f', -1, 2000);
    expect(t.stat('f').mode & 0o7777).toBe(0o755);
  }),

  'writing by somebody without privileges takes the set-id bits': needing('modes', 'owners', (t) => {
    t.touch('f');
    t.sys.chmod('f', 0o6777);
    const user = t.as(USER);
    const fd = user.open('f', O_WRONLY);
    user.write(fd, bytes('x'));
    user.close(fd);
    expect(t.stat('f').mode & (S_ISUID | S_ISGID)).toBe(0);
  }),

  'times: the owner sets any, who may write the present one': needing('modes', 'owners', (t) => {
    t.touch('f');
    t.sys.chmod('f', 0o666);
    t.sys.chown('f', USER.uid, USER.gid);
    const past = { sec: 1000, nsec: 0 };
    const other = t.as(OTHER);
    fails(() => other.utimensat(-100, 'f', [past, past]), 'EPERM');
    other.utimensat(-100, 'f');
    t.sys.chmod('f', 0o644);
    fails(() => other.utimensat(-100, 'f'), 'EACCES');
    fails(() => other.utimensat(-100, 'f', [past, past]), 'EPERM');
    t.as(USER).utimensat(-100, 'f', [past, past]);
    expect(t.stat('f').mtime).toBe(1000);
  }),

  'in a sticky directory a name is taken by the owner of the file or of the directory': needing('modes', 'owners', (t) => {
    t.sys.mkdir('d', 0o755);
    t.sys.chmod('d', 0o1777);
    const user = t.as(USER);
    const other = t.as(OTHER);
    user.close(user.open('d/f', O_WRONLY | O_CREAT, 0o666));
    user.mkdir('d/e', 0o777);
    fails(() => other.unlink('d/f'), 'EPERM', 'EACCES');
    fails(() => other.rmdir('d/e'), 'EPERM', 'EACCES');
    if (!t.lacks('rename')) {
      other.close(other.open('d/g', O_WRONLY | O_CREAT, 0o666));
      fails(() => other.rename('d/f', 'd/h'), 'EPERM', 'EACCES');
      fails(() => other.rename('d/g', 'd/f'), 'EPERM', 'EACCES');
      other.rename('d/g', 'd/i');
      other.unlink('d/i');
    }
    user.unlink('d/f');
    user.rmdir('d/e');
    expect(t.list('d')).toEqual([]);
  }),

  'a directory moves only if its dot-dot may be written': needing('modes', 'owners', 'rename', (t) => {
    t.sys.mkdir('x', 0o777);
    t.sys.chmod('x', 0o777);
    t.sys.mkdir('d', 0o755);
    t.sys.mkdir('y', 0o777);
    t.sys.chmod('y', 0o777);
    t.sys.mkdir('y/d', 0o755);
    fails(
      () => t.as(USER).rename('y/d', 'x/d'),
      ...t.differs({ netbsd: ['EACCES', 'EPERM'], linux: 'EACCES' }, 'a directory of somebody else'),
    );
    const user = t.as(USER);
    user.mkdir('mine', 0o755);
    user.rename('mine', 'x/mine');
    expect(t.list('x')).toContain('mine');
  }),

  'what somebody makes belongs to him': needing('owners', (t) => {
    const user = t.as(USER);
    user.close(user.open('f', O_WRONLY | O_CREAT, 0o644));
    user.mkdir('d', 0o755);
    expect([t.stat('f').uid, t.stat('d').uid]).toEqual([USER.uid, USER.uid]);
    // POSIX: the group is the process's or the directory's.
    expect([USER.gid, t.stat('.').gid]).toContain(t.stat('f').gid);
  }),
};
