/** File handles: getfh(2), fhopen(2), fhstat(2). NetBSD t_vfsops tfilehandle, tfhremove, tfhinval. */
import { O_RDONLY, O_RDWR } from '@anykernel/lib-sys';
import { expect } from '@jest/globals';
import { type Cases, needing } from '../cases.js';
import { USER, codeOf, fails, text } from '../context.js';

export const handles: Cases = {
  'a handle opens its file, whatever it is called by then': needing('handles', (t) => {
    t.write('f', 'text');
    const fh = t.sys.getfh('f');
    expect(t.sys.fhstat(fh).ino).toBe(t.stat('f').ino);
    t.sys.mkdir('d', 0o755);
    if (!t.lacks('rename')) t.sys.rename('f', 'd/g');
    const fd = t.sys.fhopen(fh, O_RDONLY);
    const buf = new Uint8Array(10);
    expect(text(buf.subarray(0, t.sys.read(fd, buf)))).toBe('text');
    t.sys.close(fd);
  }),

  'directories have handles': needing('handles', (t) => {
    t.sys.mkdir('d', 0o755);
    t.touch('d/f');
    const fd = t.sys.fhopen(t.sys.getfh('d'), O_RDONLY);
    expect(t.sys.fstatat(fd, 'f').ino).toBe(t.stat('d/f').ino);
    t.sys.close(fd);
  }),

  'the handle of a removed file is stale, also when its number is used again': needing('handles', (t) => {
    t.touch('f');
    const fh = t.sys.getfh('f');
    t.sys.unlink('f');
    fails(() => t.sys.fhopen(fh, O_RDONLY), 'ESTALE');
    fails(() => t.sys.fhstat(fh), 'ESTALE');
    for (let i = 0; i < 50; i++) t.touch(`g${i}`);
    fails(() => t.sys.fhopen(fh, O_RDONLY), 'ESTALE');
  }),

  'handles that are none are refused': needing('handles', (t) => {
    t.touch('f');
    const good = t.sys.getfh('f');
    for (let i = 0; i < good.length; i++) {
      for (const flip of [0x01, 0x80, 0xff]) {
        const bad = good.slice();
        bad[i] ^= flip;
        const code = codeOf(() => t.sys.fhopen(bad, O_RDWR));
        if (code === undefined) throw new Error(`the handle with byte ${i} changed opens a file`);
        expect(['ESTALE', 'EINVAL', 'ENOENT', 'EISDIR', 'EIO']).toContain(code);
      }
    }
    for (const len of [0, 1, good.length - 1, good.length + 1]) {
      const bad = new Uint8Array(len);
      bad.set(good.subarray(0, len));
      fails(() => t.sys.fhopen(bad, O_RDONLY), 'EINVAL', 'ESTALE');
    }
  }),

  'handles are for the superuser': needing('handles', (t) => {
    t.touch('f');
    fails(() => t.as(USER).getfh('f'), 'EPERM');
    fails(() => t.as(USER).fhopen(t.sys.getfh('f'), O_RDONLY), 'EPERM');
  }),
};
