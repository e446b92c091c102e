/** The suite sees faults: a file system that does one thing wrong fails at least one of the tests that are named for it. */
import { hostSim } from '@anykernel/host-sim';
import {
  ERR,
  O_APPEND,
  O_CREAT,
  O_EXCL,
  O_NOFOLLOW,
  O_TRUNC,
  type Stat,
  UTIME_NOW,
  UTIME_OMIT,
  emitDirent,
  parseDirents,
} from '@anykernel/lib-sys';
import { SystemError, boot } from '@anykernel/rumpkern';
import { rumpvfs } from '@anykernel/rumpvfs';
import { type Lack, type Subject, type SuiteSys, kernelSubject } from '../src/index.js';
import { refusals } from '../src/refusals.js';
import { inDirectory, topics } from '../src/suite.js';

/** Replaces some calls of a process; `sys` are the right ones. */
type Mutant = (sys: SuiteSys) => Partial<SuiteSys>;
type Topic = keyof typeof topics;

const LACKS: readonly Lack[] = ['figures', 'fallocate', 'remount'];

function rumpfs(mutant: Mutant): Subject {
  const host = hostSim();
  const limits = { maxFileSize: Number.MAX_SAFE_INTEGER };
  const subject = kernelSubject(boot(host, [rumpvfs]), { limits, advance: (ns) => host.sim.advance(ns) });
  return {
    ...subject,
    process(actor) {
      const right = subject.process(actor);
      const wrong = mutant(right) as Record<PropertyKey, unknown>;
      return new Proxy(right, {
        get(_, name) {
          const fn = (wrong[name] ?? (right as unknown as Record<PropertyKey, unknown>)[name]) as (...args: unknown[]) => unknown;
          return (...args: unknown[]) => fn.call(right, ...args);
        },
      });
    },
  };
}

/** Names of the tests of `topic` that fail. */
function failures(topic: Topic, mutant: Mutant, lacks: readonly Lack[] = LACKS): string[] {
  const subject = rumpfs(mutant);
  const set = new Set(lacks);
  const failed: string[] = [];
  Object.entries(topics[topic]).forEach(([name, entry], i) => {
    const needs = typeof entry === 'function' ? [] : entry.needs;
    const lacking = needs.filter((need) => set.has(need));
    const body = typeof entry === 'function' ? entry : entry.body;
    try {
      for (const each of lacking.length > 0 ? lacking.map((lack) => refusals[lack]) : [body])
        inDirectory(subject, set, `t${i}`, each, () => {});
    } catch {
      failed.push(name);
    }
  });
  subject.dispose?.();
  return failed;
}

function fail(code: 'EISDIR' | 'EPERM' | 'EEXIST' | 'ENOENT', call: string): never {
  throw new SystemError(ERR[code], code, call);
}

/** Changes what getdents gives. */
function entries(sys: SuiteSys, change: (all: ReturnType<typeof parseDirents>) => ReturnType<typeof parseDirents>): Partial<SuiteSys> {
  return {
    getdents(fd, buf) {
      let at = 0;
      const all = parseDirents(buf, sys.getdents(fd, buf));
      for (const { ino, type, name } of change(all)) at += emitDirent(buf, at, ino, type, name);
      return at;
    },
  };
}

function stats(sys: SuiteSys, change: (st: Stat) => void): Partial<SuiteSys> {
  const changed = (st: Stat): Stat => {
    change(st);
    return st;
  };
  return { stat: (path) => changed(sys.stat(path)), lstat: (path) => changed(sys.lstat(path)), fstat: (fd) => changed(sys.fstat(fd)) };
}

const without =
  (flag: number): Mutant =>
  (sys) => ({ open: (path, flags, mode) => sys.open(path, flags & ~flag, mode) });

