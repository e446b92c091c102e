/**
 * The dev faction: autoconfiguration, and what disks have in common.
 */
export { Rumpdev, rumpdev } from './component.js';
export { Autoconf, type Cfattach, Device, type DeviceInfo } from './autoconf.js';
export { DiskDev, type DiskDriver, type DiskInfo, Disks } from './diskdev.js';
export { DiskSwitch, type DiskUnits } from './diskswitch.js';
export { IOSTAT_LEN, Iostat } from './iostat.js';
