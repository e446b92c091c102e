/** The suite on Linux's own file systems: what it expects of others is what they do. */
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mustRun, oracle } from '@anykernel/tools-oracle';
import { HostError } from '../src/host/syscall.js';
import { type Subject, hostSubject, vnodeConformance } from '../src/index.js';

const WITHOUT = {
  flags: 'chflags(2) is not a call of Linux',
  handles: 'open_by_handle_at(2) gives a descriptor to another process',
};

function folder(): string {
  return mkdtempSync(join(tmpdir(), 'anykernel-oracle-'));
}

function umount(dir: string): void {
  mustRun('umount', [dir]);
  rmSync(dir, { recursive: true });
}

function hostTmpfs(small: boolean): Subject {
  const dir = folder();
  mustRun('mount', ['-t', 'tmpfs', '-o', `size=${small ? '4m' : '256m'},nr_inodes=${small ? 3000 : 40_000},mode=755`, 'tmpfs', dir]);
  return hostSubject(dir, { limits: { maxFileSize: 2 ** 63 }, dispose: () => umount(dir) });
}

function hostExt4(small: boolean): Subject {
  const dir = folder();
  const image = `${dir}.img`;
  writeFileSync(image, '');
  truncateSync(image, small ? 8 << 20 : 192 << 20);
  mustRun('mke2fs', ['-q', '-t', 'ext4', '-m', '0', '-b', '4096', '-N', small ? '2048' : '32768', '-O', '^has_journal', image]);
  const mount = (readonly: boolean): void => {
    mustRun('mount', ['-t', 'ext4', '-o', `loop,strictatime${readonly ? ',ro' : ''}`, image, dir]);
  };
  mount(false);
  rmSync(join(dir, 'lost+found'), { recursive: true });
  return hostSubject(dir, {
    limits: { maxFileSize: 17_592_186_040_320, symlinkMax: 4095 },
    remount(readonly) {
      try {
        mustRun('umount', [dir]);
      } catch (e) {
        throw String(e).includes('busy') ? new HostError('EBUSY', 'umount') : e;
      }
      mount(readonly);
    },
    dispose() {
      umount(dir);
      rmSync(image);
    },
  });
}

const here = oracle('root', 'perl', 'mount', 'umount', 'mke2fs', 'loop:ext4');
if (here.missing.length > 0) here.test("Linux's tmpfs and ext4 are oracles of the suite", () => {});
else {
  vnodeConformance({ name: "the host's tmpfs", lacks: ['remount'], without: WITHOUT, make: ({ small }) => hostTmpfs(small) });
  vnodeConformance({ name: "the host's ext4", without: WITHOUT, make: ({ small }) => hostExt4(small) });
}
