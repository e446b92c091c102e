/** Access lists: who may, what is inherited, what chmod does, as Linux has it on the same image. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { O_CREAT, O_RDWR } from '@anykernel/lib-sys';
import { mustRun, oracle, withMount } from '@anykernel/tools-oracle';
import { aclOfXattr, emitAcl, parseAcl, xattrOfAcl } from '../src/acl.js';
import { type World, errnoOf, fsck, mke2fs, mounted, withImage } from './kit.js';

const ACCESS = 'system.posix_acl_access';
const DEFAULT = 'system.posix_acl_default';
const ARGS = ['-t', 'ext4', '-b', '1024'];

/** Entries [tag, permissions, id] as an xattr. */
function list(...entries: readonly (readonly [number, number, number?])[]): Uint8Array {
  const b = new Uint8Array(4 + 8 * entries.length);
  const v = new DataView(b.buffer);
  v.setUint32(0, 2, true);
  for (const [i, [tag, perm, id]] of entries.entries()) {
    v.setUint16(4 + 8 * i, tag, true);
    v.setUint16(6 + 8 * i, perm, true);
    v.setUint32(8 + 8 * i, id ?? 0xffffffff, true);
  }
  return b;
}

function bytesOfXattr(w: World, path: string, name: string): Buffer | undefined {
  if (errnoOf(() => w.sys.getxattr(path, name)) !== '') return undefined;
  const b = new Uint8Array(w.sys.getxattr(path, name));
  w.sys.getxattr(path, name, b);
  return Buffer.from(b);
}

function put(w: World, path: string, mode = 0o640): void {
  w.sys.close(w.sys.open(path, O_CREAT | O_RDWR, mode));
}

const FILES: Readonly<Record<string, string>> = {
  plain: 'u::rw-,g::r--,o::---',
  named: 'u::rw-,u:1001:rw-,u:1002:---,g::r--,m::rwx,o::r--',
  masked: 'u::rwx,u:1001:rwx,g::rwx,g:2001:rwx,m::r--,o::---',
  groups: 'u::---,g::-w-,g:2001:r--,g:2002:--x,m::rwx,o::rwx',
  nobody: 'u::---,u:1003:rwx,g::---,m::---,o::rwx',
};
/** [user, its groups]. */
const PEOPLE: readonly (readonly [number, readonly number[]])[] = [[1000, [1000]], [1001, [1]], [1002, [500]], [1003, [9]], [1004, [2001]], [1005, [2001, 2002]], [1006, [500, 2002]], [1007, [7]]];

oracle('mke2fs', 'e2fsck', 'setfacl', 'getfacl', 'loop:ext4').test('a list gives and refuses what it does on Linux, and reads as it does there', () => {
  const script = [
    'import os, sys, json',
    'root, people = sys.argv[1], json.loads(sys.argv[2])',
    'out = {}',
    'for uid, groups in people:',
    '  r, w = os.pipe()',
    '  if os.fork() == 0:',
    '    os.setgroups(groups); os.setgid(groups[0]); os.setuid(uid)',
    '    found = {f"{uid} {f} {m}": os.access(f"{root}/{f}", m) for f in os.listdir(root) if f != "lost+found" for m in range(1, 8)}',
    '    os.write(w, json.dumps(found).encode()); os._exit(0)',
    '  os.close(w)',
    '  out.update(json.loads(os.fdopen(r).read())); os.wait()',
    'print(json.dumps({"may": out, "values": {f: os.getxattr(f"{root}/{f}", "system.posix_acl_access").hex() for f in os.listdir(root) if f not in ("lost+found", "plain")}}))',
  ].join('\n');
  let linux = { may: {} as Record<string, boolean>, values: {} as Record<string, string> };
  const image = withImage(mke2fs(4000, ARGS), (path) => {
    withMount(path, 'ext4', (root) => {
      mustRun('chmod', ['755', root]);
      for (const [f, acl] of Object.entries(FILES)) {
        mustRun('touch', [join(root, f)]);
        mustRun('chown', ['1000:500', join(root, f)]);
        mustRun('setfacl', ['--set', acl, join(root, f)]);
      }
      // The folder of the mount is for its owner alone: it is entered by an open file.
      linux = JSON.parse(execFileSync('python3', ['-c', `import os\nos.chdir("${root}")\n${script}`, '.', JSON.stringify(PEOPLE)]).toString()) as typeof linux;
    });
    return new Uint8Array(readFileSync(path));
  });
  const w = mounted(image);
  const ours: Record<string, boolean> = {};
  for (const [uid, groups] of PEOPLE) {
    const p = w.k.newproc();
    p.sys.chdir('/mnt');
    p.sys.setgroups([...groups]);
    p.sys.setgid(groups[0]);
    p.sys.setuid(uid);
    for (const f of Object.keys(FILES)) for (let m = 1; m < 8; m++) ours[`${uid} ${f} ${m}`] = errnoOf(() => p.sys.access(f, m)) === '';
  }
  expect(ours).toEqual(linux.may);
  for (const [f, hex] of Object.entries(linux.values)) expect(bytesOfXattr(w, f, ACCESS)?.toString('hex')).toBe(hex);
  expect(bytesOfXattr(w, 'plain', ACCESS)).toBeUndefined();
  w.k.halt();
});

