import { expect, test } from '@jest/globals';
import { modeToType, typeToMode } from '../src/genfsbare.js';
import { VBLK, VCHR, VDIR, VFIFO, VLNK, VNON, VREG, VSOCK } from '../src/vnode.js';

test('types and the type bits of modes stand for each other; other bits are of no type', () => {
  for (const type of [VREG, VDIR, VBLK, VCHR, VLNK, VSOCK, VFIFO] as const) expect(modeToType(typeToMode(type) | 0o7777)).toBe(type);
  for (const mode of [0, 0o644, 0o030000, 0o170000]) expect(modeToType(mode)).toBe(VNON);
});
