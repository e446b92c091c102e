/** A kernel with local sockets in a simulation. */
import { type SimHost, hostSim } from '@anykernel/host-sim';
import type { AnyComponent } from '@anykernel/lib-component';
import { AF_LOCAL, type Msghdr, SOCK_STREAM, sockaddrUn } from '@anykernel/lib-sys';
import { type Kernel, type Proc, SystemError, boot } from '@anykernel/rumpkern';
import { rumpnet } from '@anykernel/rumpnet';
import { local } from '../src/index.js';

export class Rig {
  readonly host: SimHost = hostSim();
  readonly k: Kernel;
  readonly p: Proc;

  constructor(...more: readonly AnyComponent[]) {
    this.k = boot(this.host, [local, ...more]);
    this.p = this.k.newproc();
  }

  socket(type: number = SOCK_STREAM, p: Proc = this.p): number {
    return p.sys.socket(AF_LOCAL, type, 0);
  }

  bound(path: string, type: number = SOCK_STREAM, p: Proc = this.p): number {
    const fd = this.socket(type, p);
    p.sys.bind(fd, sockaddrUn(path));
    return fd;
  }

  pair(type: number = SOCK_STREAM): [number, number] {
    return this.p.sys.socketpair(AF_LOCAL, type, 0);
  }

  get inflight(): number {
    return this.k.modules.use(local).rights.count;
  }

  get sockets(): number {
    return this.k.modules.use(rumpnet).sockets();
  }
}

/** Receives a message with its ancillary data. */
export function recvmsg(p: Proc, fd: number, controlMax = 1000, flags = 0, len = 100): { text: string; control: Uint8Array; flags: number } {
  const hdr: Msghdr = { iov: [new Uint8Array(len)], controlMax };
  const n = p.sys.recvmsg(fd, hdr, flags);
  return { text: text(hdr.iov[0]!.subarray(0, n)), control: hdr.control ?? new Uint8Array(0), flags: hdr.flags ?? 0 };
}

export function bytes(s: string): Uint8Array {
  return Uint8Array.from(s, (c) => c.charCodeAt(0));
}

export function text(b: Uint8Array): string {
  return String.fromCharCode(...b);
}

export function codeOf(fn: () => unknown): string {
  try {
    fn();
    return 'ok';
  } catch (e) {
    if (e instanceof SystemError) return e.name === 'WouldSleep' ? 'WouldSleep' : e.code;
    throw e;
  }
}