const MUTANTS: Readonly<Record<string, readonly [Topic, Mutant]>> = {
  'forgets O_APPEND': ['io', without(O_APPEND)],
  'forgets O_EXCL': ['open', without(O_EXCL)],
  'forgets O_TRUNC': ['open', without(O_TRUNC)],
  'forgets O_NOFOLLOW': ['open', without(O_NOFOLLOW)],
  'opens what is missing': ['open', (sys) => ({ open: (path, flags, mode) => sys.open(path, flags | O_CREAT, mode) })],
  'loses the last byte of a long write': [
    'io',
    (sys) => ({ write: (fd, buf) => sys.write(fd, buf.length > 60_000 ? buf.subarray(0, -1) : buf) + (buf.length > 60_000 ? 1 : 0) }),
  ],
  'leaves garbage in a gap': [
    'io',
    (sys) => ({
      pwrite(fd, buf, off) {
        const { size } = sys.fstat(fd);
        if (off > size) sys.pwrite(fd, Uint8Array.of(1), size);
        return sys.pwrite(fd, buf, off);
      },
    }),
  ],
  'moves the position on pread': [
    'io',
    (sys) => ({
      pread(fd, buf, off) {
        sys.lseek(fd, off, 0);
        return sys.read(fd, buf);
      },
    }),
  ],
  'takes a negative length for zero': ['io', (sys) => ({ truncate: (path, len) => sys.truncate(path, Math.max(len, 0)) })],
  'counts one link of every file': [
    'links',
    (sys) =>
      stats(sys, (st) => {
        st.nlink = Math.min(st.nlink, 1);
      }),
  ],
  'cuts long targets of symbolic links': [
    'links',
    (sys) => ({ symlink: (target, path) => sys.symlink(target.slice(0, 59) as string, path) }),
  ],
  'ends what readlink gives with a NUL': [
    'links',
    (sys) => ({
      readlink: (path, buf) => {
        const n = sys.readlink(path, buf);
        buf[n] = 0;
        return n + 1;
      },
    }),
  ],
  'lets unlink remove a directory': [
    'links',
    (sys) => ({ unlink: (path) => ((sys.lstat(path).mode & 0o170000) === 0o040000 ? sys.rmdir(path) : sys.unlink(path)) }),
  ],
  'says EISDIR for unlink of a directory': [
    'links',
    (sys) => ({ unlink: (path) => ((sys.lstat(path).mode & 0o170000) === 0o040000 ? fail('EISDIR', 'unlink') : sys.unlink(path)) }),
  ],
  'renames a file by copying it': [
    'rename',
    (sys) => ({
      rename(from, to) {
        const st = sys.lstat(from);
        if ((st.mode & 0o170000) !== 0o100000) return sys.rename(from, to);
        const data = new Uint8Array(st.size);
        const f = sys.open(from, 0);
        sys.read(f, data);
        sys.close(f);
        const t = sys.open(to, 1 | O_CREAT | O_TRUNC, st.mode);
        sys.write(t, data);
        sys.close(t);
        sys.unlink(from);
      },
    }),
  ],
  'does nothing when a rename finds a directory that is not empty': [
    'rename',
    (sys) => ({
      rename(from, to) {
        try {
          sys.rename(from, to);
        } catch (e) {
          if ((e as SystemError).code !== 'ENOTEMPTY') throw e;
        }
      },
    }),
  ],
  'makes directories without the umask': [
    'open',
    (sys) => ({
      mkdir(path, mode) {
        sys.mkdir(path, mode);
        sys.chmod(path, mode);
      },
    }),
  ],
  'drops the sticky bit': ['attributes', (sys) => ({ chmod: (path, mode) => sys.chmod(path, mode & 0o6777) })],
  'takes -1 for an owner': ['attributes', (sys) => ({ chown: (path, uid, gid) => sys.chown(path, Math.max(uid, 0), Math.max(gid, 0)) })],
  'allows every access': ['attributes', () => ({ access: () => {} })],
  'keeps whole seconds': [
    'times',
    (sys) => ({
      utimensat: (fd, path, times, flag) => {
        const whole = times?.map((ts) =>
          [UTIME_NOW, UTIME_OMIT].includes(ts.nsec) || ts.nsec < 0 || ts.nsec >= 1e9 ? ts : { sec: ts.sec, nsec: 0 },
        );
        sys.utimensat(fd, path, whole as unknown as typeof times, flag);
      },
    }),
  ],
  'marks no access': [
    'times',
    (sys) => ({
      read(fd, buf) {
        const { atime: sec, atimeNsec: nsec } = sys.fstat(fd);
        const n = sys.read(fd, buf);
        sys.futimens(fd, [
          { sec, nsec },
          { sec: 0, nsec: UTIME_OMIT },
        ]);
        return n;
      },
    }),
  ],
  'marks change when it is only read': [
    'times',
    (sys) => ({
      stat(path) {
        sys.chmod(path, sys.stat(path).mode & 0o7777);
        return sys.stat(path);
      },
    }),
  ],
  'lets everybody write': [
    'permissions',
    (sys) => ({
      mkdir(path, mode) {
        sys.mkdir(path, mode);
        sys.chmod(path, mode | 0o022);
      },
    }),
  ],
  'skips the last entry of a buffer': ['readdir', (sys) => entries(sys, (all) => (all.length > 5 ? all.slice(0, -1) : all))],
  'gives an entry twice': ['readdir', (sys) => entries(sys, (all) => (all.length > 10 ? [...all.slice(0, -1), all[3]!] : all))],
  'gives wrong numbers in entries': ['readdir', (sys) => entries(sys, (all) => all.map((e) => ({ ...e, ino: e.ino + 1 })))],
  'keeps the permission bits of a new fifo from its maker': [
    'special',
    (sys) => ({ mkfifo: (path, mode) => sys.mkfifo(path, mode & 0o070) }),
  ],
  'gives all attributes the same value': [
    'xattr',
    (sys) => ({ setxattr: (path, _name, value, flag) => sys.setxattr(path, 'user.same', value, flag) }),
  ],
  'keeps no flags': ['flags', () => ({ chflags: () => {} })],
  'opens any handle as the same file': ['handles', (sys) => ({ fhopen: () => sys.open('.', 0) })],
  'forgets locks': ['locks', () => ({ fcntl: () => 0 })],
  'says that names are shorter than they are': ['attributes', () => ({ pathconf: () => 14 })],
  'takes any name for the root': ['names', (sys) => ({ stat: (path) => sys.stat(path.length > 255 ? '.' : path) })],
  'forgets what it renames, sometimes': [
    'random',
    (sys) => ({ rename: (from, to) => (to.length % 7 === 3 ? undefined : sys.rename(from, to)) }),
  ],
  'links by copying': [
    'random',
    (sys) => ({
      linkat(fromfd, from, tofd, to, flag) {
        sys.linkat(fromfd, from, tofd, to, flag);
        const st = sys.lstat(to);
        if ((st.mode & 0o170000) !== 0o100000) return;
        sys.unlink(to);
        sys.close(sys.open(to, 1 | O_CREAT | O_EXCL, st.mode));
      },
    }),
  ],
  'keeps the directory times of what it renames': [
    'random',
    (sys) => ({
      rename(from, to) {
        const dir = String(from).replace(/^[^/]*$/, './x').replace(/\/[^/]*$/, '');
        const { atime, atimeNsec, mtime, mtimeNsec } = sys.stat(dir);
        sys.rename(from, to);
        sys.utimensat(-100, dir, [{ sec: atime, nsec: atimeNsec }, { sec: mtime, nsec: mtimeNsec }]);
      },
    }),
  ],
  'makes directories of the group of their maker': [
    'random',
    (sys) => ({
      mkdirat(fd, path, mode) {
        sys.mkdirat(fd, path, mode);
        sys.chown(path, -1, 0);
      },
    }),
  ],
  'starts a relative path where it likes': ['random', (sys) => ({ mkdirat: (_, path, mode) => sys.mkdirat(-100, path, mode) })],
  'forgets the position after a write': ['random', (sys) => ({ write: (fd, buf) => sys.pwrite(fd, buf, sys.lseek(fd, 0, 1)) })],
};

