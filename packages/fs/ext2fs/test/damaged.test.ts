/** ext3 and ext4 with random damage, guided by what of the driver it reaches: nothing but errnos may come of it, and soon. */
import { expect, test } from '@jest/globals';
import { damagedImages } from '@anykernel/conformance-image';
import { O_CREAT, O_RDWR } from '@anykernel/lib-sys';
import { type Ext2fsType, newfs } from '../src/index.js';
import { INCOMPAT_RECOVER, SB_INCOMPAT, SB_ROCOMPAT, SUPER_OFF } from '../src/ondisk.js';
import { xattrOfAcl } from '../src/acl.js';
import { mounted, pattern, world } from './kit.js';

const SIZE = 3 << 20;

function filled(type: Ext2fsType, crashed: boolean): Uint8Array {
  const bytes = new Uint8Array(SIZE);
  newfs({ size: SIZE, write: (off, b) => bytes.set(b, off) }, { type, time: 1e9, uuid: pattern(16, 1), hashSeed: pattern(16, 2), blockSize: 1024, inodes: 128, zeroed: true });
  const w = mounted(bytes);
  const { sys } = w;
  sys.mkdir('a', 0o755);
  const acl = xattrOfAcl([{ tag: 1, perm: 7, id: 0 }, { tag: 2, perm: 6, id: 1001 }, { tag: 4, perm: 5, id: 0 }, { tag: 16, perm: 7, id: 0 }, { tag: 32, perm: 1, id: 0 }]);
  sys.setxattr('a', 'system.posix_acl_default', acl, 0);
  // The last one gets a hash tree.
  for (const dir of ['a/b', 'c', 'many']) sys.mkdir(dir, 0o755);
  for (let i = 0; i < 20; i++) {
    const path = `${i % 2 === 0 ? 'a' : 'a/b'}/f${i}`;
    const fd = sys.open(path, O_CREAT | O_RDWR, 0o644);
    sys.pwrite(fd, pattern(500, i), i * 700);
    // Enough extents for nodes of their own.
    if (i === 3) for (let n = 0; n < 12; n++) sys.pwrite(fd, pattern(100, n), 20_000 + n * 5000);
    sys.close(fd);
    sys.setxattr(path, 'user.x', pattern(i * 20, i), 0);
  }
  for (let i = 0; i < 15; i++) sys.symlink('x'.repeat(i * 12 + 1), `many/link-${'n'.repeat(60)}-${i}`);
  sys.sync();
  if (crashed) {
    const cut = w.bytes();
    w.k.halt();
    return cut;
  }
  w.unmount();
  w.k.halt();
  const image = w.bytes();
  // Without checksums, damage reaches what they would keep from being looked at.
  const v = new DataView(image.buffer);
  if (type === 'ext4') v.setUint32(SUPER_OFF + SB_ROCOMPAT, v.getUint32(SUPER_OFF + SB_ROCOMPAT, true) & ~0x400, true);
  return image;
}

/** Superblock, descriptors, bitmaps, inodes; the first blocks of files; the journal's beginning. */
function ranges(image: Uint8Array): readonly (readonly [number, number])[] {
  const v = new DataView(image.buffer);
  const table = v.getUint32(2048 + 8, true) * 1024;
  const data = table + 128 * 256;
  const recover = (v.getUint32(SUPER_OFF + SB_INCOMPAT, true) & INCOMPAT_RECOVER) !== 0;
  const journal = data + 13 * 1024;
  const log: readonly [number, number] = recover ? [journal, journal + 40 * 1024] : [data, data + 8 * 1024];
  return [[SUPER_OFF, SUPER_OFF + 700], [2048, 2048 + 64], [table, table + 40 * 256], [table, table + 40 * 256], log, [data, data + 16 * 1024], [data + 1100 * 1024, data + 1200 * 1024]];
}

test('damaged images', () => {
  const report = damagedImages({
    name: 'ext4',
    images: [filled('ext4', false), filled('ext4', true), filled('ext3', true)],
    ranges,
    sources: '/packages/fs/ext2fs/',
    start(image) {
      const w = world(image, { kernel: { memLimitBytes: 32 << 20 }, disk: { record: 'none' } });
      return { k: w.k, type: 'ext2fs', args: { fspec: '/disk' }, writable: true, allocated: () => w.host.allocated };
    },
    runs: 30,
  });
  expect(report.mounted).toBeGreaterThan(report.runs / 4);
  expect(report.kept).toBeGreaterThan(5);
}, 600_000);
