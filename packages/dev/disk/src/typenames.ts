/**
 * What types of partitions are called: for people, and in dk(4)'s words ('' where it has none).
 *
 * GUIDs from the UEFI specification, the Discoverable Partitions Specification, and the manual pages of gpt(8) of NetBSD and FreeBSD; numbers from
 * disklabel(5) and fdisk(8).
 */

export type TypeName = readonly [type: string, ptype: string];

const GPT: Readonly<Record<string, TypeName>> = {
  '0fc63daf-8483-4772-8e79-3d69d8477de4': ['Linux filesystem', 'ext2fs'],
  '0657fd6d-a4ab-43c4-84e5-0933c84b4f4f': ['Linux swap', 'swap'],
  'e6d6d379-f507-44c2-a23c-238f2a3df928': ['Linux LVM', ''],
  'a19d880f-05fc-4d3b-a006-743f0f84911e': ['Linux RAID', ''],
  '933ac7e1-2eb4-4f13-b844-0e14e2aef915': ['Linux home', 'ext2fs'],
  '3b8f8425-20e0-4f3b-907f-1a25a76f98e8': ['Linux server data', 'ext2fs'],
  '4d21b016-b534-45c2-a9fb-5c16e091fd2d': ['Linux variable data', 'ext2fs'],
  '4f68bce3-e8cd-4db1-96e7-fbcaf984b709': ['Linux root (x86-64)', 'ext2fs'],
  '44479540-f297-41b2-9af7-d131d5f0458a': ['Linux root (x86)', 'ext2fs'],
  'b921b045-1df0-41c3-af44-4c6f280d3fae': ['Linux root (ARM-64)', 'ext2fs'],
  '69dad710-2ce4-4e3c-b16c-21a1d49abed3': ['Linux root (ARM)', 'ext2fs'],
  'bc13c2ff-59e6-4262-a352-b275fd6f7172': ['Linux extended boot', 'msdos'],
  'ca7d7ccb-63ed-4c53-861c-1742536059cc': ['Linux LUKS', ''],
  'c12a7328-f81f-11d2-ba4b-00a0c93ec93b': ['EFI System', 'msdos'],
  '21686148-6449-6e6f-744e-656564454649': ['BIOS boot', ''],
  '024dee41-33e7-11d3-9d69-0008c781f39f': ['MBR partition scheme', ''],
  'ebd0a0a2-b9e5-4433-87c0-68b6b72699c7': ['Microsoft basic data', 'msdos'],
  'e3c9e316-0b5c-4db8-817d-f92df00215ae': ['Microsoft reserved', ''],
  'de94bba4-06d1-4d40-a16a-bfd50179d6ac': ['Windows recovery environment', 'ntfs'],
  '49f48d32-b10e-11dc-b99b-0019d1879648': ['NetBSD swap', 'swap'],
  '49f48d5a-b10e-11dc-b99b-0019d1879648': ['NetBSD FFS', 'ffs'],
  '49f48d82-b10e-11dc-b99b-0019d1879648': ['NetBSD LFS', 'lfs'],
  '49f48daa-b10e-11dc-b99b-0019d1879648': ['NetBSD RAID', 'raidframe'],
  '2db519c4-b10f-11dc-b99b-0019d1879648': ['NetBSD concatenated', 'ccd'],
  '2db519ec-b10f-11dc-b99b-0019d1879648': ['NetBSD encrypted', 'cgd'],
  '516e7cb4-6ecf-11d6-8ff8-00022d09712b': ['FreeBSD disklabel', ''],
  '516e7cb5-6ecf-11d6-8ff8-00022d09712b': ['FreeBSD swap', 'swap'],
  '516e7cb6-6ecf-11d6-8ff8-00022d09712b': ['FreeBSD UFS', 'ffs'],
  '516e7cb8-6ecf-11d6-8ff8-00022d09712b': ['FreeBSD Vinum', ''],
  '516e7cba-6ecf-11d6-8ff8-00022d09712b': ['FreeBSD ZFS', 'zfs'],
  '83bd6b9d-7f41-11dc-be0b-001560b84f0f': ['FreeBSD boot', ''],
  '824cc7a0-36a8-11e3-890a-952519ad3f61': ['OpenBSD data', 'ffs'],
  '48465300-0000-11aa-aa11-00306543ecac': ['Apple HFS+', 'hfs'],
  '7c3457ef-0000-11aa-aa11-00306543ecac': ['Apple APFS', ''],
  '55465300-0000-11aa-aa11-00306543ecac': ['Apple UFS', 'appleufs'],
  '426f6f74-0000-11aa-aa11-00306543ecac': ['Apple boot', 'hfs'],
  '6a898cc3-1dd2-11b2-99a6-080020736631': ['ZFS', 'zfs'],
};