describe('a file system that', () => {
  test.each(Object.entries(MUTANTS))('%s is found out', (_, [topic, mutant]) => {
    expect(failures(topic, mutant)).not.toEqual([]);
  });

  test('does all as it should is not', () => {
    expect(failures('rename', () => ({}))).toEqual([]);
  });
});

describe('a file system that lacks something', () => {
  test('has to refuse it', () => {
    expect(failures('rename', () => ({}), [...LACKS, 'rename'])).not.toEqual([]);
  });

  test('has to refuse it with the right error', () => {
    const refuse: Mutant = () => ({ rename: () => fail('ENOENT', 'rename') });
    expect(failures('rename', refuse, [...LACKS, 'rename'])).not.toEqual([]);
  });

  test('has to leave no trace', () => {
    const leave: Mutant = (sys) => ({
      symlink(_, path) {
        sys.mkdir(path, 0o755);
        fail('EPERM', 'symlink');
      },
    });
    expect(failures('links', leave, [...LACKS, 'symlinks'])).not.toEqual([]);
  });

  test('is content when it refuses cleanly', () => {
    const refuse: Mutant = () => ({ symlink: () => fail('EPERM', 'symlink') });
    expect(failures('links', refuse, [...LACKS, 'symlinks'])).toEqual([]);
  });
});
