/** The component `local`: its state is the kernel's Local. */
import { type Component, component } from '@anykernel/lib-component';
import { AF_LOCAL, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_STREAM } from '@anykernel/lib-sys';
import { type File, type Kernel, rumpkern } from '@anykernel/rumpkern';
import { type Domain, PR_ADDR, PR_ATOMIC, PR_CONNREQUIRED, PR_LISTEN, PR_RIGHTS, PR_WANTRCVD, rumpnet } from '@anykernel/rumpnet';
import { rumpvfs } from '@anykernel/rumpvfs';
import { localCtloutput } from './options.js';
import { Local } from './state.js';
import { attachLocalSysctl } from './sysctl.js';
import { localUsrreqs } from './usrreqs.js';

/** The domain of one kernel. */
function domainOf(state: Local): Domain {
  const usrreqs = localUsrreqs(state);
  const ctloutput = localCtloutput;
  const connected = PR_CONNREQUIRED | PR_LISTEN | PR_WANTRCVD | PR_RIGHTS;
  return {
    family: AF_LOCAL,
    name: 'local',
    protosw: [
      { type: SOCK_STREAM, protocol: 0, flags: connected, usrreqs, ctloutput },
      { type: SOCK_DGRAM, protocol: 0, flags: PR_ATOMIC | PR_ADDR | PR_RIGHTS, usrreqs, ctloutput },
      { type: SOCK_SEQPACKET, protocol: 0, flags: connected | PR_ATOMIC, usrreqs, ctloutput },
    ],
    externalize: (m, l, room, flags) => state.rights.externalize(m, l, room, flags),
    dispose: (m) => state.rights.dispose(m),
  };
}

/** A descriptor whose file is in flight, too, may have been the last way to it. Returns what ends the watching. */
function followClosing(k: Kernel, state: Local): () => void {
  const closed = (_fd: number, f: File): void => {
    if (state.rights.count > 0 && f.type === 'socket') state.rights.suspect(f, f.count - 1);
  };
  k.onFdClose.push(closed);
  return () => void k.onFdClose.splice(k.onFdClose.indexOf(closed), 1);
}

export const local: Component<Local, readonly [typeof rumpkern, typeof rumpnet, typeof rumpvfs]> = component({
  name: 'local',
  class: 'net',
  requires: [rumpkern, rumpnet, rumpvfs],
  provides: ['PF_LOCAL'],
  attach(kernel) {
    const k = kernel.use(rumpkern);
    const net = kernel.use(rumpnet);
    const state = new Local(k, net, kernel.use(rumpvfs));
    state.domain = domainOf(state);
    net.attachDomain(state.domain);
    state.onDetach.push(...attachLocalSysctl(k, state), followClosing(k, state));
    return state;
  },
  /** EBUSY: there are local sockets. */
  detach(kernel, state) {
    if (state.domain !== undefined) kernel.use(rumpnet).detachDomain(state.domain);
    for (const fn of state.onDetach) fn();
  },
});