/** `code` is a GUID in lower case. */
export function gptType(code: string): TypeName {
  return Object.hasOwn(GPT, code) ? (GPT[code] as TypeName) : ['unknown', ''];
}

const MBR: Readonly<Record<number, TypeName>> = {
  0x01: ['FAT12', 'msdos'],
  0x04: ['FAT16 <32M', 'msdos'],
  0x05: ['Extended', ''],
  0x06: ['FAT16', 'msdos'],
  0x07: ['HPFS/NTFS/exFAT', 'ntfs'],
  0x0b: ['W95 FAT32', 'msdos'],
  0x0c: ['W95 FAT32 (LBA)', 'msdos'],
  0x0e: ['W95 FAT16 (LBA)', 'msdos'],
  0x0f: ["W95 Ext'd (LBA)", ''],
  0x11: ['Hidden FAT12', 'msdos'],
  0x14: ['Hidden FAT16 <32M', 'msdos'],
  0x16: ['Hidden FAT16', 'msdos'],
  0x17: ['Hidden HPFS/NTFS', 'ntfs'],
  0x1b: ['Hidden W95 FAT32', 'msdos'],
  0x1c: ['Hidden W95 FAT32 (LBA)', 'msdos'],
  0x27: ['Hidden NTFS WinRE', 'ntfs'],
  0x81: ['Minix', ''],
  0x82: ['Linux swap', 'swap'],
  0x83: ['Linux', 'ext2fs'],
  0x85: ['Linux extended', ''],
  0x8e: ['Linux LVM', ''],
  0xa5: ['FreeBSD', 'ffs'],
  0xa6: ['OpenBSD', 'ffs'],
  0xa8: ['Darwin UFS', 'appleufs'],
  0xa9: ['NetBSD', 'ffs'],
  0xaf: ['HFS / HFS+', 'hfs'],
  0xbf: ['Solaris', ''],
  0xee: ['GPT', ''],
  0xef: ['EFI', 'msdos'],
  0xfb: ['VMware VMFS', ''],
  0xfd: ['Linux raid autodetect', ''],
};

export function mbrType(code: number): TypeName {
  return MBR[code] ?? ['unknown', ''];
}

const BSD: readonly TypeName[] = [
  ['unused', 'unused'], ['swap', 'swap'], ['Version 6', ''], ['Version 7', 'v7fs'], ['System V', 'sysvbfs'], ['4.1BSD', ''], ['Eighth Edition', ''], ['4.2BSD', 'ffs'],
  ['MSDOS', 'msdos'], ['4.4LFS', 'lfs'], ['unknown', ''], ['HPFS', ''], ['ISO9660', 'cd9660'], ['boot', ''], ['ADOS', 'amigados'], ['HFS', 'hfs'],
  ['FILECORE', 'filecore'], ['Linux Ext2', 'ext2fs'], ['NTFS', 'ntfs'], ['RAID', 'raidframe'], ['ccd', 'ccd'], ['jfs2', ''], ['Apple UFS', 'appleufs'], ['vinum', ''],
  ['UDF', 'udf'], ['SysVBFS', 'sysvbfs'], ['EFS', ''], ['NiLFS', 'nilfs'], ['cgd', 'cgd'], ['MINIX FSv3', ''],
];

export function bsdType(code: number): TypeName {
  return BSD[code] ?? ['unknown', ''];
}

const APPLE: Readonly<Record<string, string>> = { Apple_HFS: 'hfs', Apple_HFSX: 'hfs', Apple_UFS: 'appleufs', Apple_UNIX_SVR2: 'ffs' };

/** The map has names for its types. */
export function appleType(code: string): TypeName {
  return [code, Object.hasOwn(APPLE, code) ? (APPLE[code] as string) : ''];
}
