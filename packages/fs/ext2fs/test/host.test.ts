import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync, linkSync, lstatSync, lutimesSync, mkdirSync, readFileSync, readdirSync, readlinkSync, symlinkSync, truncateSync, utimesSync, writeFileSync, lchownSync, openSync, writeSync, closeSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { O_CREAT, O_RDWR, SF_APPEND, SF_IMMUTABLE, makedev } from '@anykernel/lib-sys';
import { mustRun, oracle, run, withMount } from '@anykernel/tools-oracle';
import { fsck, mke2fs, mounted, pattern, withImage } from './kit.js';
import { readFile } from '@anykernel/conformance-diskfs';

const IMAGES: Readonly<Record<string, readonly string[]>> = {
  'blocks of 1 KiB': ['-b', '1024'],
  'blocks of 4 KiB': ['-b', '4096'],
  'inodes of 128 bytes': ['-b', '1024', '-I', '128'],
  'revision 0': ['-r', '0', '-b', '1024'],
  'ext3': ['-t', 'ext3', '-b', '1024'],
  'ext4': ['-t', 'ext4', '-b', '1024'],
  'ext4 with uninit_bg': ['-t', 'ext4', '-b', '1024', '-O', '^metadata_csum,uninit_bg'],
  'ext4 with all of it': ['-t', 'ext4', '-b', '1024', '-O', 'inline_data,ea_inode,metadata_csum_seed,orphan_file,large_dir'],
};
const sha = (b: Uint8Array): string => createHash('sha1').update(b).digest('hex').slice(0, 10);

/** Attributes as Linux gives them, by Python, which can ask. */
function hostXattrs(paths: readonly string[]): Record<string, Record<string, string>> {
  const script = 'import os,sys,json,base64\nout={}\nfor p in json.load(sys.stdin):\n  out[p]={n: base64.b64encode(os.getxattr(p,n,follow_symlinks=False)).decode() for n in os.listxattr(p,follow_symlinks=False)}\nprint(json.dumps(out))';
  return JSON.parse(execFileSync('python3', ['-c', script], { input: JSON.stringify(paths) }).toString()) as Record<string, Record<string, string>>;
}
function setHostXattrs(list: readonly (readonly [string, string, string])[]): void {
  const script = 'import os,sys,json,base64\nfor p,n,v in json.load(sys.stdin): os.setxattr(p,n,base64.b64decode(v))';
  execFileSync('python3', ['-c', script], { input: JSON.stringify(list) });
}

/** One line for a host's file, and one for ours; they must be the same. */
interface Facts {
  mode: number;
  nlink: number;
  uid: number;
  gid: number;
  size: number;
  blocks: number;
  mtime: string;
  atime: string;
  ctime: string;
  rdev: string;
  what: string;
  xattrs: Record<string, string>;
}

function hostFacts(root: string): Record<string, Facts> {
  const found: Record<string, Facts> = {};
  const paths: string[] = [];
  const walk = (rel: string): void => {
    for (const name of readdirSync(join(root, rel)).sort()) {
      const at = rel === '' ? name : `${rel}/${name}`;
      const path = join(root, at);
      const st = lstatSync(path, { bigint: true });
      const mode = Number(st.mode);
      const dev = Number(st.rdev);
      const isDev = st.isBlockDevice() || st.isCharacterDevice();
      found[at] = {
        mode, nlink: Number(st.nlink), uid: Number(st.uid), gid: Number(st.gid), size: Number(st.size), blocks: Number(st.blocks),
        mtime: `${st.mtimeNs}`, atime: `${st.atimeNs}`, ctime: `${st.ctimeNs}`,
        rdev: isDev ? `${((dev >> 8) & 0xfff) >>> 0},${((dev & 0xff) | ((dev >> 12) & 0xfff00)) >>> 0}` : '',
        what: st.isFile() ? sha(readFileSync(path)) : st.isSymbolicLink() ? readlinkSync(path) : '',
        xattrs: {},
      };
      paths.push(at);
      if (st.isDirectory()) walk(at);
    }
  };
  walk('');
  const xattrs = hostXattrs(paths.map((p) => join(root, p)));
  for (const p of paths) found[p].xattrs = xattrs[join(root, p)];
  return found;
}

