/** A descriptor as an open file: read, write, ioctl, poll, kqueue, fstat, close. */
import { getU32le, getU64le, putU16le, putU32le, putU64le } from '@anykernel/lib-bytes';
import {
  BIOCFLUSH, BIOCGBLEN, BIOCGDIRECTION, BIOCGDLT, BIOCGDLTLIST, BIOCGETIF, BIOCGFEEDBACK, BIOCGHDRCMPLT, BIOCGRTIMEOUT, BIOCGSTATS, BIOCIMMEDIATE, BIOCLOCK,
  BIOCPROMISC, BIOCSBLEN, BIOCSDIRECTION, BIOCSDLT, BIOCSETF, BIOCSETIF, BIOCSETWF, BIOCSFEEDBACK, BIOCSHDRCMPLT, BIOCSRTIMEOUT, BIOCVERSION,
  BPF_DLTLIST_LEN, BPF_MAJOR_VERSION, BPF_MAXINSNS, BPF_MINBUFSIZE, BPF_MINOR_VERSION, BPF_PROGRAM_LEN, ERR, EVFILT_READ, FIONREAD, IOCPARM_LEN,
  O_NONBLOCK, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM, S_IFCHR, ifreq, ifreqName,
} from '@anykernel/lib-sys';
import { File, type Fileops, type Knote, type Lwp, knoteAttach, putInt, selrecord } from '@anykernel/rumpkern';
import { type Descriptor, directionOf } from './descriptor.js';
import type { Bpf } from './device.js';
import { type Filter, parseFilter } from './filter.js';

/** What may still be asked of a locked descriptor. */
const HARMLESS: ReadonlySet<number> = new Set([
  BIOCGBLEN, BIOCFLUSH, BIOCGDLT, BIOCGDLTLIST, BIOCGETIF, BIOCGRTIMEOUT, BIOCGSTATS, BIOCVERSION, BIOCGHDRCMPLT, FIONREAD, BIOCLOCK, BIOCSRTIMEOUT,
  BIOCIMMEDIATE, BIOCGDIRECTION, BIOCGFEEDBACK,
]);

/** The open file of a descriptor. */
export function bpfFile(bpf: Bpf, d: Descriptor, dev: number, flag: number, l: Lwp): File {
  const ops: Fileops = {
    name: 'bpf',
    read: (f, uio, lwp) => d.read(uio, (f.flag & O_NONBLOCK) !== 0, lwp),
    write: (_f, uio) => d.write(uio),
    ioctl: (_f, cmd, data) => control(bpf, d, cmd, data),
    poll: (_f, events, lwp) => poll(d, events, lwp),
    stat(_f, st): void {
      st.mode = S_IFCHR | 0o600;
      st.rdev = dev;
    },
    close: () => bpf.closed(d),
    kqfilter(_f, kn: Knote): void {
      if (kn.filter !== EVFILT_READ) throw ERR.EINVAL;
      knoteAttach(kn, d.sel.klist, (note) => {
        note.data = d.readable;
        if (note.data === 0) d.startTimer();
        return note.data > 0;
      });
    },
  };
  return new File('misc', ops, d, flag, l.proc.cred);
}

function poll(d: Descriptor, events: number, l: Lwp): number {
  let revents = events & (POLLOUT | POLLWRNORM);
  if ((events & (POLLIN | POLLRDNORM)) === 0) return revents;
  if (d.readable > 0) revents |= events & (POLLIN | POLLRDNORM);
  else {
    d.startTimer();
    selrecord(l, d.sel);
  }
  return revents;
}

/** EFAULT: less data than the command's. EPERM: the descriptor is locked. ENOTTY. Then as the command says. */
function control(bpf: Bpf, d: Descriptor, cmd: number, data: Uint8Array | undefined): number {
  if (d.locked && !HARMLESS.has(cmd)) throw ERR.EPERM;
  switch (cmd) {
    case BIOCFLUSH:
      d.reset();
      return 0;
    case BIOCPROMISC:
      d.setPromiscuous(d.ifp ?? missing());
      return 0;
    case BIOCLOCK:
      d.locked = true;
      return 0;
  }
  if (data === undefined || data.length < IOCPARM_LEN(cmd)) throw ERR.EFAULT;
  return get(d, cmd, data) ?? set(bpf, d, cmd, data);
}

/** EINVAL: there is no interface yet. */
function missing(): never {
  throw ERR.EINVAL;
}

