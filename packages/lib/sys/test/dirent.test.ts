import {
  DT_DIR,
  DT_REG,
  Dirent,
  direntReclen,
  direntSize,
  DTTOIF,
  emitDirent,
  IFTODT,
  MAXNAMLEN,
  parseDirent,
  parseDirents,
  S_IFDIR,
  S_IFWHT,
} from '@anykernel/lib-sys';

/** A name of `len` bytes with every value but NUL and '/' somewhere. */
function nameOf(len: number): string {
  let name = '';
  for (let i = 0; name.length < len; i++) {
    const byte = (i * 37 + len) & 0xff;
    if (byte !== 0 && byte !== 0x2f) name += String.fromCharCode(byte);
  }
  return name;
}

describe('directory entries', () => {
  test('a record is laid out as struct dirent', () => {
    const buf = new Uint8Array(24).fill(0xee);
    expect(emitDirent(buf, 0, 0x0102_0304_0506, DT_REG, 'abc')).toBe(24);
    expect(Buffer.from(buf).toString('hex')).toBe('0605040302010000' + '1800' + '0300' + '08' + '616263' + '0000000000000000');
  });

  test('what is packed is parsed again, for every length of a name', () => {
    const buf = new Uint8Array(640);
    for (let len = 0; len <= MAXNAMLEN; len++) {
      const entry = new Dirent(len * 0x1_0000_0001 + 1, DT_DIR, nameOf(len));
      const reclen = emitDirent(buf, 8, entry.ino, entry.type, entry.name);
      expect([reclen, reclen % 8]).toEqual([direntSize(len), 0]);
      expect(parseDirent(buf, 8)).toEqual(entry);
    }
  });

  test('a file number keeps its 53 bits', () => {
    const buf = new Uint8Array(64);
    for (const ino of [0, 1, 0xffff_ffff, 0x1_0000_0000, Number.MAX_SAFE_INTEGER]) {
      emitDirent(buf, 0, ino, DT_REG, 'x');
      expect(parseDirent(buf, 0)?.ino).toBe(ino);
    }
  });

  test('a record that does not fit is not begun', () => {
    for (const len of [0, 1, 2, 3, 10, 11, 255, 511]) {
      const size = direntSize(len);
      const buf = new Uint8Array(size + 3).fill(0xaa);
      for (let off = 4; off <= buf.length + 1; off++) expect(emitDirent(buf, off, 1, DT_REG, nameOf(len))).toBe(0);
      expect(buf.every((byte) => byte === 0xaa)).toBe(true);
      expect(emitDirent(buf, 3, 1, DT_REG, nameOf(len))).toBe(size);
    }
  });

  test('a name of 512 bytes is refused', () => {
    expect(emitDirent(new Uint8Array(1024), 0, 1, DT_REG, nameOf(512))).toBe(0);
  });

  test('a record cut short at any length is none', () => {
    const buf = new Uint8Array(direntSize(20));
    emitDirent(buf, 0, 7, DT_REG, nameOf(20));
    for (let len = 0; len < buf.length; len++) {
      expect(parseDirent(buf.subarray(0, len), 0)).toBeUndefined();
      expect(parseDirent(buf, 0, len)).toBeUndefined();
      expect(parseDirents(buf, len)).toEqual([]);
    }
    expect(parseDirents(buf)).toHaveLength(1);
  });

  test('lengths that contradict each other are refused', () => {
    const buf = new Uint8Array(64);
    emitDirent(buf, 0, 7, DT_REG, 'name');
    const changed = (at: number, value: number): number =>
      direntReclen(
        Uint8Array.from(buf, (byte, i) => (i === at ? value : byte)),
        0,
      );
    expect(direntReclen(buf, 0)).toBe(24);
    expect(changed(8, 0)).toBe(0);
    expect(changed(8, 23)).toBe(0);
    expect(changed(8, 72)).toBe(0);
    expect(changed(9, 0xff)).toBe(0);
    expect(changed(10, 12)).toBe(0);
    expect(changed(11, 2)).toBe(0);
    expect(direntReclen(buf, -8)).toBe(0);
    expect(direntReclen(buf, 0, 65)).toBe(0);
  });

  test('many records are parsed in order, and empty ones left out', () => {
    const buf = new Uint8Array(1024);
    let off = 0;
    for (const [ino, name] of [
      [1, '.'],
      [2, '..'],
      [0, 'gone'],
      [3, 'file'],
    ] as const)
      off += emitDirent(buf, off, ino, DT_REG, name);
    expect(parseDirents(buf, off).map((entry) => entry.name)).toEqual(['.', '..', 'file']);
  });

  test('types and modes lead to each other', () => {
    expect(IFTODT(S_IFDIR | 0o755)).toBe(DT_DIR);
    expect(DTTOIF(DT_DIR)).toBe(S_IFDIR);
    expect(DTTOIF(IFTODT(S_IFWHT))).toBe(S_IFWHT);
  });
});
