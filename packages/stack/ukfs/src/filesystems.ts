/** The file systems that are there to be mounted. Only those that a list of mounts asks for are loaded. */
import type { AnyComponent } from '@anykernel/lib-component';
import type { MountSpec } from '@anykernel/stack-boot';

type Load = () => Promise<AnyComponent>;

/** Those that live on a disk: with the type `auto` each looks whether an image is its own. */
const ON_DISKS: Readonly<Record<string, Load>> = {
  ext2fs: async () => (await import('@anykernel/ext2fs')).ext2fs,
  ffs: async () => (await import('@anykernel/ffs')).ffs,
  msdosfs: async () => (await import('@anykernel/msdosfs')).msdosfs,
  cd9660: async () => (await import('@anykernel/cd9660')).cd9660,
};

const ALL: Readonly<Record<string, Load>> = { ...ON_DISKS, tmpfs: async () => (await import('@anykernel/tmpfs')).tmpfs };

/** The components of what is to be mounted. A type that is not known here is for the caller's own components, or for autoload. */
export async function componentsFor(mounts: readonly MountSpec[]): Promise<AnyComponent[]> {
  const wanted = new Set<Load>();
  for (const { type } of mounts) {
    if (type === 'auto') for (const load of Object.values(ON_DISKS)) wanted.add(load);
    else if (Object.hasOwn(ALL, type)) wanted.add(ALL[type]);
  }
  return Promise.all([...wanted].map((load) => load()));
}
