/** An ext2, ext3 or ext4 image that is in memory as a whole, such as a download: read and write, synchronous. */
import { ext2fs } from '@anykernel/ext2fs';
import { hostBrowser } from '@anykernel/host-browser';
import { bootStack } from '@anykernel/stack-boot';
import { type Ukfs, ukfs } from '@anykernel/ukfs';

export interface ImageFiles {
  readonly fs: Ukfs;
  /** Writes all back into the bytes, and ends the kernel. */
  halt(): void;
}

/** The files on `image`, which is changed in place. MountError: it is no such image. */
export function filesOnBytes(image: Uint8Array<ArrayBuffer>): ImageFiles {
  const host = hostBrowser({ files: { image } });
  const k = bootStack(host, [ext2fs], [{ type: 'ext2fs', source: 'image', on: '/' }]);
  return { fs: ukfs(k.newproc()), halt: () => void k.halt() };
}
