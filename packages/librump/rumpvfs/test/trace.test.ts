import { KTRFAC_SYSCALL, KTROP_CLEAR, KTROP_CLEARFILE, KTROP_SET } from '@anykernel/lib-sys';
import { box, codeOf, get, put } from './box.js';

test('ktrace writes the calls of a process to a file, until it is told to stop', () => {
  const { s, p, proc } = box();
  put(s, '/trace');
  s.ktrace('/trace', KTROP_SET, KTRFAC_SYSCALL, p.pid);
  s.mkdir('/a', 0o755);
  codeOf(() => s.mkdir('/a', 0o755));
  proc().sys.mkdir('/b', 0o755);
  s.ktrace('/trace', KTROP_CLEARFILE, KTRFAC_SYSCALL, 0);
  s.mkdir('/c', 0o755);
  const lines = get(s, '/trace').trimEnd().split('\n');
  expect(lines[0]).toContain('mkdir("/a", 493) = undefined');
  expect(lines[1]).toContain('mkdir("/a", 493) = -1 errno 17 EEXIST');
  expect(lines.some((line) => /"\/[bc]"/.test(line))).toBe(false);
  s.ktrace('/trace', KTROP_SET, KTRFAC_SYSCALL, p.pid);
  s.ktrace(undefined, KTROP_CLEAR, KTRFAC_SYSCALL, p.pid);
  s.unlink('/trace');
});

test('ktrace refuses files that are not there and operations that do not exist', () => {
  const { s, p } = box();
  expect(codeOf(() => s.ktrace('/nothing', KTROP_SET, KTRFAC_SYSCALL, p.pid))).toBe('ENOENT');
  expect(codeOf(() => s.ktrace('/tmp', KTROP_SET, KTRFAC_SYSCALL, p.pid))).toBe('EISDIR');
  expect(codeOf(() => s.ktrace(undefined, KTROP_SET, KTRFAC_SYSCALL, p.pid))).toBe('EFAULT');
  expect(codeOf(() => s.ktrace('/tmp', 3, KTRFAC_SYSCALL, p.pid))).toBe('EINVAL');
  put(s, '/f');
  expect(codeOf(() => s.ktrace('/f', KTROP_SET, KTRFAC_SYSCALL, 12345))).toBe('ESRCH');
});
