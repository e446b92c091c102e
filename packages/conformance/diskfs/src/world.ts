/** A simulated machine with one disk, and a kernel with one file system for it. */
import { type DiskImage, type DiskOptions, Sim, type SimDisk, type SimHost } from '@anykernel/host-sim';
import type { AnyComponent } from '@anykernel/lib-component';
import { type Kernel, type KernelOptions, type Sys, boot } from '@anykernel/rumpkern';
import { type Mount, type Vfs, rumpvfs, etfsRegister } from '@anykernel/rumpvfs';

/** A file system whose volumes have `F` as their state in core. */
export interface Subject {
  readonly component: AnyComponent;
  /** Its type, for mount(2). */
  readonly type: string;
  /** How its disks are, where nothing else is said. */
  readonly disk?: DiskOptions;
  /** Flags of mount(2), always. */
  readonly flags?: number;
}

export interface World<F> {
  readonly sim: Sim;
  readonly host: SimHost;
  readonly disk: SimDisk;
  readonly k: Kernel;
  readonly vfs: Vfs;
  /** A process of the superuser, in the root of the file system. */
  readonly root: ReturnType<Kernel['newproc']>;
  /** Its system calls. */
  readonly sys: Sys;
  mp(): Mount;
  /** The volume's state in core. */
  fs(): F;
  mount(flags?: number): void;
  unmount(): void;
  /** The disk's bytes, as they are. */
  bytes(): Uint8Array;
}

export interface WorldOptions {
  readonly seed?: number;
  readonly disk?: DiskOptions;
  readonly kernel?: KernelOptions;
  /** Parameters of the host, such as RUMP_NVNODES. */
  readonly params?: Readonly<Record<string, string>>;
  /** Arguments of the mount, besides the device. */
  readonly args?: object;
}

export interface Worlds<F> {
  /** A kernel with `image` as its disk, not mounted yet; /disk is the device, /mnt the place. */
  world(image: Uint8Array | DiskImage, options?: WorldOptions): World<F>;
  /** As world(), mounted on /mnt, which is where its process is. */
  mounted(image: Uint8Array | DiskImage, options?: WorldOptions, flags?: number): World<F>;
}

/** What makes machines with this file system. */
export function worlds<F>(subject: Subject): Worlds<F> {
  const world = (image: Uint8Array | DiskImage, options: WorldOptions = {}): World<F> => machine<F>(subject, image, options);
  return {
    world,
    mounted(image, options = {}, flags = 0) {
      const w = world(image, options);
      w.mount(flags);
      return w;
    },
  };
}

function machine<F>(subject: Subject, image: Uint8Array | DiskImage, options: WorldOptions): World<F> {
  const sim = new Sim({ seed: options.seed ?? 1 });
  const host = sim.host({ params: options.params });
  const disk = sim.disk('disk', { ...(image instanceof Uint8Array ? { bytes: image } : { image }), ...subject.disk, ...options.disk });
  const k = boot(host, [subject.component], options.kernel);
  const root = k.newproc({ comm: 'test' });
  const { sys } = root;
  const vfs = k.modules.use(rumpvfs);
  etfsRegister(vfs, '/disk', 'disk', 'blk');
  sys.mkdir('/mnt', 0o755);
  const mp = (): Mount => {
    const found = vfs.mounts.find((m) => m.onName === '/mnt');
    if (found === undefined) throw new Error('nothing is mounted');
    return found;
  };
  return {
    sim, host, disk, k, vfs, root, sys, mp,
    fs: () => mp().data as F,
    mount(flags = 0) {
      sys.mount(subject.type, '/mnt', (subject.flags ?? 0) | flags, { fspec: '/disk', ...options.args });
      sys.chdir('/mnt');
    },
    unmount() {
      sys.chdir('/');
      sys.unmount('/mnt', 0);
    },
    bytes: () => disk.snapshot().bytes(),
  };
}

/** The system calls, each made again where it would have had to wait, after the next event of the simulation. */
export function patient(w: World<unknown>): Sys {
  return new Proxy(w.sys, {
    get(sys, name) {
      const call = (sys as unknown as Record<string | symbol, (...args: unknown[]) => unknown>)[name];
      return (...args: unknown[]): unknown => {
        for (let i = 0; i < 100_000; i++) {
          try {
            return call.apply(sys, args);
          } catch (e) {
            if ((e as Error).name !== 'WouldSleep') throw e;
            if (!w.sim.step()) throw new Error(`${String(name)} waits for nothing`);
          }
        }
        throw new Error(`${String(name)} waits for ever`);
      };
    },
  });
}
