/** The smallest useful stack: a kernel with a memory file system, on Node. */
import { hostNode } from '@anykernel/host-node';
import { O_CREAT, O_RDWR } from '@anykernel/lib-sys';
import { boot } from '@anykernel/rumpkern';
import { tmpfs } from '@anykernel/tmpfs';

const k = boot(hostNode(), [tmpfs]);
const { sys } = k.proc1;

sys.mkdir('/mnt', 0o755);
sys.mount('tmpfs', '/mnt', 0, { size: 1 << 20 });
const fd = sys.open('/mnt/hello', O_CREAT | O_RDWR, 0o644);
sys.write(fd, new Uint8Array([104, 105]));
const back = new Uint8Array(8);
const len = sys.pread(fd, back, 0);
sys.close(fd);
if (len !== 2 || back[0] !== 104) throw new Error(`read ${len} bytes back`);
if (sys.stat('/mnt/hello').size !== 2) throw new Error('stat says another size');
k.halt();