function ourFacts(w: ReturnType<typeof mounted>): Record<string, Facts> {
  const { sys } = w;
  const found: Record<string, Facts> = {};
  const ns = (sec: number, nsec: number): string => `${BigInt(sec) * 1_000_000_000n + BigInt(nsec)}`;
  const walk = (rel: string): void => {
    for (const name of namesOf(w, rel === '' ? '.' : rel)) {
      const at = rel === '' ? name : `${rel}/${name}`;
      const st = sys.lstat(at);
      const type = st.mode & 0o170000;
      const isDev = type === 0o020000 || type === 0o060000;
      const { mode, nlink, uid, gid, size, blocks, rdev } = { ...st };
      const times = { mtime: ns(st.mtime, st.mtimeNsec), atime: ns(st.atime, st.atimeNsec), ctime: ns(st.ctime, st.ctimeNsec) };
      const target = new Uint8Array(4096);
      const what = type === 0o100000 ? sha(readFile(sys, at)) : type === 0o120000 ? Buffer.from(target.subarray(0, sys.readlink(at, target))).toString() : '';
      found[at] = { mode, nlink, uid, gid, size, blocks, ...times, rdev: isDev ? `${(rdev & 0xfff00) >>> 8},${(((rdev & 0xfff00000) >>> 12) | (rdev & 0xff)) >>> 0}` : '', what, xattrs: ourXattrs(w, at) };
      if (type === 0o040000) walk(at);
    }
  };
  walk('');
  return found;
}

function namesOf(w: ReturnType<typeof mounted>, path: string): string[] {
  const fd = w.sys.open(path, 0);
  const names: string[] = [];
  const buf = new Uint8Array(4096);
  for (let n = w.sys.getdents(fd, buf); n > 0; n = w.sys.getdents(fd, buf)) {
    const view = new DataView(buf.buffer);
    for (let off = 0; off < n; off += view.getUint16(off + 8, true)) {
      const name = Buffer.from(buf.subarray(off + 13, off + 13 + view.getUint16(off + 10, true))).toString();
      if (name !== '.' && name !== '..') names.push(name);
    }
  }
  w.sys.close(fd);
  return names.sort();
}

function ourXattrs(w: ReturnType<typeof mounted>, path: string): Record<string, string> {
  const len = w.sys.llistxattr(path);
  const b = new Uint8Array(len);
  if (len > 0) w.sys.llistxattr(path, b);
  const out: Record<string, string> = {};
  for (const name of Buffer.from(b).toString().split('\0').filter((s) => s !== '')) {
    const value = new Uint8Array(w.sys.lgetxattr(path, name));
    w.sys.lgetxattr(path, name, value);
    out[name] = Buffer.from(value).toString('base64');
  }
  return out;
}

/** Sorted by name, so that the two compare; the access time of what was read is of the reader. */
function sorted(facts: Record<string, Facts>): [string, Facts][] {
  return Object.entries(facts).sort(([a], [b]) => (a < b ? -1 : 1)).map(([p, f]) => [p, { ...f, xattrs: Object.fromEntries(Object.entries(f.xattrs).sort()) }]);
}

