/** The system call of the sysctl tree. */
import type { Handlers, rumpkernCalls } from '@anykernel/lib-sys';
import type { Lwp } from '../proc.js';

export const sysctlCalls: Pick<Handlers<typeof rumpkernCalls, Lwp>, 'sysctl'> = {
  sysctl: (l, name, value) => l.k.sysctl.access(l, name, value),
};
