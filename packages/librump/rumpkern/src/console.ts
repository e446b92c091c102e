/** The console: descriptors 0, 1 and 2 of process 1, to write on. */
import { bytestrOf } from '@anykernel/lib-bytes';
import { ERR, POLLOUT, S_IFCHR, type Stat } from '@anykernel/lib-sys';
import { File, type Fileops, FREAD, FWRITE } from './filedesc.js';
import type { Kernel } from './kernel.js';
import type { Lwp } from './proc.js';
import type { Uio } from './uio.js';

/** Bytes written to the host at once. */
const CHUNK = 4096;

const consoleFileops: Fileops = {
  name: 'console',
  read: () => {
    throw ERR.EBADF;
  },
  write: (_f: File, uio: Uio, l: Lwp) => consoleWrite(l.k, uio),
  ioctl: () => {
    throw ERR.ENOTTY;
  },
  poll: (_f: File, events: number) => events & POLLOUT,
  stat(_f: File, st: Stat): void {
    st.mode = S_IFCHR | 0o600;
  },
  close: () => {
    // It is always there.
  },
  kqfilter: () => {
    throw ERR.EINVAL;
  },
};

/** Writes to the host's console, in pieces. EIO: it fails. */
export function consoleWrite(k: Kernel, uio: Uio): void {
  for (let bytes = uio.peek(CHUNK); bytes !== undefined; bytes = uio.peek(CHUNK)) {
    try {
      k.host.putchars(bytestrOf(bytes));
    } catch {
      throw ERR.EIO;
    }
    uio.skip(bytes.length);
  }
}

export function openConsole(l: Lwp): void {
  const f = new File('misc', consoleFileops, undefined, FWRITE & ~FREAD, l.proc.cred);
  for (let fd = 0; fd < 3; fd++) l.proc.fd.alloc(f, l.proc.limits.nofile);
}
