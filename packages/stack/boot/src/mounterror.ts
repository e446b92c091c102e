/** What is wrong with a mount, as far as the kernel, the file system and the image can say it. */
import { type Errno, O_RDONLY, libuvMessage } from '@anykernel/lib-sys';
import { type Kernel, SystemError, WouldSleep } from '@anykernel/rumpkern';
import { type Vfs, rumpvfs } from '@anykernel/rumpvfs';
import { HEAD_LEN, foreignFormat } from './foreign.js';
import { type MountSpec, deviceFor } from './index.js';

/** A mount that failed: with an error's `code`, and a `reason` for people. */
export class MountError extends Error {
  override name = 'MountError';
  readonly syscall = 'mount';
  readonly code: string;
  /** NetBSD's number, positive. */
  readonly errno: number;
  /** Where it was to be. */
  readonly path: string;

  constructor(
    error: Errno,
    /** One clause, without names of what was mounted. */
    readonly reason: string,
    m: MountSpec,
    /** The image is of a kind that is known, and that nothing here mounts: the reason says which. */
    readonly foreign: boolean = false,
  ) {
    super(`${error.code}: ${reason}, mount '${m.source ?? m.type}' -> '${m.on}'`);
    this.code = error.code;
    this.errno = error.errno;
    this.path = m.on;
  }
}

/** Why mounting `m` failed with `error`. `before`: what the kernel had said by then. */
export function mountError(k: Kernel, m: MountSpec, error: Errno, before: string): MountError {
  const vfs = k.modules.use(rumpvfs);
  const foreign = error.code === 'ENODEV' ? foreignOn(k, m) : undefined;
  return new MountError(error, foreign ?? said(k, vfs, before) ?? reasonOf(k, vfs, m, error), m, foreign !== undefined);
}

/** What the image of `m` is instead; undefined also where its bytes are not at hand. */
function foreignOn(k: Kernel, m: MountSpec): string | undefined {
  if (m.source === undefined) return undefined;
  const { sys } = k.proc1;
  try {
    const fd = sys.open(deviceFor(k, m.source), O_RDONLY);
    try {
      const head = new Uint8Array(HEAD_LEN);
      return foreignFormat(head.subarray(0, sys.pread(fd, head, 0)));
    } finally {
      sys.close(fd);
    }
  } catch (e) {
    if (e instanceof SystemError || e instanceof WouldSleep) return undefined;
    throw e;
  }
}

/** What a file system said last of what it was to mount: `ext2fs: /dev/host/disk.img: inodes of 409 bytes`. */
function said(k: Kernel, vfs: Vfs, before: string): string | undefined {
  const text = k.msgbuf.text();
  const lines = (text.startsWith(before) ? text.slice(before.length) : text).trim().split('\n');
  const line = lines.findLast((l) => vfs.types.has(l.split(': ', 1)[0] as string));
  return line?.replace(/^\w+: /, '').replace(/^\/dev\/(host\/\S+|dk\d+): /, '');
}

function reasonOf(k: Kernel, vfs: Vfs, m: MountSpec, { code }: Errno): string {
  if (m.source !== undefined && k.host.getfileinfo(m.source)?.size === 0) return 'is empty';
  switch (code) {
    case 'ENODEV':
      return `no file system that is known here (${probing(vfs)})`;
    case 'EINVAL':
      if (m.source !== undefined) return 'is no such file system, or is damaged';
      return m.options === undefined || m.options.length === 0
        ? `${m.type} is on an image, and none is named`
        : `${m.type} has no such options, or they have other values: ${m.options.join(',')}`;
    case 'EBUSY':
      return 'is mounted for writing already, by this program or by another';
    case 'EROFS':
      return 'may only be read (option ro)';
    case 'EIO':
      return 'the file system is damaged, or its device fails';
    default:
      return libuvMessage(code);
  }
}

function probing(vfs: Vfs): string {
  return [...vfs.types].filter(([, t]) => t.ops.probe !== undefined).map(([name]) => name).join(', ');
}
