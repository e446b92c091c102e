/** Records and lists of the calls on sockets: names and messages. */
import { ERR, IOV_MAX, type Mmsghdr, type Msghdr, type SocketName } from '@anykernel/lib-sys';
import { type RecordKind, type Records, type Sysent, bytesArg, fieldsIn, intIn, listIn } from '@anykernel/rumpkern';

/** The most messages of sendmmsg(2) and recvmmsg(2). */
const MMSG_MAX = 1024;

const name: RecordKind<SocketName, SocketName> = {
  in(v) {
    if (v === undefined) return undefined;
    fieldsIn(v);
    return { addr: undefined };
  },
  out(to, from, result) {
    to.addr = from.addr;
    return result;
  },
};

const msg: RecordKind<Msghdr, Msghdr> = {
  in: message,
  out(to, from, result, se) {
    fillMessage(se, to, from);
    return result;
  },
};

const msgs: RecordKind<readonly Mmsghdr[], readonly Mmsghdr[]> = {
  in: (v) => listIn(v, (m): Mmsghdr => ({ hdr: message(fieldsIn(m)['hdr']), len: 0 }), MMSG_MAX, ERR.EMSGSIZE),
  out(to, from, result, se) {
    for (let n = 0; n < (result as number); n++) {
      fillMessage(se, to[n].hdr, from[n].hdr);
      to[n].len = from[n].len;
    }
    return result;
  },
};

export const netRecords: Records = { 'name?': name, msg, msgs };

/** EMSGSIZE: more buffers than a message may have. */
function message(value: unknown): Msghdr {
  const { name, iov, control, controlMax, flags } = fieldsIn(value);
  return {
    name: name === undefined ? undefined : bytesArg(name),
    iov: listIn(iov, bytesArg, IOV_MAX, ERR.EMSGSIZE),
    control: control === undefined ? undefined : bytesArg(control),
    controlMax: controlMax === undefined ? undefined : intIn(controlMax),
    flags: intIn(flags ?? 0),
  };
}

/** What was received; nothing of a message that was sent. */
function fillMessage(se: Sysent, to: Msghdr, from: Msghdr): void {
  if (!se.name.startsWith('recv')) return;
  to.name = from.name;
  to.control = from.control;
  to.flags = from.flags;
}
