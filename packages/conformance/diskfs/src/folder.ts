/** Folders and images of the host for a moment, for the programs that make and judge images. */
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DiskImage } from '@anykernel/host-sim';

/** In memory, where there is such a place. */
const TMP = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

/** A new folder, which is there while `body` runs. */
export function withFolder<T>(body: (folder: string) => T): T {
  const folder = mkdtempSync(join(TMP, 'anykernel-'));
  try {
    return body(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A file with these bytes, which is there while `body` runs. */
export function withImage<T>(bytes: Uint8Array | DiskImage, body: (path: string, folder: string) => T): T {
  return withFolder((folder) => {
    const path = join(folder, 'image');
    writeImage(bytes, path);
    return body(path, folder);
  });
}

/** Writes an image into a file, which is sparse where the image is. */
export function writeImage(bytes: Uint8Array | DiskImage, path: string): void {
  if (bytes instanceof Uint8Array) {
    writeFileSync(path, bytes);
    return;
  }
  const fd = openSync(path, 'w');
  for (const [off, part] of bytes.extents()) writeSync(fd, part, 0, part.length, off);
  closeSync(fd);
  truncateSync(path, bytes.size);
}
