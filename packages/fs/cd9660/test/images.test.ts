/** What images have beside plain trees: relocated directories, links and devices, packed files, boot catalogues, sessions, files beyond 4 GiB. */
import { describe, expect } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { appendFileSync, linkSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mustRun, oracle } from '@anykernel/tools-oracle';
import { getU32le, putU32be, putU32le } from '@anykernel/lib-bytes';
import { DiskImage } from '@anykernel/host-sim';
import { MNT_UPDATE, makedev } from '@anykernel/lib-sys';
import { bootEntries } from '../src/index.js';
import { MAKERS, errnoOf, imageOf, mounted, names, pattern, readFile, withFolder, world } from './kit.js';

/** An image of what `plant` puts into a folder, by xorriso or another program. */
function image(plant: (folder: string) => void, program: string, args: (folder: string, image: string) => readonly string[]): Uint8Array {
  return withFolder((folder) => {
    mkdirSync(join(folder, 'tree'));
    plant(join(folder, 'tree'));
    mustRun(program, args(join(folder, 'tree'), join(folder, 'image')), { cwd: folder, env: { LC_ALL: 'C.UTF-8' } });
    return new Uint8Array(readFileSync(join(folder, 'image')));
  });
}

const rock = (folder: string, out: string): readonly string[] => ['-quiet', '-R', '-o', out, folder];

describe('Rock Ridge', () => {
  for (const [name, maker] of Object.entries(MAKERS).slice(0, 3)) {
    oracle(name.split(',')[0] as string).test(`directories deeper than ISO 9660 allows, by ${name}`, () => {
      withFolder((folder) => {
        let at = folder;
        for (let i = 0; i < 14; i++) mkdirSync((at = join(at, `d${i}`)));
        writeFileSync(join(at, 'bottom'), 'bottom');
        const w = mounted(imageOf(folder, maker));
        const deep = Array.from({ length: 14 }, (_, i) => `d${i}`).join('/');
        expect(readFile(w.sys, `${deep}/bottom`).length).toBe(6);
        expect(w.sys.stat(`${deep}/..`).ino).toBe(w.sys.stat(deep.slice(0, deep.lastIndexOf('/'))).ino);
        let up = deep;
        for (let i = 0; i < 14; i++) up += '/..';
        expect(w.sys.stat(up).ino).toBe(w.sys.stat('.').ino);
        for (const moved of names(w.sys, '.').filter((n) => n !== 'd0')) expect(names(w.sys, moved)).toEqual([]);
        expect(w.k.msgbuf.text()).not.toMatch(/cd9660/);
        w.k.halt();
      });
    });
  }

  oracle('genisoimage', 'root').test('devices, fifos, links of every kind, owners and long names', () => {
    const target = `../${'long/'.repeat(40)}target`;
    const bytes = image((folder) => {
      writeFileSync(join(folder, 'file'), 'x');
      linkSync(join(folder, 'file'), join(folder, 'same'));
      symlinkSync(target, join(folder, 'long'));
      symlinkSync('/', join(folder, 'root'));
      symlinkSync('./a/../..', join(folder, 'dots'));
      execFileSync('mknod', [join(folder, 'null'), 'c', '1', '3']);
      execFileSync('mkfifo', [join(folder, 'fifo')]);
      execFileSync('chown', ['70000:80000', join(folder, 'file')]);
      writeFileSync(join(folder, 'n'.repeat(240)), 'long');
    }, 'genisoimage', rock);
    const w = mounted(bytes);
    const { sys } = w;
    const link = (path: string): string => {
      const b = new Uint8Array(1024);
      return String.fromCharCode(...b.subarray(0, sys.readlink(path, b)));
    };
    expect([link('long'), link('root'), link('dots')]).toEqual([target, '/', './a/../..']);
    expect(sys.lstat('long').size).toBe(target.length);
    expect([sys.stat('file').uid, sys.stat('file').gid]).toEqual([70_000, 80_000]);
    expect(sys.stat('null').rdev).toBe(makedev(1, 3));
    expect(sys.lstat('fifo').mode & 0o170000).toBe(0o010000);
    expect(sys.stat('same').ino).toBe(sys.stat('file').ino);
    expect(readFile(sys, 'n'.repeat(240)).length).toBe(4);
    w.k.halt();
  });
});