for (const [name, args] of Object.entries(IMAGES)) {
  const rev0 = args.includes('-r');
  // Enough for a hash tree of two levels in blocks of 1 KiB.
  // Far enough for triple indirect blocks of 1 KiB.
  const far = name === 'blocks of 1 KiB' ? 68_000_000 : 3_000_000;
  const many = name === 'blocks of 1 KiB' || name === 'ext4' ? 2000 : 300;
  const type = args.includes('-t') ? 'ext4' : 'ext2';

  oracle('mke2fs', 'e2fsck', `loop:${type}`).test(`the host sees what we wrote: ${name}`, () => {
    const w = mounted(mke2fs(6000, args), { seed: 5 });
    const { sys } = w;
    const now = 1_700_000_000;
    const put = (path: string, bytes: Uint8Array, off = 0): void => {
      const fd = sys.open(path, O_CREAT | O_RDWR, 0o640);
      sys.pwrite(fd, bytes, off);
      sys.close(fd);
    };
    for (let d = 0; d < 5; d++) {
      sys.mkdir(`d${d}`, 0o700 + d);
      for (let i = 0; i < 25; i++) {
        put(`d${d}/f${i}`, pattern((i * i * 7) % 9000, i));
        sys.chown(`d${d}/f${i}`, i * 3000, 100_000 + i);
        sys.utimensat(-100, `d${d}/f${i}`, [{ sec: now + i, nsec: i * 1000 + 1 }, { sec: i * 77_777_777 - 1_000_000_000, nsec: i * 10_000_001 }], 0);
      }
    }
    put('large', pattern(400_000, 1));
    put('sparse', pattern(1000, 2), far);
    put('name with ünïcödé', pattern(10, 3));
    sys.link('large', 'd1/second-name');
    sys.symlink('d0/f1', 'fast');
    sys.symlink('x/'.repeat(300), 'slow');
    sys.mknod('chr-old', 0o020600, makedev(5, 1));
    sys.mknod('blk-new', 0o060600, makedev(259, 70_000));
    sys.mkfifo('fifo', 0o644);
    if (!rev0) {
      sys.setxattr('large', 'user.one', pattern(30, 1), 0);
      sys.setxattr('large', 'user.two', pattern(600, 2), 0);
      sys.setxattr('large', 'trusted.three', pattern(10, 3), 0);
      sys.setxattr('d2', 'user.directory', pattern(100, 4), 0);
      sys.setxattr('d2', 'security.test', pattern(40, 5), 0);
      for (let i = 0; i < 12; i++) sys.setxattr('sparse', `user.many${i}`, pattern(i, i), 0);
    }
    for (let i = 0; i < 200; i++) put(`d3/${'long-name-'.repeat(4)}${i}`, pattern(1, i));
    for (let i = 0; i < 200; i += 3) sys.unlink(`d3/${'long-name-'.repeat(4)}${i}`);
    w.unmount();
    expect(fsck(w.disk.snapshot())).toBe('');
    const image = w.disk.snapshot();
    const theirs = withImage(image, (path) => withMount(path, type, hostFacts, ['ro']));
    w.mount(1);
    expect(sorted(ourFacts(w))).toEqual(sorted(theirs));
    w.k.halt();
  });

  oracle('mke2fs', 'e2fsck', `loop:${type}`).test(`we see what the host wrote: ${name}`, () => {
    const image = withImage(mke2fs(8000, [...args, '-N', '3000']), (path) => {
      withMount(path, type, (root) => hostWrites(root, rev0, many, far));
      return new Uint8Array(readFileSync(path));
    });
    const theirs = withImage(image, (path) => withMount(path, type, hostFacts, ['ro,noatime']));
    const w = mounted(image, {}, 1);
    expect(sorted(ourFacts(w))).toEqual(sorted(theirs));
    w.unmount();
    // Writing into the host's directories, indexed ones among them, keeps all in order.
    w.mount();
    for (let i = 0; i < 300; i++) w.sys.close(w.sys.open(`many/ours-${i}`, O_CREAT | O_RDWR, 0o600));
    for (let i = 0; i < many; i += 2) w.sys.unlink(`many/entry-${i}`);
    for (let i = 1; i < many / 4; i += 2) w.sys.rename(`many/entry-${i}`, `d1/moved-${i}`);
    if (!rev0) {
      w.sys.setxattr('shared-a', 'user.shared', pattern(700, 9), 0);
      w.sys.removexattr('shared-b', 'user.shared');
    }
    w.k.halt();
    expect(fsck(w.disk.snapshot())).toBe('');
    expect(w.k.msgbuf.text()).not.toMatch(/ext2fs/);
  });
}

/** What is only read. */
const READ_ONLY: Readonly<Record<string, readonly string[]>> = {
  'bigalloc': ['-t', 'ext4', '-b', '4096', '-C', '16384', '-O', 'bigalloc'],
  'bigalloc, without checksums': ['-t', 'ext4', '-b', '2048', '-C', '65536', '-O', 'bigalloc,^metadata_csum'],
};
for (const [name, args] of Object.entries(READ_ONLY)) {
  oracle('mke2fs', 'loop:ext4').test(`we see what the host wrote, and write nothing: ${name}`, () => {
    const image = withImage(mke2fs(40_000, [...args, '-N', '3000', '-J', 'size=4']), (path) => {
      withMount(path, 'ext4', (root) => hostWrites(root, false, 300, 3_000_000));
      return new Uint8Array(readFileSync(path));
    });
    const theirs = withImage(image, (path) => withMount(path, 'ext4', hostFacts, ['ro,noatime']));
    const w = mounted(image);
    expect(w.k.msgbuf.text()).toMatch(/mounted read-only: writing needs features that are not supported: bigalloc/);
    expect(sorted(ourFacts(w))).toEqual(sorted(theirs));
    w.k.halt();
    expect(Buffer.compare(w.disk.snapshot().bytes(), image)).toBe(0);
  });
}

