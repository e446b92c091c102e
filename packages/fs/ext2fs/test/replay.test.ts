/** Logs that others wrote: Linux's own with each kind of checksum, and debugfs's; what we bring home is what e2fsck does. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from '@jest/globals';
import { mustRun, oracle, run, withMount } from '@anykernel/tools-oracle';
import { listSys } from '@anykernel/conformance-diskfs';
import { errnoOf, fsck, mke2fs, mounted, pattern, withFolder, withImage, world } from './kit.js';

const KIB = 1024;

/** The image after e2fsck has replayed its journal. */
function replayedByThem(image: Uint8Array): Uint8Array {
  return withImage(image, (path) => {
    run('e2fsck', ['-fy', '-E', 'journal_only', path]);
    return new Uint8Array(readFileSync(path));
  });
}

/** A tree of files, changed and changed again, as Linux does it. */
function linuxWrites(root: string): void {
  const script = [
    'import os, sys',
    'root = sys.argv[1]',
    'os.sync()',
    'for d in range(4):',
    '  os.mkdir(f"{root}/d{d}")',
    '  for i in range(40):',
    '    with open(f"{root}/d{d}/f{i}", "w") as f: f.write(f"{d} {i} " * (i * 17))',
    '  fd = os.open(f"{root}/d{d}", os.O_RDONLY); os.fsync(fd); os.close(fd)',
    'for i in range(0, 40, 2): os.unlink(f"{root}/d1/f{i}")',
    'os.rename(f"{root}/d2", f"{root}/d3/moved")',
    'fd = os.open(f"{root}/last", os.O_CREAT | os.O_WRONLY); os.write(fd, b"x" * 3000); os.fsync(fd); os.close(fd)',
  ].join('\n');
  execFileSync('python3', ['-c', script, root]);
}

/** The image as the host's kernel has it on its device while it is mounted: its log is full of what is not home yet. */
function caught(image: Uint8Array, options: readonly string[]): Uint8Array {
  return withImage(image, (path) =>
    withMount(path, 'ext4', (root) => {
      linuxWrites(root);
      return new Uint8Array(readFileSync(path));
    }, options),
  );
}

const LOGS: Readonly<Record<string, { readonly args: readonly string[]; readonly options: readonly string[] }>> = {
  'no checksums': { args: ['-O', '^metadata_csum,^64bit'], options: ['nojournal_checksum'] },
  'no checksums, 64bit': { args: ['-O', '^metadata_csum,64bit'], options: ['nojournal_checksum'] },
  'a sum of each transaction': { args: ['-O', '^metadata_csum'], options: ['journal_checksum'] },
  'a sum of each transaction, asynchronous commits': { args: ['-O', '^metadata_csum'], options: ['journal_async_commit', 'data=writeback'] },
  'checksums of version 3': { args: ['-O', 'metadata_csum'], options: [] },
  'checksums of version 3, data in the log': { args: ['-O', 'metadata_csum'], options: ['data=journal'] },
};

describe('what Linux has written ahead is brought home', () => {
  for (const [name, { args, options }] of Object.entries(LOGS)) {
    oracle('mke2fs', 'e2fsck', 'loop:ext4').test(name, () => {
      const image = caught(mke2fs(12_000, ['-t', 'ext4', '-b', '1024', ...args]), options);
      const w = mounted(image);
      expect(w.k.msgbuf.text()).toMatch(/recovered: [1-9]\d* transactions, [1-9]\d* blocks/);
      const ours = listSys(w.sys);
      w.unmount();
      expect(fsck(w.disk.snapshot())).toBe('');
      w.k.halt();
      const them = mounted(replayedByThem(image), {}, 1);
      expect(ours).toEqual(listSys(them.sys));
      expect(ours.has('last') && ours.has('d3/moved/f7') && !ours.has('d1/f2')).toBe(true);
      them.k.halt();
    });
  }
});