describe('zisofs', () => {
  for (const version of ['off', 'on']) {
    oracle('xorriso').test(`packed files are unpacked, of the ${version === 'on' ? 'second' : 'first'} version`, () => {
      const files: Record<string, Uint8Array> = {
        zeros: new Uint8Array(500_000),
        text: new Uint8Array(Buffer.from(Array.from({ length: 60_000 }, (_, i) => `${i * 7}\n`).join(''))),
        mixed: Uint8Array.from([...pattern(40_000, 1), ...new Uint8Array(200_000), ...pattern(3000, 2)]),
        small: pattern(10, 3),
      };
      const bytes = image((folder) => {
        for (const [name, data] of Object.entries(files)) writeFileSync(join(folder, name), data);
      }, 'xorriso', (folder, out) => ['-zisofs', `version_2=${version}:block_size=32k`, '-outdev', `stdio:${out}`, '-map', folder, '/', '-set_filter_r', '--zisofs', '/', '--']);
      const w = mounted(bytes);
      expect(w.sys.stat('zeros').blocks).toBeLessThan(100);
      for (const [name, data] of Object.entries(files)) {
        expect([name, w.sys.stat(name).size]).toEqual([name, data.length]);
        expect([name, Buffer.compare(readFile(w.sys, name), data)]).toEqual([name, 0]);
      }
      const fd = w.sys.open('text', 0);
      const part = new Uint8Array(1000);
      expect(w.sys.pread(fd, part, 131_000)).toBe(1000);
      expect(Buffer.compare(part, (files['text'] as Uint8Array).subarray(131_000, 132_000))).toBe(0);
      w.sys.close(fd);
      expect(w.k.msgbuf.text()).not.toMatch(/cd9660/);
      w.k.halt();
      expect(w.host.allocated).toBe(0);
    });
  }
});

describe('names', () => {
  const plant = (folder: string): void => {
    writeFileSync(join(folder, 'Mixed Case.Text'), 'x');
    writeFileSync(join(folder, 'żółć.txt'), 'y');
    writeFileSync(join(folder, 'noext'), 'z');
  };

  oracle('genisoimage').test('Joliet: case counts, and characters are Unicode', () => {
    const w = mounted(image(plant, 'genisoimage', (folder, out) => ['-quiet', '-input-charset', 'utf-8', '-J', '-o', out, folder]));
    expect(names(w.sys, '.')).toEqual(['Mixed Case.Text', 'noext', 'żółć.txt']);
    expect(errnoOf(() => w.sys.stat('mixed case.text'))).toBe('ENOENT');
    w.k.halt();
  });

  oracle('genisoimage').test('plain ISO 9660: small letters, found in any case; or as they are', () => {
    const bytes = image(plant, 'genisoimage', (folder, out) => ['-quiet', '-l', '-o', out, folder]);
    const w = mounted(bytes);
    expect(names(w.sys, '.')).toContain('mixed_case.text');
    expect(w.sys.stat('MIXED_CASE.TEXT').ino).toBe(w.sys.stat('mixed_case.text').ino);
    expect(w.sys.stat('NoExt').size).toBe(1);
    w.k.halt();
    const v = mounted(bytes, { args: { nocasetrans: 1, gens: 1 } });
    expect(names(v.sys, '.')).toContain('NOEXT.;1');
    v.k.halt();
  });

  oracle('xorriso').test('arguments choose: without Rock Ridge Joliet, without Joliet the plain names', () => {
    const bytes = image(plant, 'xorriso', (folder, out) => ['-as', 'mkisofs', '-quiet', '-R', '-J', '-o', out, folder]);
    const list = (args: object): string[] => {
      const w = mounted(bytes, { args });
      const found = names(w.sys, '.');
      w.k.halt();
      return found;
    };
    expect(list({})).toEqual(['Mixed Case.Text', 'noext', 'żółć.txt']);
    expect(list({ rrip: 0 })).toEqual(['Mixed Case.Text', 'noext', 'żółć.txt']);
    expect(list({ rrip: 0, joliet: 0 })).toContain('noext');
    expect(list({ rrip: 0, joliet: 0 })).not.toContain('Mixed Case.Text');
    for (const args of [{ rock: 1 }, { rrip: 2 }, { session: -1 }]) {
      const w = world(bytes, { args: args as object });
      expect(errnoOf(() => w.mount())).toBe('EINVAL');
      w.k.halt();
    }
  });
});

