/** A disk image made by mke2fs, written by a kernel with ext2fs, and judged by e2fsck. */
import { execFileSync } from 'node:child_process';
import { ext2fs } from '@anykernel/ext2fs';
import { hostNode } from '@anykernel/host-node';
import { O_CREAT, O_WRONLY } from '@anykernel/lib-sys';
import { bootStack } from '@anykernel/stack-boot';

const IMAGE = 'disk.img';
const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };

execFileSync('mke2fs', ['-q', '-t', 'ext2', IMAGE, '8192'], { env });
const k = bootStack(hostNode(), [ext2fs], [{ type: 'ext2fs', source: IMAGE, on: '/mnt' }]);
const { sys } = k.proc1;
sys.mkdir('/mnt/etc', 0o755);
const fd = sys.open('/mnt/etc/motd', O_CREAT | O_WRONLY, 0o644);
sys.write(fd, new Uint8Array(70_000).fill(46));
sys.close(fd);
if (sys.stat('/mnt/etc/motd').size !== 70_000) throw new Error('stat says another size');
k.halt();
execFileSync('e2fsck', ['-fn', IMAGE], { env });
