/** Files in memory: `node:fs`, synchronous too, without an image. */
import { hostBrowser } from '@anykernel/host-browser';
import { bootStack } from '@anykernel/stack-boot';
import { tmpfs } from '@anykernel/tmpfs';
import { type Ukfs, ukfs } from '@anykernel/ukfs';

/** The files of somebody with this user id; the root directory is everybody's. */
export function filesInMemory(uid: number): Ukfs {
  const k = bootStack(hostBrowser(), [tmpfs], [{ type: 'tmpfs', on: '/', options: ['size=64m', 'mode=01777'] }]);
  return ukfs(k.newproc({ uid, gid: uid }));
}