describe('mounting', () => {
  oracle('genisoimage').test('is read-only, whatever was asked for', () => {
    const w = world(image((folder) => writeFileSync(join(folder, 'f'), 'x'), 'genisoimage', rock));
    w.sys.mount('cd9660', '/mnt', 0, { fspec: '/disk' });
    expect(w.sys.statvfs1('/mnt', 1).flag & 1).toBe(1);
    expect(errnoOf(() => w.sys.open('/mnt/f', 2))).toBe('EROFS');
    expect(errnoOf(() => w.sys.mount('cd9660', '/mnt', MNT_UPDATE, { fspec: '/disk' }))).toBe('EROFS');
    w.unmount();
    w.sys.mount('auto', '/mnt', 1, { fspec: '/disk' });
    expect(w.sys.statvfs1('/mnt', 1).fstypename).toBe('cd9660');
    w.k.halt();
  });

  oracle('xorriso').test('the last session has all files, an earlier one what was there then', () => {
    withFolder((folder) => {
      for (const name of ['one', 'two']) {
        mkdirSync(join(folder, name));
        writeFileSync(join(folder, name, name), name);
      }
      const out = join(folder, 'image');
      mustRun('xorriso', ['-outdev', `stdio:${out}`, '-map', join(folder, 'one'), '/', '-commit', '-map', join(folder, 'two'), '/', '-commit'], { cwd: folder });
      const said = mustRun('xorriso', ['-indev', `stdio:${out}`, '-toc'], { cwd: folder });
      const sessions = [...said.matchAll(/ISO session\s*:\s*\d+ ,\s*(\d+) ,/g)].map((m) => Number(m[1]));
      expect(sessions.length).toBe(2);
      const bytes = new Uint8Array(readFileSync(out));
      const list = (session: number): string[] => {
        const w = mounted(bytes, { args: { session } });
        const found = names(w.sys, '.');
        w.k.halt();
        return found;
      };
      expect(list(0)).toEqual(['one', 'two']);
      expect(list(sessions[0] as number)).toEqual(['one']);
      expect(list(sessions[1] as number)).toEqual(['one', 'two']);
    });
  });

  oracle('genisoimage').test('a handle of a directory finds it again after all was forgotten', () => {
    const w = mounted(image((folder) => mkdirSync(join(folder, 'a/b/c'), { recursive: true }), 'genisoimage', rock));
    const fh = w.sys.getfh('a/b/c');
    const { ino } = w.sys.stat('a/b');
    const fhs = [fh, w.sys.getfh('.')];
    w.unmount();
    w.mount();
    for (const handle of fhs) {
      const code = errnoOf(() => w.sys.close(w.sys.fhopen(handle, 0)));
      expect(['', 'ESTALE']).toContain(code);
    }
    expect(w.sys.stat('a/b/c/..').ino).toBe(ino);
    w.k.halt();
  });
});

describe('El Torito', () => {
  oracle('genisoimage').test('the catalogue is told, and the image is a file', () => {
    const bytes = image((folder) => writeFileSync(join(folder, 'boot.img'), pattern(4096, 9)), 'genisoimage', (folder, out) => [
      '-quiet', '-R', '-b', 'boot.img', '-no-emul-boot', '-boot-load-size', '4', '-c', 'boot.cat', '-o', out, folder,
    ]);
    const peek = (off: number, len: number): Uint8Array => bytes.subarray(off, off + len);
    const entries = bootEntries(peek);
    expect(entries).toMatchObject([{ bootable: true, media: 'none', platform: 0, count: 4 }]);
    const sector = entries?.[0]?.sector as number;
    expect(bytes.subarray(sector * 2048, sector * 2048 + 4096)).toEqual(pattern(4096, 9));
    const w = mounted(bytes);
    expect(names(w.sys, '.')).toEqual(['boot.cat', 'boot.img']);
    expect(readFile(w.sys, 'boot.img')).toEqual(pattern(4096, 9));
    w.k.halt();
    // A catalogue that does not add up is none; a disk without one has none.
    const broken = bytes.slice();
    const at = getU32le(broken, 17 * 2048 + 71) * 2048;
    broken[at + 5] ^= 1;
    expect(bootEntries((off, len) => broken.subarray(off, off + len))).toBeUndefined();
    expect(bootEntries(() => new Uint8Array(2048))).toBeUndefined();
  });

  oracle('xorriso').test('BIOS and UEFI have a section each', () => {
    const bytes = image((folder) => {
      writeFileSync(join(folder, 'bios.img'), pattern(2048, 1));
      writeFileSync(join(folder, 'efi.img'), pattern(6000, 2));
    }, 'xorriso', (folder, out) => [
      '-as', 'mkisofs', '-quiet', '-R', '-b', 'bios.img', '-no-emul-boot', '-boot-load-size', '4', '-eltorito-alt-boot', '-e', 'efi.img', '-no-emul-boot', '-o', out, folder,
    ]);
    expect(bootEntries((off, len) => bytes.subarray(off, off + len))?.map((e) => [e.platform, e.bootable])).toEqual([[0, true], [0xef, true]]);
  });
});

