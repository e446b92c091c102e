/** Credentials that messages come with (SCM_CREDS): struct sockcred of their sender. */
import { CMSG_HDR_LEN, CMSG_LEN, SCM_CREDS, SOCKCRED_LEN, SOL_SOCKET, emitCmsg } from '@anykernel/lib-sys';
import { putU32le } from '@anykernel/lib-bytes';
import type { Lwp } from '@anykernel/rumpkern';
import { MT_CONTROL, type Mbuf, type Mbufs } from '@anykernel/rumpnet';

/** struct sockcred: process, user, effective user, group, effective group, count of groups, groups; 32 bits each. */
function emitSockcred(l: Lwp): Uint8Array {
  const { pid, cred } = l.proc;
  const b = new Uint8Array(SOCKCRED_LEN + 4 * cred.groups.length);
  [pid, cred.ruid, cred.euid, cred.rgid, cred.egid, cred.groups.length, ...cred.groups].forEach((value, i) => putU32le(b, 4 * i, value));
  return b;
}

/** `control` with the sender's credentials in front. ENOBUFS. */
export function withCreds(mbufs: Mbufs, control: Mbuf | undefined, l: Lwp): Mbuf {
  const cred = emitSockcred(l);
  const m = mbufs.get(CMSG_HDR_LEN + ((cred.length + 7) & ~7), 0);
  emitCmsg(m.buf, m.off, SOL_SOCKET, SCM_CREDS, cred);
  m.type = MT_CONTROL;
  m.len = m.pktlen = CMSG_LEN(cred.length);
  if (control !== undefined) mbufs.cat(m, control);
  return m;
}