/** Blocks that debugfs's log speaks of; nobody else does. */
const FROM = 5000;

describe('what debugfs has written into a log is brought home', () => {
  // debugfs gives transactions with revoked blocks sums of version 1 which e2fsck does not believe.
  for (const [name, features, open, revokes] of [
    ['no checksums', '^metadata_csum,^64bit', 'jo', true],
    ['no checksums, 64bit', '^metadata_csum,64bit', 'jo', true],
    ['a sum of each transaction', '^metadata_csum,64bit', 'jo -c', false],
    ['checksums of version 2', 'metadata_csum,^64bit', 'jo -c -v 2', true],
    ['checksums of version 2, 64bit', 'metadata_csum,64bit', 'jo -c -v 2', true],
    ['checksums of version 3', 'metadata_csum,64bit', 'jo -c -v 3', true],
  ] as const) {
    oracle('mke2fs', 'e2fsck', 'debugfs').test(name, () => {
      const image = withFolder((folder) => {
        const file = (n: string, bytes: Uint8Array): string => {
          writeFileSync(join(folder, n), bytes);
          return join(folder, n);
        };
        const magic = pattern(KIB, 9);
        magic.set([0xc0, 0x3b, 0x39, 0x98]);
        const path = file('image', mke2fs(8000, ['-t', 'ext4', '-b', '1024', '-O', features]));
        const commands = [
          open,
          `jw -b ${FROM}-${FROM + 9} ${file('a', pattern(10 * KIB, 1))}`,
          `jw -b ${FROM + 1} ${file('b', magic)}`,
          ...(revokes ? [`jw -r ${FROM + 3}`] : []),
          `jw -b ${FROM + 12} ${file('c', pattern(KIB, 2))}`,
          ...(revokes ? [`jw -r ${FROM + 12}`] : []),
          `jw -b ${FROM + 5} -c ${file('d', pattern(KIB, 3))}`,
          'jc',
          '',
        ];
        mustRun('debugfs', ['-w', path], { input: commands.join('\n') });
        return new Uint8Array(readFileSync(path));
      });
      const w = mounted(image);
      expect(w.k.msgbuf.text()).toMatch(revokes ? /recovered: 5 transactions/ : /recovered: 3 transactions/);
      w.unmount();
      const part = (b: Uint8Array): Uint8Array => b.slice(FROM * KIB, (FROM + 16) * KIB);
      const home = part(w.disk.snapshot().bytes());
      expect(home).toEqual(part(replayedByThem(image)));
      expect(home.subarray(4 * KIB, 10 * KIB)).toEqual(pattern(10 * KIB, 1).subarray(4 * KIB));
      expect([...home.subarray(KIB, KIB + 4)]).toEqual([0xc0, 0x3b, 0x39, 0x98]);
      w.k.halt();
    });
  }
});

oracle('mke2fs', 'debugfs').test('a journal on another device is refused by name: for reading where it is clean, not at all where it needs recovery', () => {
  const external = (features: string): Uint8Array =>
    withImage(mke2fs(6000, ['-t', 'ext4', '-b', '1024']), (path) => {
      const set = ['set_super_value journal_inum 0', 'set_super_value journal_dev 0x801', features, ''];
      mustRun('debugfs', ['-w', path], { input: set.join('\n') });
      return new Uint8Array(readFileSync(path));
    });
  const w = mounted(external(''));
  expect(w.k.msgbuf.text()).toMatch(/mounted read-only: its journal is on another device/);
  expect(errnoOf(() => w.sys.mkdir('d', 0o755))).toBe('EROFS');
  w.k.halt();
  const dirty = world(external('feature needs_recovery'));
  expect(errnoOf(() => dirty.sys.mount('ext2fs', '/mnt', 1, { fspec: '/disk' }))).toBe('EINVAL');
  expect(dirty.k.msgbuf.text()).toMatch(/it needs recovery, but its journal is on another device/);
  dirty.k.halt();
});
