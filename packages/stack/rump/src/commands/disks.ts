/** Commands about disks: part, disks. */
import { resolve } from 'node:path';
import { type Part, type Table, disk } from '@anykernel/disk';
import { hostNode } from '@anykernel/host-node';
import { toBytestr } from '@anykernel/lib-bytes';
import { Errno } from '@anykernel/lib-sys';
import type { Kernel } from '@anykernel/rumpkern';
import { probeType, rumpvfs } from '@anykernel/rumpvfs';
import { PartitionError, bootStack, deviceFor, findPart, partsOf } from '@anykernel/stack-boot';
import type { Context } from '../context.js';
import { PlaceError } from '../errors.js';
import { DISK_FILE_SYSTEMS } from '../filesystems.js';
import { columns, humanSize, shown } from '../format.js';
import { checkFile } from '../place.js';

/** A disk that is looked at: nothing on it is mounted. */
interface Looked {
  readonly kernel: Kernel;
  readonly size: number;
  readonly secsize: number;
  readonly table: Table | undefined;
  /** The block device of the whole disk, and those of its parts by number. */
  readonly key: string;
  readonly nodes: ReadonlyMap<string, string>;
}

/** Runs `body` with the disk in `file`. PlaceError: what is wrong with the file, or its table cannot be read. */
function withDisk(file: string, body: (d: Looked) => void): void {
  checkFile(file);
  const kernel = bootStack(hostNode(), [...DISK_FILE_SYSTEMS, disk], [], { verbose: false });
  try {
    const key = deviceFor(kernel, resolve(file));
    const { rdev } = kernel.proc1.sys.stat(key);
    const table = kernel.run(() => kernel.modules.use(disk).table(rdev, kernel.curlwp));
    const parts = kernel.run(() => kernel.devsw.media.parts(rdev, kernel.curlwp)) ?? [];
    const sw = kernel.devsw.bdev(rdev);
    body({ kernel, size: sw.psize(rdev), secsize: sw.secsize(rdev), table, key, nodes: new Map(parts.map((p) => [p.id, p.node])) });
  } catch (e) {
    if (e instanceof PartitionError) throw new PlaceError(e.message);
    throw e instanceof Errno ? new PlaceError(`${file}: the partition table cannot be read`) : e;
  } finally {
    kernel.halt({ nosync: true });
  }
}

function eachDisk(ctx: Context, operands: readonly string[], body: (file: string, d: Looked) => void): void {
  for (const file of operands) {
    try {
      withDisk(file, (d) => body(file, d));
    } catch (e) {
      ctx.complain(toBytestr(file), e);
    }
  }
}

/** A partition for programs. */
function record(file: string, t: Table, p: Part): object {
  const sectors = { start: p.off / t.secsize, sectors: p.size / t.secsize };
  const names = { label: p.label, uuid: p.uuid, flags: p.flags };
  return { disk: toBytestr(file), id: p.id, offset: p.off, size: p.size, ...sectors, type: p.type, code: p.code, ...names, fault: p.fault ?? null, container: p.container };
}

export function part(ctx: Context, operands: readonly string[], o: { readonly bytes?: boolean }): void {
  eachDisk(ctx, operands, (file, d) => {
    const { table } = d;
    if (table === undefined) throw new PlaceError(`${file}: has no partition table`);
    const unit = o.bytes === true ? 1 : table.secsize;
    const head = `${humanSize(d.size)}B, ${Math.floor(d.size / table.secsize)} sectors of ${table.secsize} bytes`;
    ctx.say(`${toBytestr(file)}: ${head}, ${table.scheme}${table.uuid === '' ? '' : ` ${table.uuid}`}`);
    const lines = columns([['Nr', 'Start', 'End', o.bytes === true ? 'Bytes' : 'Sectors', 'Size', 'Type', 'Name', 'Remarks'], ...table.parts.map((p) => row(p, unit))], [1, 2, 3, 4]);
    if (table.parts.length > 0) ctx.say(trimmed(lines[0]));
    for (const [i, p] of table.parts.entries()) ctx.put(record(file, table, p), trimmed(lines[i + 1]));
    for (const fault of table.faults) ctx.warn(`${toBytestr(file)}: ${fault}`);
  });
}

function trimmed(line: string | undefined): string {
  return (line ?? '').trimEnd();
}

function row(p: Part, unit: number): string[] {
  const end = p.size > 0 ? String((p.off + p.size) / unit - 1) : '-';
  const remarks = [...p.flags, ...(p.fault === undefined ? [] : [p.fault])].join(', ');
  return [p.id, String(p.off / unit), end, String(p.size / unit), humanSize(p.size), p.type, shown(p.label), remarks];
}

export function disks(ctx: Context, operands: readonly string[]): void {
  const rows: string[][] = [['Image', 'Size', 'Content', 'Type', 'Name']];
  const records: object[] = [];
  eachDisk(ctx, operands, (file, d) => {
    const name = toBytestr(file);
    const whole = d.table?.scheme ?? fsTypeOf(d.kernel, d.key) ?? '-';
    rows.push([name, humanSize(d.size), whole, '', '']);
    records.push({ image: name, size: d.size, sectorSize: d.secsize, content: whole, table: d.table?.scheme ?? null });
    for (const p of d.table?.parts ?? []) {
      const node = d.nodes.get(p.id);
      if (node === undefined) continue;
      const content = fsTypeOf(d.kernel, `/dev/${node}`) ?? '-';
      rows.push([`${name}@${p.id}`, humanSize(p.size), content, p.type, shown(p.label)]);
      records.push({ image: `${name}@${p.id}`, size: p.size, sectorSize: d.secsize, content, type: p.type, label: p.label, uuid: p.uuid });
    }
  });
  const lines = columns(rows, [1]);
  if (records.length > 0) ctx.say(trimmed(lines[0]));
  for (const [i, r] of records.entries()) ctx.put(r, trimmed(lines[i + 1]));
}

/** The type of the file system on a device; undefined: none that is known. */
function fsTypeOf(kernel: Kernel, fspec: string): string | undefined {
  try {
    return kernel.run(() => probeType(kernel.modules.use(rumpvfs), kernel.curlwp, { fspec }, new Map())).ops.name;
  } catch (e) {
    if (e instanceof Errno) return undefined;
    throw e;
  }
}

/** Where partition `wanted` is on its disk, in bytes. PlaceError: there is none. */
export function placeOfPart(file: string, wanted: string): { off: number; size: number } {
  let place = { off: 0, size: 0 };
  withDisk(file, ({ kernel, key }) => {
    const { off, size } = findPart(partsOf(kernel, kernel.proc1.sys.stat(key).rdev, file), wanted, file);
    place = { off, size };
  });
  return place;
}

/** Whether a file is a disk with partitions. What cannot be read has none. */
export function hasPartitions(file: string): boolean {
  let some = false;
  try {
    withDisk(file, ({ table }) => {
      some = (table?.parts.length ?? 0) > 0;
    });
  } catch (e) {
    if (!(e instanceof PlaceError)) throw e;
  }
  return some;
}
