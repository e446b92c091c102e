/** Any arguments to any call: an error, never the end of the kernel. */
import { O_CREAT, O_RDWR, Stat, type SyscallTable, rumpvfsCalls, syscallSpec } from '@anykernel/lib-sys';
import { box, codeIn, put, random } from './box.js';

const NUMBERS = [-101, -100, -1, 0, 1, 2, 3, 4, 5, 8, 0x200, 0x401, 0o777, 0xffff_ffff, 2 ** 40, Number.MAX_SAFE_INTEGER, 1.5, Number.NaN, Infinity, -(2 ** 53)];
const PATHS = ['', '/', '.', '..', '/a', '/a/b', '/a/f', '/f', '/f/', '/l', '/p', '/dev/null', '/dev/zero', '/m', '/m/x', 'x', '//', '/..', '/a/../a', '/n'.repeat(600), 'a\0b'];
const OTHERS = (): unknown[] => [
  undefined, null, true, {}, [], new Uint8Array(0), new Uint8Array(64), [new Uint8Array(3)], new Stat(), Uint8Array.of(47, 97), { sec: 1, nsec: 2 },
  [{ sec: 1, nsec: 2 }, { sec: 3, nsec: 1e9 }], { start: 0, len: 1, pid: 0, type: 1, whence: 0 }, { fspec: '/f' }, 'rumpfs', 'user.x', 'trusted.y',
];

test.each([1, 2, 3, 4])('seed %i', (seed) => {
  const next = random(seed);
  const { s, k, p, proc } = box();
  s.mkdir('/a', 0o755);
  s.mkdir('/m', 0o755);
  put(s, '/a/f', 'x');
  put(s, '/f', 'y');
  s.symlink('a', '/l');
  s.mkfifo('/p', 0o644);
  for (let fd = 0; fd < 4; fd++) s.open('/f', O_RDWR | O_CREAT, 0o644);
  const users = [p, proc({ uid: 5, gid: 5 })];
  const names = [...Object.keys(rumpvfsCalls).filter((name) => name !== 'chroot' && name !== 'fchroot'), 'read', 'write', 'fcntl', 'ioctl', 'close', 'fstat'];
  for (let i = 0; i < 4000; i++) {
    const name = names[next(names.length)]!;
    const text = (rumpvfsCalls as SyscallTable)[name];
    const kinds: readonly string[] = text === undefined ? ['fd', 'any', 'any', 'any'] : syscallSpec(text).args;
    const others = OTHERS();
    const args = kinds.map((kind) => {
      const wild = next(4) === 0;
      if (!wild && (kind === 'path' || kind === 'path?')) return PATHS[next(PATHS.length)];
      if (!wild && ['fd', 'int', 'int?', 'off', 'mode', 'mode?', 'uid', 'gid', 'dev', 'pid', 'uint'].includes(kind)) return NUMBERS[next(NUMBERS.length)];
      if (!wild) return others[next(others.length)];
      const all = [...NUMBERS, ...PATHS, ...others];
      return all[next(all.length)];
    });
    const call = (users[next(2)]!.sys as unknown as Record<string, (...a: unknown[]) => unknown>)[name]!;
    try {
      call.apply(users[next(2)]!.sys, args);
    } catch (e) {
      const code = codeIn(e);
      if (!/^([A-Z0-9]+|WouldSleep)$/.test(code)) throw new Error(`seed ${seed}, call ${i}: ${name}(${args.map((a) => JSON.stringify(a) ?? 'undefined').join(', ')}): ${code}`, { cause: e });
    }
  }
  expect(k.stopped).toBe(undefined);
});