oracle('mke2fs', 'e2fsck', 'getfacl', 'loop:ext4').test('lists that we set, inherit and change by chmod are what Linux makes of the same', () => {
  const named = list([1, 7], [2, 6, 1001], [4, 5], [8, 4, 2001], [16, 7], [32, 1]);
  const work = { set: ['d', 'e', 'f'], minimal: list([1, 6], [4, 4], [32, 0]) };
  const w = mounted(mke2fs(4000, ARGS));
  const { sys } = w;
  sys.umask(0);
  for (const d of ['d', 'e']) sys.mkdir(d, 0o777);
  put(w, 'f', 0o600);
  sys.setxattr('d', DEFAULT, named, 0);
  sys.setxattr('e', ACCESS, named, 0);
  sys.setxattr('f', ACCESS, named, 0);
  sys.chmod('f', 0o651);
  sys.mkdir('d/sub', 0o750);
  put(w, 'd/file', 0o666);
  put(w, 'd/sub/script', 0o700);
  put(w, 'm', 0o777);
  sys.setxattr('m', ACCESS, named, 0);
  sys.setxattr('m', ACCESS, work.minimal, 0);
  w.unmount();
  const image = w.disk.snapshot();
  expect(fsck(image)).toBe('');
  w.k.halt();
  const facl = (root: string): string => execFileSync('getfacl', ['-R', '-n', '-p', '.'], { cwd: root }).toString();
  const ours = withImage(image, (path) => withMount(path, 'ext4', facl, ['ro']));
  const theirs = withImage(mke2fs(4000, ARGS), (path) =>
    withMount(path, 'ext4', (root) => {
      const script = [
        'import os, sys', 'os.umask(0)', `named = bytes.fromhex("${Buffer.from(named).toString('hex')}")`, 'A, D = "system.posix_acl_access", "system.posix_acl_default"',
        'put = lambda p, m: os.close(os.open(p, os.O_CREAT | os.O_RDWR, m))',
        'os.mkdir("d", 0o777); os.mkdir("e", 0o777); put("f", 0o600)',
        'os.setxattr("d", D, named); os.setxattr("e", A, named); os.setxattr("f", A, named); os.chmod("f", 0o651)',
        'os.mkdir("d/sub", 0o750); put("d/file", 0o666); put("d/sub/script", 0o700); put("m", 0o777)',
        `os.setxattr("m", A, named); os.setxattr("m", A, bytes.fromhex("${Buffer.from(work.minimal).toString('hex')}"))`,
      ].join('\n');
      execFileSync('python3', ['-c', script], { cwd: root });
      return facl(root);
    }),
  );
  expect(ours.split('\n\n').sort()).toEqual(theirs.split('\n\n').sort());
});

describe('a list that is none', () => {
  const BAD: Readonly<Record<string, Uint8Array>> = {
    'has another version': new Uint8Array([1, 0, 0, 0]),
    'is cut short': list([1, 6], [4, 4], [32, 0]).slice(0, 27),
    'has no owner': list([4, 4], [32, 0]),
    'names somebody without a mask': list([1, 6], [2, 6, 7], [4, 4], [32, 0]),
    'is in no order': list([4, 4], [1, 6], [32, 0]),
    'has two masks': list([1, 6], [4, 4], [16, 7], [16, 7], [32, 0]),
    'has permissions that there are not': list([1, 8], [4, 4], [32, 0]),
    'has a tag that is not known': list([1, 6], [4, 4], [32, 0], [64, 0]),
  };
  oracle('mke2fs').test('is refused', () => {
    const w = mounted(mke2fs(2000, ARGS));
    put(w, 'f');
    for (const [why, b] of Object.entries(BAD)) expect(`${why}: ${errnoOf(() => w.sys.setxattr('f', ACCESS, b, 0))}`).toBe(`${why}: EINVAL`);
    expect(errnoOf(() => w.sys.setxattr('f', DEFAULT, list([1, 6], [4, 4], [32, 0]), 0))).toBe('EACCES');
    expect(bytesOfXattr(w, 'f', ACCESS)).toBeUndefined();
    expect(w.sys.stat('f').mode & 0o777).toBe(0o640);
    w.k.halt();
  });
});

test('a list is the same on disk and in the interface', () => {
  const b = list([1, 7], [2, 6, 1001], [2, 1, 1002], [4, 5], [8, 4, 2001], [16, 7], [32, 1]);
  const parsed = aclOfXattr(b);
  expect(parsed).toBeDefined();
  expect(parseAcl(emitAcl(parsed ?? []))).toEqual(parsed);
  expect(xattrOfAcl(parsed ?? [])).toEqual(b);
});