describe('large files', () => {
  /** Sets both copies of a number. */
  function both(b: Uint8Array, off: number, value: number): void {
    putU32le(b, off, value);
    putU32be(b, off + 4, value);
  }

  oracle('genisoimage').test('a file of several extents beyond 4 GiB is one', () => {
    // The record of a small file is made into three, whose extents are far apart in a sparse image.
    const small = image((folder) => writeFileSync(join(folder, 'big'), pattern(2048, 5)), 'genisoimage', rock);
    const at = Buffer.from(small).lastIndexOf('BIG.;1') - 33;
    const record = small.slice(at, at + (small[at] as number));
    const section = 0xffff_f800;
    const first = 10_000;
    const lengths = [section, section, 5000];
    const root = at - (at % 2048);
    const starts = [first, first + section / 2048 + 50, first + (2 * section) / 2048 + 100];
    lengths.forEach((len, i) => {
      const copy = record.slice();
      both(copy, 2, starts[i] as number);
      both(copy, 10, len);
      copy[25] = i < 2 ? 0x80 : 0;
      small.set(copy, at + i * copy.length);
    });
    expect(at + 3 * record.length).toBeLessThan(root + 2048);
    const size = (starts[2] as number) * 2048 + 8192;
    const disk = DiskImage.of(small, size);
    const put = (i: number, off: number, data: Uint8Array): void => disk.write(data, (starts[i] as number) * 2048 + off);
    put(0, 0, pattern(100, 1));
    put(0, section - 100, pattern(100, 2));
    put(1, 0, pattern(100, 3));
    put(2, 4900, pattern(100, 4));
    const w = mounted(disk);
    expect(w.sys.stat('big').size).toBe(2 * section + 5000);
    expect(names(w.sys, '.')).toEqual(['big']);
    const fd = w.sys.open('big', 0);
    const read = (off: number, len: number): Uint8Array => {
      const b = new Uint8Array(len);
      return b.subarray(0, w.sys.pread(fd, b, off));
    };
    expect(read(0, 100)).toEqual(pattern(100, 1));
    expect(read(section - 100, 200)).toEqual(Uint8Array.from([...pattern(100, 2), ...pattern(100, 3)]));
    expect(read(2 * section + 4900, 1000)).toEqual(pattern(100, 4));
    w.k.halt();
  });
});

describe('appended bytes', () => {
  oracle('genisoimage').test('an image that is cut off is read as far as it goes', () => {
    withFolder((folder) => {
      mkdirSync(join(folder, 'tree'));
      writeFileSync(join(folder, 'tree/a'), pattern(10_000, 1));
      writeFileSync(join(folder, 'tree/z'), pattern(900_000, 2));
      mustRun('genisoimage', ['-quiet', '-R', '-o', join(folder, 'image'), join(folder, 'tree')]);
      appendFileSync(join(folder, 'image'), 'odd');
      const bytes = new Uint8Array(readFileSync(join(folder, 'image')));
      const cut = bytes.subarray(0, 600_001);
      const w = mounted(cut);
      expect(readFile(w.sys, 'a')).toEqual(pattern(10_000, 1));
      const fd = w.sys.open('z', 0);
      expect(w.sys.pread(fd, new Uint8Array(4096), 0)).toBe(4096);
      expect(errnoOf(() => w.sys.pread(fd, new Uint8Array(4096), 800_000))).toBe('EIO');
      w.k.halt();
    });
  });
});
