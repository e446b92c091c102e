/** The component `rumpdev`: its state is the kernel's Rumpdev. */
import { type Component, component } from '@anykernel/lib-component';
import { ERR } from '@anykernel/lib-sys';
import { type Kernel, rumpkern } from '@anykernel/rumpkern';
import { Autoconf } from './autoconf.js';
import { Disks } from './diskdev.js';
import { IOSTAT_LEN } from './iostat.js';

/** The dev faction's state in one kernel. */
export class Rumpdev {
  readonly k: Kernel;
  readonly autoconf: Autoconf = new Autoconf();
  readonly disks: Disks = new Disks();
  readonly #detach: (() => void)[];

  constructor(k: Kernel) {
    this.k = k;
    this.#detach = [
      k.sysctl.attach('hw.disknames', { type: 'string', num: 8, description: 'disks', get: () => this.#diskNames() }),
      k.sysctl.attach('hw.iostats', { type: 'struct', num: 9, description: 'statistics of disks', rest: true, get: () => this.#iostats() }),
      k.sysctl.attach('hw.iostatnames', { type: 'string', description: 'devices with statistics', get: () => this.#diskNames() }),
      k.sysctl.attach('hw.devices', { type: 'string', description: 'devices that have attached', get: () => this.#deviceLines() }),
    ];
  }

  #diskNames(): string {
    return [...this.disks].map((disk) => disk.name).join(' ');
  }

  /** struct io_sysctl for each disk. */
  #iostats(): Uint8Array {
    const all = new Uint8Array(this.disks.count * IOSTAT_LEN);
    let at = 0;
    for (const disk of this.disks) {
      disk.stats.emit(all, at);
      at += IOSTAT_LEN;
    }
    return all;
  }

  /** A line for each device: `mainbus0`, `sd0 at scsibus0`. */
  #deviceLines(): string {
    return this.autoconf.list().map((dev) => (dev.parent === undefined ? dev.name : `${dev.name} at ${dev.parent}`)).join('\n');
  }

  /** The kernel lets it go. EBUSY: there are devices, or disks. */
  release(): void {
    if (this.autoconf.list().length > 1 || this.disks.count > 0) throw ERR.EBUSY;
    for (const detach of this.#detach) detach();
  }
}

/** Devices: autoconfiguration, and what disks have in common. */
export const rumpdev: Component<Rumpdev, readonly [typeof rumpkern]> = component({
  name: 'rumpdev',
  class: 'faction',
  requires: [rumpkern],
  attach(k) {
    return new Rumpdev(k.use(rumpkern));
  },
  detach(_k, state) {
    state.release();
  },
});