function hostWrites(root: string, rev0: boolean, many: number, far: number): void {
  const at = (p: string): string => join(root, p);
  mkdirSync(at('many'));
  for (let i = 0; i < many; i++) writeFileSync(at(`many/entry-${i}`), '');
  for (let d = 0; d < 5; d++) {
    mkdirSync(at(`d${d}`));
    for (let i = 0; i < 20; i++) {
      writeFileSync(at(`d${d}/f${i}`), pattern((i * i * 11) % 7000, i));
      lchownSync(at(`d${d}/f${i}`), i * 2000, 70_000 + i);
      utimesSync(at(`d${d}/f${i}`), 1_000_000 * i + 0.25, 1_500_000_000 + i + 0.5);
    }
  }
  writeFileSync(at('large'), pattern(500_000, 1));
  writeFileSync(at('sparse'), 'start');
  truncateSync(at('sparse'), far + 1_000_000);
  const fd = openSync(at('sparse'), 'r+');
  writeSync(fd, pattern(5000, 7), 0, 5000, far);
  closeSync(fd);
  truncateSync(at('large'), 499_999);
  linkSync(at('large'), at('d1/second-name'));
  symlinkSync('d0/f1', at('fast'));
  symlinkSync('y'.repeat(59), at('fast-59'));
  symlinkSync('y'.repeat(60), at('slow-60'));
  symlinkSync('x/'.repeat(400), at('slow'));
  lutimesSync(at('fast'), 5, 1_600_000_000);
  mustRun('mknod', [at('chr'), 'c', '1', '3']);
  mustRun('mknod', [at('blk'), 'b', '300', '100000']);
  mustRun('mkfifo', [at('fifo')]);
  chmodSync(at('d3'), 0o1777);
  if (rev0) return;
  const value = (n: number, seed: number): string => Buffer.from(pattern(n, seed)).toString('base64');
  const shared = value(500, 4);
  for (const f of ['shared-a', 'shared-b', 'shared-c']) writeFileSync(at(f), f);
  setHostXattrs([
    [at('large'), 'user.small', value(10, 1)], [at('large'), 'user.big', value(600, 2)], [at('large'), 'trusted.t', value(20, 3)], [at('d2'), 'user.dir', value(50, 5)],
    [at('shared-a'), 'user.shared', shared], [at('shared-b'), 'user.shared', shared], [at('shared-c'), 'user.shared', shared], [at('d4'), 'security.anykernel', value(30, 6)],
  ]);
}

oracle('mke2fs', 'debugfs').test('debugfs sees the same inodes, blocks and flags', () => {
  const w = mounted(mke2fs(8000, ['-b', '1024']));
  const { sys } = w;
  const fd = sys.open('f', O_CREAT | O_RDWR, 0o644);
  sys.write(fd, pattern(300_000, 1));
  sys.close(fd);
  sys.mkdir('d', 0o755);
  sys.chflags('f', SF_IMMUTABLE);
  sys.chflags('d', SF_APPEND);
  const st = sys.stat('f');
  w.unmount();
  withImage(w.disk.snapshot(), (path) => {
    const said = mustRun('debugfs', ['-R', 'stat f', path]);
    expect(said).toMatch(new RegExp(`Inode: ${st.ino}\\s+Type: regular`));
    expect(said).toMatch(/Mode:\s+0644\s+Flags: 0x10/);
    expect(said).toMatch(new RegExp(`Generation: ${st.gen}`));
    expect(said).toMatch(new RegExp(`Size: 300000`));
    expect(said).toMatch(new RegExp(`Blockcount: ${st.blocks}`));
    expect(said).toMatch(/crtime: 0x[0-9a-f]+/);
    expect(mustRun('debugfs', ['-R', 'stat d', path])).toMatch(/Flags: 0x20/);
    const blocks = mustRun('debugfs', ['-R', 'blocks f', path]).trim().split(/\s+/).map(Number);
    w.mount(1);
    const ours = w.k.run(() => {
      const vp = w.vfs.lookup(w.root.lwp, '/mnt/f');
      const run = { blkno: 0, count: 0 };
      return Array.from({ length: 293 }, (_, lbn) => {
        vp.ops.bmap(vp, lbn, run);
        return run.blkno;
      });
    });
    // debugfs lists the indirect blocks, too.
    expect(ours.filter((b) => !blocks.includes(b))).toEqual([]);
    expect(blocks.length).toBe(293 + 3);
    // The file was written from start to end: it lies on the device so.
    expect([...ours].sort((a, b) => a - b)).toEqual(ours);
    expect(run('debugfs', ['-R', 'htree_dump d', path]).stdout).not.toMatch(/root node/i);
  });
  w.k.halt();
});
