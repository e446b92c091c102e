/** The character devices that every kernel with files has: null, zero, random, urandom, console. */
import { bytestrOf, fromBytestr } from '@anykernel/lib-bytes';
import { ERR, Errno, EVFILT_READ, EVFILT_WRITE, O_NONBLOCK, POLLIN, POLLOUT, POLLRDNORM } from '@anykernel/lib-sys';
import { type Cdevsw, type Kernel, Klist, type Knote, type Lwp, Selinfo, type Uio, knoteAttach, makedev, minor, selrecord } from '@anykernel/rumpkern';

const CONS_MAJOR = 0;
const MEM_MAJOR = 2;
const RND_MAJOR = 46;
const NULL_MINOR = 2;
const ZERO_MINOR = 12;
/** Bytes that one step of a transfer prepares. */
const CHUNK = 4096;
/** Bytes of typed input that are kept for a reader. */
const INPUT_MAX = 65536;
const READY = POLLIN | POLLRDNORM | POLLOUT;

/** Attaches the drivers and announces their names. */
export function attachCdevs(k: Kernel): void {
  k.devsw.attach(undefined, mem, undefined, MEM_MAJOR);
  k.devsw.attach(undefined, rnd, undefined, RND_MAJOR);
  k.devsw.attach(undefined, consoleDriver(k), undefined, CONS_MAJOR);
  k.devsw.announce('null', 'chr', makedev(MEM_MAJOR, NULL_MINOR));
  k.devsw.announce('zero', 'chr', makedev(MEM_MAJOR, ZERO_MINOR));
  k.devsw.announce('random', 'chr', makedev(RND_MAJOR, 0));
  k.devsw.announce('urandom', 'chr', makedev(RND_MAJOR, 1));
  k.devsw.announce('console', 'chr', makedev(CONS_MAJOR, 0), 0o600);
}

function nothing(): void {}
function notTty(): number {
  throw ERR.ENOTTY;
}
function alwaysReady(_dev: number, kn: Knote): void {
  if (kn.filter !== EVFILT_READ && kn.filter !== EVFILT_WRITE) throw ERR.EINVAL;
  knoteAttach(kn, new Klist(), () => true);
}
function swallow(uio: Uio): void {
  for (let buf = uio.peek(uio.resid); buf !== undefined; buf = uio.peek(uio.resid)) uio.skip(buf.length);
}
const always = (_dev: number, events: number): number => events & READY;

const mem: Cdevsw = {
  name: 'mem',
  open(dev: number): void {
    if (minor(dev) !== NULL_MINOR && minor(dev) !== ZERO_MINOR) throw ERR.ENXIO;
  },
  close: nothing,
  read(dev: number, uio: Uio): void {
    if (minor(dev) === ZERO_MINOR) uio.moveZeros(uio.resid);
  },
  write(_dev: number, uio: Uio): void {
    swallow(uio);
  },
  ioctl: notTty,
  poll: always,
  kqfilter: alwaysReady,
};

const rnd: Cdevsw = {
  name: 'rnd',
  open(dev: number): void {
    if (minor(dev) > 1) throw ERR.ENXIO;
  },
  close: nothing,
  read(_dev: number, uio: Uio, l: Lwp): void {
    for (let buf = uio.peek(CHUNK); buf !== undefined; buf = uio.peek(CHUNK)) {
      l.k.host.getrandom(buf);
      uio.skip(buf.length);
    }
  },
  /** The host has its own sources. */
  write(_dev: number, uio: Uio): void {
    swallow(uio);
  },
  ioctl: notTty,
  poll: always,
  kqfilter: alwaysReady,
};

/** What is typed is read as it comes; the host has edited it. */
function consoleDriver(k: Kernel): Cdevsw {
  const input: Uint8Array[] = [];
  const sel = new Selinfo();
  let len = 0;
  let opens = false;
  /** The host has no input, or no more. */
  let ended = false;
  const typed = (bytes: Uint8Array): void =>
    k.intr(() => {
      if (bytes.length === 0) ended = true;
      else if (len + bytes.length <= INPUT_MAX) {
        input.push(bytes.slice());
        len += bytes.length;
      }
      k.wakeup(input);
      sel.notify();
    });
  return {
    name: 'cons',
    open(): void {
      if (opens) return;
      opens = true;
      try {
        k.host.consoleInput(typed);
      } catch (e) {
        if (!(e instanceof Errno)) throw e;
        ended = true;
      }
    },
    close(): void {
      opens = false;
      if (!ended) k.host.consoleInput(undefined);
    },
    read(_dev: number, uio: Uio, _l: Lwp, flag: number): void {
      const first = input[0];
      if (first === undefined) {
        if (ended || uio.resid === 0) return;
        if ((flag & O_NONBLOCK) !== 0) throw ERR.EAGAIN;
        return k.sleep(input);
      }
      const moved = uio.move(first, 0, first.length);
      len -= moved;
      if (moved === first.length) input.shift();
      else input[0] = first.subarray(moved);
    },
    write(_dev: number, uio: Uio): void {
      for (let buf = uio.peek(CHUNK); buf !== undefined; buf = uio.peek(CHUNK)) {
        k.host.putchars(fromBytestr(bytestrOf(buf)));
        uio.skip(buf.length);
      }
    },
    ioctl: notTty,
    poll(_dev: number, events: number, l: Lwp): number {
      const now = events & (len > 0 || ended ? READY : POLLOUT);
      if (now === 0) selrecord(l, sel);
      return now;
    },
    kqfilter(_dev: number, kn: Knote): void {
      if (kn.filter === EVFILT_WRITE) return knoteAttach(kn, sel.klist, () => true);
      if (kn.filter !== EVFILT_READ) throw ERR.EINVAL;
      knoteAttach(kn, sel.klist, (it) => {
        it.data = len;
        return len > 0 || ended;
      });
    },
  };
}
