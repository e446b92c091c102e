/**
 * Autoconfiguration, as far as pseudo devices need it: drivers, and the tree of the devices that they have attached to.
 *
 * A driver makes itself known by cfattach(). A device is a driver's unit (`md0`) on a parent: a bus that found it, or, for pseudo devices,
 * nothing but the root. What a driver keeps of a device is its softc. Detaching goes from the leaves up, and is refused while one is in use.
 */
import { ERR } from '@anykernel/lib-sys';

/** A driver. */
export interface Cfattach<S = unknown> {
  /** Its name, to which a unit's number is appended: `md`. */
  readonly name: string;
  /** Makes the device ready; `aux` is what its bus says of it. The result is the softc. An exception: there is no such device. */
  attach(self: Device<S>, aux: unknown): S;
  /** Undoes it. EBUSY: it is in use, and `force` is not set. Without this function a device stays. */
  detach?(self: Device<S>, force: boolean): void;
}

/** A device that a driver has attached to. */
export class Device<S = unknown> {
  /** `md0`. */
  readonly name: string;
  /** The driver's own. */
  softc: S | undefined = undefined;
  readonly children = new Set<Device>();

  constructor(
    readonly driver: Cfattach<S>,
    readonly unit: number,
    readonly parent: Device | undefined,
  ) {
    this.name = `${driver.name}${unit}`;
  }
}

/** What list() tells of a device. */
export interface DeviceInfo {
  readonly name: string;
  readonly driver: string;
  readonly unit: number;
  /** undefined: the root, or a pseudo device, which is on nothing. */
  readonly parent: string | undefined;
}

const MAINBUS: Cfattach = { name: 'mainbus', attach: () => undefined };

export class Autoconf {
  /** The root of the device tree. Busses attach to it. */
  readonly root: Device = new Device(MAINBUS, 0, undefined);
  readonly #drivers = new Map<string, Cfattach>();
  readonly #devices = new Map<string, Device>([[this.root.name, this.root]]);

  /** Makes a driver known. EEXIST: there is one of that name. */
  cfattach(driver: Cfattach): void {
    if (this.#drivers.has(driver.name) || driver.name === MAINBUS.name) throw ERR.EEXIST;
    this.#drivers.set(driver.name, driver);
  }

  /** Forgets a driver. EBUSY: it has devices. ENXIO: it is not known. */
  cfdetach(driver: Cfattach): void {
    if (this.#drivers.get(driver.name) !== driver) throw ERR.ENXIO;
    for (const dev of this.#devices.values()) if (dev.driver === driver) throw ERR.EBUSY;
    this.#drivers.delete(driver.name);
  }

  /** A pseudo device of driver `name`: unit `unit`, or the first free one. ENXIO: no such driver. EEXIST. What attach() throws. */
  attachPseudo(name: string, unit?: number, aux?: unknown): Device {
    return this.#attach(undefined, name, unit, aux);
  }

  /** A bus has found a device that driver `name` serves. ENXIO: no such driver. What attach() throws. */
  found(parent: Device, name: string, aux?: unknown): Device {
    if (this.#devices.get(parent.name) !== parent) throw ERR.ENXIO;
    return this.#attach(parent, name, undefined, aux);
  }

  #attach(parent: Device | undefined, name: string, unit: number | undefined, aux: unknown): Device {
    const driver = this.#drivers.get(name);
    if (driver === undefined) throw ERR.ENXIO;
    const dev = new Device(driver, unit ?? this.#freeUnit(name), parent);
    if (this.#devices.has(dev.name)) throw ERR.EEXIST;
    this.#devices.set(dev.name, dev);
    try {
      dev.softc = driver.attach(dev, aux);
    } catch (e) {
      this.#devices.delete(dev.name);
      throw e;
    }
    parent?.children.add(dev);
    return dev;
  }

  #freeUnit(name: string): number {
    let unit = 0;
    while (this.#devices.has(`${name}${unit}`)) unit++;
    return unit;
  }

  /**
   * Takes a device out, with those that hang on it. EBUSY: one is in use, and `force` is not set; those below it are gone then.
   * EOPNOTSUPP: its driver cannot let it go. ENXIO: it is gone already.
   */
  detach(dev: Device, force = false): void {
    if (this.#devices.get(dev.name) !== dev) throw ERR.ENXIO;
    if (dev.driver.detach === undefined) throw ERR.EOPNOTSUPP;
    for (const child of [...dev.children]) this.detach(child, force);
    dev.driver.detach(dev, force);
    dev.parent?.children.delete(dev);
    this.#devices.delete(dev.name);
  }

  /** The device of that name, or undefined. */
  find(name: string): Device | undefined {
    return this.#devices.get(name);
  }

  /** The devices of a driver, by unit. */
  devicesOf(driver: Cfattach): Device[] {
    return [...this.#devices.values()].filter((dev) => dev.driver === driver).sort((a, b) => a.unit - b.unit);
  }

  /** All devices, in the order in which they came. */
  list(): DeviceInfo[] {
    return [...this.#devices.values()].map((dev) => ({ name: dev.name, driver: dev.driver.name, unit: dev.unit, parent: dev.parent?.name }));
  }
}