/** undefined: not a command that only asks. */
function get(d: Descriptor, cmd: number, data: Uint8Array): number | undefined {
  switch (cmd) {
    case FIONREAD:
      return putInt(data, d.pending);
    case BIOCGBLEN:
      return putInt(data, d.bufsize);
    case BIOCGDLT:
      return putInt(data, d.ifp === undefined ? missing() : d.dlt);
    case BIOCGHDRCMPLT:
      return putInt(data, d.headerComplete ? 1 : 0);
    case BIOCGDIRECTION:
      return putInt(data, d.direction);
    case BIOCGFEEDBACK:
      return putInt(data, d.feedback ? 1 : 0);
    case BIOCGETIF:
      data.set(ifreq((d.ifp ?? missing()).name));
      return 0;
    case BIOCVERSION:
      putU16le(data, 0, BPF_MAJOR_VERSION);
      putU16le(data, 2, BPF_MINOR_VERSION);
      return 0;
    case BIOCGDLTLIST:
      return dltlist(d, data);
    case BIOCGRTIMEOUT:
      putU64le(data, 0, Math.floor(d.timeoutNs / 1e9));
      putU64le(data, 8, Math.floor((d.timeoutNs % 1e9) / 1000));
      return 0;
    case BIOCGSTATS:
      data.fill(0);
      putU64le(data, 0, d.received);
      putU64le(data, 8, d.dropped);
      putU64le(data, 16, d.captured);
      return 0;
    default:
      return undefined;
  }
}

/** struct bpf_dltlist: count 0; where there is room behind it, the link layers, too. ENOMEM: not enough. */
function dltlist(d: Descriptor, data: Uint8Array): number {
  if (d.ifp === undefined) missing();
  const { dlts } = d;
  if (data.length > BPF_DLTLIST_LEN) {
    if (getU32le(data, 0) < dlts.length || data.length < BPF_DLTLIST_LEN + 4 * dlts.length) throw ERR.ENOMEM;
    for (const [i, dlt] of dlts.entries()) putU32le(data, BPF_DLTLIST_LEN + 4 * i, dlt);
  }
  putU32le(data, 0, dlts.length);
  return 0;
}

function set(bpf: Bpf, d: Descriptor, cmd: number, data: Uint8Array): number {
  switch (cmd) {
    case BIOCSETIF: {
      const ifp = bpf.net.ifByName(ifreqName(data));
      if (ifp === undefined) throw ERR.ENXIO;
      d.attach(ifp);
      return 0;
    }
    case BIOCSBLEN:
      if (d.ifp !== undefined) throw ERR.EINVAL;
      d.bufsize = Math.min(Math.max(getU32le(data, 0), BPF_MINBUFSIZE), bpf.maxBufsize);
      return putInt(data, d.bufsize);
    case BIOCSETF:
      d.filter = filterOf(data);
      d.reset();
      return 0;
    case BIOCSETWF:
      d.writeFilter = filterOf(data);
      return 0;
    case BIOCIMMEDIATE:
      d.immediate = getU32le(data, 0) !== 0;
      return 0;
    case BIOCSHDRCMPLT:
      d.headerComplete = getU32le(data, 0) !== 0;
      return 0;
    case BIOCSFEEDBACK:
      d.feedback = getU32le(data, 0) !== 0;
      return 0;
    case BIOCSDIRECTION:
      d.direction = directionOf(getU32le(data, 0));
      return 0;
    case BIOCSDLT:
      if (!d.dlts.includes(getU32le(data, 0))) throw ERR.EINVAL;
      d.dlt = getU32le(data, 0);
      d.reset();
      return 0;
    case BIOCSRTIMEOUT:
      d.timeoutNs = timeout(data);
      return 0;
    default:
      throw ERR.ENOTTY;
  }
}

/** struct timeval: seconds 0[8], microseconds 8[8]. EINVAL: no time. */
function timeout(data: Uint8Array): number {
  const sec = getU64le(data, 0);
  const usec = getU64le(data, 8);
  if (sec > 0x7fff_ffff || usec >= 1e6) throw ERR.EINVAL;
  return sec * 1e9 + usec * 1000;
}

/** The filter behind struct bpf_program; undefined: of no instructions, which takes everything. EINVAL: no filter. */
function filterOf(data: Uint8Array): Filter | undefined {
  const count = getU32le(data, 0);
  if (count === 0) return undefined;
  const filter = count > BPF_MAXINSNS ? undefined : parseFilter(data, BPF_PROGRAM_LEN, count);
  if (filter === undefined) throw ERR.EINVAL;
  return filter;
}
