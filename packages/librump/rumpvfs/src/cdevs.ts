/** The character devices that every kernel with files has: null, zero, random, urandom, console. */
import { ERR, Errno, EVFILT_READ, EVFILT_WRITE, O_NONBLOCK, POLLIN, POLLOUT, POLLRDNORM } from '@anykernel/lib-sys';
import { type Cdevsw, type Kernel, Klist, type Knote, type Lwp, Selinfo, type Uio, consoleWrite, knoteAttach, makedev, minor, selrecord } from '@anykernel/rumpkern';

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
  k.devsw.attach(undefined, new Console(k).driver(), undefined, CONS_MAJOR);
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

/** The console. What is typed is read as it comes; the host has edited it. */
class Console {
  readonly #k: Kernel;
  readonly #input: Uint8Array[] = [];
  readonly #sel = new Selinfo();
  #len = 0;
  #opened = false;
  /** The host has no input, or no more. */
  #ended = false;

  constructor(k: Kernel) {
    this.#k = k;
  }

  driver(): Cdevsw {
    return {
      name: 'cons',
      open: () => this.#open(),
      close: () => this.#close(),
      read: (_dev, uio, _l, flag) => this.#read(uio, flag),
      write: (_dev, uio) => consoleWrite(this.#k, uio),
      ioctl: notTty,
      poll: (_dev, events, l) => this.#poll(events, l),
      kqfilter: (_dev, kn) => this.#kqfilter(kn),
    };
  }

  #typed(bytes: Uint8Array): void {
    if (bytes.length === 0) this.#ended = true;
    else if (this.#len + bytes.length <= INPUT_MAX) {
      this.#input.push(bytes.slice());
      this.#len += bytes.length;
    }
    this.#k.wakeup(this);
    this.#sel.notify();
  }

  #open(): void {
    if (this.#opened) return;
    this.#opened = true;
    try {
      this.#k.host.consoleInput((bytes) => this.#k.intr(() => this.#typed(bytes)));
    } catch (e) {
      if (!(e instanceof Errno)) throw e;
      this.#ended = true;
    }
  }

  #close(): void {
    this.#opened = false;
    if (!this.#ended) this.#k.host.consoleInput(undefined);
  }

  #read(uio: Uio, flag: number): void {
    const first = this.#input[0];
    if (first === undefined) {
      if (this.#ended || uio.resid === 0) return;
      if ((flag & O_NONBLOCK) !== 0) throw ERR.EAGAIN;
      this.#k.sleep(this);
    }
    const moved = uio.move(first, 0, first.length);
    this.#len -= moved;
    if (moved === first.length) this.#input.shift();
    else this.#input[0] = first.subarray(moved);
  }

  #poll(events: number, l: Lwp): number {
    const ready = events & (this.#len > 0 || this.#ended ? READY : POLLOUT);
    if (ready === 0) selrecord(l, this.#sel);
    return ready;
  }

  #kqfilter(kn: Knote): void {
    if (kn.filter === EVFILT_WRITE) knoteAttach(kn, this.#sel.klist, () => true);
    else if (kn.filter === EVFILT_READ) knoteAttach(kn, this.#sel.klist, (it) => this.#readable(it));
    else throw ERR.EINVAL;
  }

  #readable(kn: Knote): boolean {
    kn.data = this.#len;
    return this.#len > 0 || this.#ended;
  }
}
