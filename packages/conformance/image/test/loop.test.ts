import { expect, test } from '@jest/globals';
import { hostSim } from '@anykernel/host-sim';
import { type AnyComponent, component } from '@anykernel/lib-component';
import { ERR } from '@anykernel/lib-sys';
import { boot } from '@anykernel/rumpkern';
import { VDIR, type Vfsops, Vnode, genfs, rumpvfs, etfsRegister, openDisk } from '@anykernel/rumpvfs';
import { type DamageOptions, damagedImages } from '../src/index.js';

/** What a driver makes of the bytes that it finds: an errno, nothing, or worse. */
type Reader = (b: Uint8Array) => void;

/** A file system which looks at its image when it is mounted, and is empty. */
function oddfs(read: Reader) {
  const ops: Vfsops = {
    name: 'oddfs',
    mount(mp, args, l) {
      const disk = openDisk(mp.vfs, l, (args as { fspec: string }).fspec, false);
      const b = new Uint8Array(512);
      disk.read([b], 0, () => undefined);
      disk.close(l);
      read(b);
      mp.data = {};
    },
    unmount(mp) {
      mp.data = undefined;
    },
    root: (mp) => (mp.rootvp ??= new Vnode(VDIR, { ...genfs, name: 'oddfs', lookup: () => undefined, getattr(_vp, st) { st.mode = 0o040755; } }, mp, {}, 1)),
    statvfs: () => undefined,
    sync: () => undefined,
  };
  const odd: AnyComponent = component({ name: 'oddfs', class: 'vfs', requires: [rumpvfs], attach: (k) => k.use(rumpvfs).vfsAttach(ops, odd), detach: (k) => k.use(rumpvfs).vfsDetach(ops) });
  return odd;
}

function options(read: Reader, more: Partial<DamageOptions> = {}): DamageOptions {
  return {
    name: 'oddfs',
    images: [new Uint8Array(512)],
    ranges: () => [[0, 8]],
    sources: '/packages/conformance/image/test/',
    start(image) {
      const host = hostSim();
      host.sim.disk('disk', { bytes: image, record: 'none' });
      const k = boot(host, [oddfs(read)]);
      etfsRegister(k.modules.use(rumpvfs), '/disk', 'disk', 'blk');
      return { k, type: 'oddfs', args: { fspec: '/disk' }, writable: false, allocated: () => host.allocated };
    },
    seed: 3,
    runs: 400,
    ...more,
  };
}

test('errnos are answers', () => {
  const report = damagedImages(options((b) => { if (b[0] !== 0) throw ERR.EINVAL; }, { runs: 60 }));
  expect(report.runs).toBe(60);
  expect(report.mounted).toBeGreaterThan(5);
  expect(report.mounted).toBeLessThan(60);
});

test('another exception is found, and named by seed and run', () => {
  expect(() => damagedImages(options((b) => { if (b[3] === 255) throw new TypeError('odd'); }))).toThrow(/oddfs, seed 3, run \d+/);
});

test('coverage leads to what lies behind several conditions', () => {
  const deep: Reader = (b) => {
    if (b[1] !== 0) { if (b[2] !== 0) { if (b[4] !== 0) { if (b[6] !== 0) throw new TypeError('deep'); } } }
  };
  expect(() => damagedImages(options(deep))).toThrow(/deep/);
});

test('a sound image that cannot be mounted is a mistake of the caller', () => {
  expect(() => damagedImages(options(() => { throw ERR.EIO; }))).toThrow(/a sound one is not taken/);
});
