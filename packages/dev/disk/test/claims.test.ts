/** Two kernels of one program and one image file: the same bytes are written by one of them. */
import { writeFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { hostNode } from '@anykernel/host-node';
import { Errno } from '@anykernel/lib-sys';
import { type Kernel, boot } from '@anykernel/rumpkern';
import { type Disk, etfsRegister, openDisk, rumpvfs } from '@anykernel/rumpvfs';
import { withFolder } from '@anykernel/tools-oracle';
import { disk } from '../src/index.js';
import { putGpt } from './kit.js';

function kernelOn(file: string): Kernel {
  const k = boot(hostNode({ output: { write: () => true } }), [disk]);
  k.run(() => etfsRegister(k.modules.use(rumpvfs), '/image', file, 'blk'));
  return k;
}

/** The device, or the code of what is against it. */
function opened(k: Kernel, path: string, write: boolean): Disk | string {
  try {
    return k.run(() => openDisk(k.modules.use(rumpvfs), k.curlwp, path, write));
  } catch (e) {
    if (e instanceof Errno) return e.code;
    throw e;
  }
}

function closed(k: Kernel, d: Disk | string): string {
  if (typeof d === 'string') return d;
  k.run(() => d.close(k.curlwp));
  return 'ok';
}

test('a file system that one kernel writes is EBUSY for another that would write, not for one that reads; other partitions are free', () => {
  withFolder((folder) => {
    const bytes = new Uint8Array(1 << 20);
    putGpt(bytes, [{ start: 64, end: 199 }, { start: 200, end: 999 }]);
    writeFileSync(`${folder}/image`, bytes);
    const [a, b] = [kernelOn(`${folder}/image`), kernelOn(`${folder}/image`)];
    const first = opened(a, '/dev/dk0', true);
    expect([closed(b, opened(b, '/dev/dk0', true)), closed(b, opened(b, '/image', true))]).toEqual(['EBUSY', 'EBUSY']);
    expect([closed(b, opened(b, '/dev/dk0', false)), closed(b, opened(b, '/dev/dk1', true))]).toEqual(['ok', 'ok']);
    expect(closed(a, first)).toBe('ok');
    const second = opened(b, '/image', true);
    expect(closed(a, opened(a, '/dev/dk1', true))).toBe('EBUSY');
    // A kernel that ends lets go of everything, whatever it had open.
    b.halt({ nosync: true });
    expect([typeof second, closed(a, opened(a, '/dev/dk1', true))]).toEqual(['object', 'ok']);
    a.halt();
  });
});
