/** What an image is that no driver here knows: by the bytes at its beginning, so that people are told what to do instead. */

/** How far into an image the marks go. */
export const HEAD_LEN = 66 * 1024;

type Mark = readonly [off: number, bytes: string, what: string];

const packed = (name: string, tool: string): string => `is packed with ${name}: ${tool} it first`;
const machine = (name: string): string => `is a disk of a virtual machine (${name}): "qemu-img convert -O raw" makes an image of it`;
const unknown = (name: string): string => `has ${name} on it, for which there is no driver`;

/** The more a mark proves, the earlier it stands. Bytes as Latin-1. */
const MARKS: readonly Mark[] = [
  [0, '\xfd7zXZ\0', packed('xz', 'unxz')],
  [0, '\x28\xb5\x2f\xfd', packed('zstd', 'unzstd')],
  [0, '\x04"M\x18', packed('lz4', 'unlz4')],
  [0, 'BZh', packed('bzip2', 'bunzip2')],
  [0, '\x1f\x8b\x08', packed('gzip', 'gunzip')],
  [0, 'PK\x03\x04', packed('zip', 'unzip')],
  [0, '7z\xbc\xaf\x27\x1c', packed('7z', '"7z x"')],
  [257, 'ustar', 'is an archive of tar, and no disk'],
  [0, 'QFI\xfb', machine('qcow2')],
  [0, 'KDMV', machine('vmdk')],
  [0, '# Disk DescriptorFile', machine('vmdk')],
  [0, 'vhdxfile', machine('vhdx')],
  [0, 'conectix', machine('vhd')],
  [64, '\x7f\x10\xda\xbe', machine('vdi')],
  [0, 'LUKS\xba\xbe', 'is encrypted (LUKS)'],
  [3, 'NTFS    ', unknown('NTFS')],
  [3, 'EXFAT   ', unknown('exFAT')],
  [0, 'XFSB', unknown('XFS')],
  [0, 'hsqs', unknown('squashfs')],
  [32, 'NXSB', unknown('APFS')],
  [512, 'LABELONE', unknown('LVM')],
  [1024, 'H+', unknown('HFS+')],
  [1024, 'HX', unknown('HFS+')],
  [1024, '\x10\x20\xf5\xf2', unknown('F2FS')],
  [1024, '\xe2\xe1\xf5\xe0', unknown('EROFS')],
  [4086, 'SWAPSPACE2', 'is swap space'],
  [0x8001, 'BEA01', unknown('UDF')],
  [0x10040, '_BHRfS_M', unknown('btrfs')],
];

/** What the image with these first bytes (HEAD_LEN of them, or as many as there are) is, as a clause without its name; undefined: nothing that is known. */
export function foreignFormat(head: Uint8Array): string | undefined {
  return MARKS.find(([off, bytes]) => has(head, off, bytes))?.[2];
}

function has(head: Uint8Array, off: number, bytes: string): boolean {
  for (let i = 0; i < bytes.length; i++) if (head[off + i] !== bytes.charCodeAt(i)) return false;
  return true;
}
