/**
 * An image that is a Blob: a file that the user chose, which may be larger than memory. Its bytes come later, as they are asked for, so the calls are the
 * asynchronous ones: `fs.promises`, and callbacks.
 */
import { cd9660 } from '@anykernel/cd9660';
import { ext2fs } from '@anykernel/ext2fs';
import { hostBrowser } from '@anykernel/host-browser';
import { MNT_RDONLY } from '@anykernel/lib-sys';
import { msdosfs } from '@anykernel/msdosfs';
import { boot } from '@anykernel/rumpkern';
import { deviceFor } from '@anykernel/stack-boot';
import { type Ukfs, ukfs } from '@anykernel/ukfs';

export interface BlobFiles {
  readonly fs: Ukfs;
  readonly type: string;
  /** Halting waits for the Blob as well. */
  halt(): Promise<void>;
}

/** The files on `image`, to be read, below /image; its type is found out. Rejects with ENODEV where nobody knows it. */
export async function filesOnBlob(image: Blob): Promise<BlobFiles> {
  const k = boot(hostBrowser({ files: { image } }), [ext2fs, msdosfs, cd9660]);
  const p = k.newproc();
  try {
    await p.call.mkdir('/image', 0o755);
    await p.call.mount('auto', '/image', MNT_RDONLY, { fspec: deviceFor(k, 'image') });
  } catch (e) {
    k.halt({ nosync: true });
    throw e;
  }
  const { fstypename: type } = await p.call.statvfs1('/image', 0);
  return {
    fs: ukfs(p),
    type,
    async halt() {
      p.sys.chdir('/');
      await p.call.unmount('/image', 0);
      k.halt();
    },
  };
}
