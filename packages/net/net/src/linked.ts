/**
 * Interfaces that are tied to something of the host's by a link string (`ifconfig shmif0 linkstr BUS`): what their drivers have in common.
 */
import { getU32le, putU32le } from '@anykernel/lib-bytes';
import { ERR, IFDRV_LEN, LINKSTR_MAX, SIOCGLINKSTR, SIOCSLINKSTR } from '@anykernel/lib-sys';
import type { Kernel } from '@anykernel/rumpkern';
import type { IfDriver, Ifnet } from './ifnet.js';
import type { Net } from './netstate.js';

/** Commands in struct ifdrv: how long the string is, and taking it away. */
export const IFLINKSTR_QUERYLEN = 0x01;
export const IFLINKSTR_UNSET = 0x02;

export interface LinkedDriver extends IfDriver {
  readonly ifp: Ifnet;
  /** What it is tied to; undefined: nothing. */
  readonly linkstr: string | undefined;
  /** EBUSY: it is tied to something. ENODEV: this host has nothing of that kind. Errors of the host. */
  link(name: string): void;
  unlink(): void;
}

/** SIOCSLINKSTR and SIOCGLINKSTR: struct ifdrv, and the text behind it. ENOENT: nothing to give. EFAULT: no room. EINVAL: no text. ENOTTY. */
export function linkstrIoctl(driver: LinkedDriver, cmd: number, data: Uint8Array): number {
  const subcmd = getU32le(data, 16);
  if (cmd === SIOCSLINKSTR) {
    if (subcmd === IFLINKSTR_UNSET) driver.unlink();
    else driver.link(textOf(data.subarray(IFDRV_LEN)));
    return 0;
  }
  if (cmd !== SIOCGLINKSTR) throw ERR.ENOTTY;
  const name = driver.linkstr;
  if (name === undefined) throw ERR.ENOENT;
  putU32le(data, 24, name.length + 1);
  if (subcmd === IFLINKSTR_QUERYLEN) return 0;
  if (data.length < IFDRV_LEN + name.length + 1) throw ERR.EFAULT;
  for (let i = 0; i <= name.length; i++) data[IFDRV_LEN + i] = i === name.length ? 0 : name.charCodeAt(i);
  return 0;
}

function textOf(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length && bytes[i] !== 0; i++) text += String.fromCharCode(bytes[i]);
  if (text === '' || text.length >= LINKSTR_MAX) throw ERR.EINVAL;
  return text;
}

/** The interfaces of one kind in one kernel: `<kind>0`, `<kind>1` ... */
export class LinkedIfs<D extends LinkedDriver> {
  readonly #drivers = new Map<Ifnet, D>();
  readonly #remove: () => void;

  constructor(
    readonly k: Kernel,
    readonly net: Net,
    readonly kind: string,
    make: (unit: number) => D,
  ) {
    this.#remove = net.cloner(kind, {
      create: (unit) => {
        const driver = make(unit);
        this.#drivers.set(driver.ifp, driver);
        return driver.ifp;
      },
      destroy: (ifp) => {
        this.#drivers.get(ifp)?.unlink();
        this.#drivers.delete(ifp);
      },
    });
  }

  /** Makes the next free interface, and ties it. Errors of link(): then there is no interface. */
  create(linkstr: string): Ifnet {
    let unit = 0;
    while (this.net.ifByName(`${this.kind}${unit}`) !== undefined) unit++;
    const name = `${this.kind}${unit}`;
    return this.k.run(() => {
      const ifp = this.net.create(name);
      try {
        this.#drivers.get(ifp)?.link(linkstr);
      } catch (e) {
        this.net.destroy(name);
        throw e;
      }
      return ifp;
    });
  }

  driverOf(ifp: Ifnet): D | undefined {
    return this.#drivers.get(ifp);
  }

  /** All go: the kernel lets go. EBUSY while it runs and there are some. */
  release(): void {
    const halting = this.k.procs.find(1) === undefined;
    if (this.#drivers.size > 0 && !halting) throw ERR.EBUSY;
    for (const ifp of [...this.#drivers.keys()]) this.net.destroy(ifp.name);
    this.#remove();
  }
}
