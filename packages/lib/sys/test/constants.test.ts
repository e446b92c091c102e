import * as sys from '@anykernel/lib-sys';

describe('ioctl commands', () => {
  test('are encoded as on NetBSD/amd64', () => {
    const known: [string, number, number][] = [
      ['FIOCLEX', sys.FIOCLEX, 0x2000_6601],
      ['FIONREAD', sys.FIONREAD, 0x4004_667f],
      ['FIONBIO', sys.FIONBIO, 0x8004_667e],
      ['TIOCGWINSZ', sys.TIOCGWINSZ, 0x4008_7468],
      ['TIOCSWINSZ', sys.TIOCSWINSZ, 0x8008_7467],
      ['TIOCGETA', sys.TIOCGETA, 0x402c_7413],
      ['TIOCSCTTY', sys.TIOCSCTTY, 0x2000_7461],
      ['DIOCGMEDIASIZE', sys.DIOCGMEDIASIZE, 0x4008_6484],
      ['DIOCGSECTORSIZE', sys.DIOCGSECTORSIZE, 0x4004_6485],
      ['DIOCCACHESYNC', sys.DIOCCACHESYNC, 0x8004_6476],
    ];
    expect(known.filter(([, ours, theirs]) => ours !== theirs)).toEqual([]);
  });

  test('tell direction, length and group', () => {
    const cmd = sys._IOWR('d', 99, 0x1fff);
    expect([(cmd & sys.IOC_DIRMASK) >>> 0, sys.IOCPARM_LEN(cmd), sys.IOCGROUP(cmd), cmd & 0xff]).toEqual([sys.IOC_INOUT, 0x1fff, 0x64, 99]);
  });
});

describe('flags', () => {
  /** The names of constants which share a bit with another of their family. */
  function overlaps(pattern: RegExp, except: readonly string[] = []): string[] {
    const family = Object.entries(sys).filter(
      ([name, value]) => pattern.test(name) && typeof value === 'number' && !except.includes(name),
    ) as [string, number][];
    expect(family.length).toBeGreaterThan(3);
    return family
      .filter(([name, value]) => family.some(([other, theirs]) => other !== name && (value & theirs) !== 0))
      .map(([name]) => name);
  }

  test('of one word do not overlap', () => {
    expect(overlaps(/^O_/, ['O_ACCMODE'])).toEqual([]);
    expect(overlaps(/^AT_/, ['AT_FDCWD'])).toEqual([]);
    expect(overlaps(/^[SU]F_/, ['SF_SETTABLE', 'UF_SETTABLE'])).toEqual([]);
    expect(overlaps(/^MNT_/, ['MNT_WAIT', 'MNT_NOWAIT', 'MNT_LAZY'])).toEqual([]);
    expect(overlaps(/^EV_/)).toEqual([]);
    expect(overlaps(/^MSG_/)).toEqual([]);
    expect(overlaps(/^LOCK_/)).toEqual([]);
    expect(overlaps(/^CTLFLAG_/)).toEqual([]);
  });

  test('of open(2) become those of the kernel and back', () => {
    expect([sys.O_RDONLY, sys.O_WRONLY, sys.O_RDWR].map(sys.fflags)).toEqual([sys.FREAD, sys.FWRITE, sys.FREAD | sys.FWRITE]);
    expect(sys.oflags(sys.fflags(sys.O_RDWR | sys.O_APPEND))).toBe(sys.O_RDWR | sys.O_APPEND);
  });
});

describe('device numbers', () => {
  test('a device number gives its major and minor back', () => {
    for (const [major, minor] of [
      [0, 0],
      [197, 3],
      [0xfff, 0xf_ffff],
      [2, 12],
      [1, 0x100],
    ] as const) {
      const dev = sys.makedev(major, minor);
      expect([sys.major(dev), sys.minor(dev), dev >= 0]).toEqual([major, minor, true]);
    }
  });
});

describe('records', () => {
  test('every field of Stat and Statvfs is there from the start, so that all have one shape', () => {
    expect(Object.values(new sys.Stat()).every((value) => value === 0)).toBe(true);
    expect(Object.keys(new sys.Stat())).toHaveLength(20);
    expect(Object.values(new sys.Statvfs()).every((value) => value === 0 || value === '')).toBe(true);
  });

  test('a point in time is whole seconds and 0..999999999 nanoseconds', () => {
    const valid = (sec: number, nsec: number): boolean => sys.timespecValid({ sec, nsec });
    expect([valid(0, 0), valid(-1, 999_999_999)]).toEqual([true, true]);
    expect([
      valid(0.5, 0),
      valid(0, -1),
      valid(0, 1e9),
      valid(0, 1.5),
      valid(Number.NaN, 0),
      valid(Number.POSITIVE_INFINITY, 0),
    ]).not.toContain(true);
  });
});

describe('signals', () => {
  test('have their names', () => {
    expect([sys.SIGPIPE, sys.SIGXFSZ, sys.SIGUSR2, sys.SIGPWR].map(sys.signalName)).toEqual(['SIGPIPE', 'SIGXFSZ', 'SIGUSR2', 'SIGPWR']);
    expect([sys.SIGRTMIN, 35, sys.SIGRTMAX].map(sys.signalName)).toEqual(['SIGRTMIN', 'SIGRTMIN+2', 'SIGRTMIN+30']);
    expect([0, 64, -1].map(sys.signalName)).toEqual([undefined, undefined, undefined]);
    const constants = Object.entries(sys).filter(([name]) => /^SIG[A-Z0-9]+$/.test(name) && !/^SIGRT/.test(name)) as [string, number][];
    expect(constants.filter(([name, signo]) => sys.signalName(signo) !== name)).toEqual([]);
  });
});
