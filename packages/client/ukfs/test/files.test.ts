/** What Node's suite of calls does not show: processes with their own rights, large files, many files, file handles, waiting. */
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { NodeSystemError } from '@anykernel/ukfs';
import { ukfs } from '@anykernel/ukfs';
import { type Subject, kernelOn } from './kernel.js';

let s: Subject;
beforeEach(() => {
  s = kernelOn('tmpfs, in the simulator');
});
afterEach(() => {
  s.k.halt();
});

function codeOf(fn: () => unknown): string | undefined {
  try {
    fn();
    return undefined;
  } catch (e) {
    return (e as NodeSystemError).code;
  }
}

test('util.promisify gives what it gives of node:fs', async () => {
  s.fs.writeFileSync('/f', 'text');
  const { exists } = s.fs;
  const [read, writev] = [s.fs.read, s.fs.writev].map((fn) => promisify(fn) as (...args: unknown[]) => Promise<unknown>);
  expect([await promisify(exists)('/f'), await promisify(exists)('/nothing')]).toEqual([true, false]);
  const fd = s.fs.openSync('/f', 'r+');
  const buf = new Uint8Array(2);
  expect(await read(fd, buf, 0, 2, 1)).toEqual({ bytesRead: 2, buffer: buf });
  expect(await writev(fd, [buf], 0)).toMatchObject({ bytesWritten: 2 });
  expect(s.fs.readFileSync('/f', 'utf8')).toBe('exxt');
  expect(codeOf(() => exists('/f', undefined as never))).toBe('ERR_INVALID_ARG_TYPE');
  s.fs.close(fd);
});

test('several may remove one tree at once', async () => {
  s.fs.mkdirSync('/t/a/b', { recursive: true });
  for (const name of ['x', 'y', 'z']) s.fs.writeFileSync(`/t/a/${name}`, name);
  await Promise.all([1, 2, 3].map(() => s.fs.promises.rm('/t', { recursive: true, force: true })));
  expect(s.fs.readdirSync('/')).toEqual([]);
});

test('arguments that would be taken for others are refused', () => {
  s.fs.writeFileSync('/f', 'text');
  for (const flag of [Number.NaN, 1.5, 2 ** 31]) expect(codeOf(() => s.fs.openSync('/f', flag))).toBe('ERR_OUT_OF_RANGE');
  const filter = (() => Promise.resolve(false)) as unknown as () => boolean;
  expect(codeOf(() => s.fs.cpSync('/f', '/g', { filter }))).toBe('ERR_INVALID_RETURN_VALUE');
  expect(s.fs.existsSync('/g')).toBe(false);
  expect(typeof s.fs.statfsSync('/', { bigint: true }).bsize).toBe('bigint');
});

describe('each process has its own rights', () => {
  test('a file of mode 600 is closed to another user, in every form', async () => {
    const owner = ukfs(s.k.newproc({ uid: 1000, gid: 1000 }));
    const other = ukfs(s.k.newproc({ uid: 1001, gid: 1001 }));
    owner.writeFileSync('/private', 'mine', { mode: 0o600 });
    expect(owner.readFileSync('/private', 'utf8')).toBe('mine');
    expect(codeOf(() => other.readFileSync('/private'))).toBe('EACCES');
    await expect(other.promises.readFile('/private')).rejects.toMatchObject({ code: 'EACCES', syscall: 'open', path: '/private' });
    const error = await new Promise((resolve) => other.readFile('/private', resolve));
    expect(error).toMatchObject({ code: 'EACCES', errno: -13 });
    expect(codeOf(() => other.accessSync('/private', other.constants.R_OK))).toBe('EACCES');
    expect(s.fs.readFileSync('/private', 'utf8')).toBe('mine');
  });

  test('a group may what its bits say, and a supplementary group counts', () => {
    s.fs.writeFileSync('/shared', 'ours');
    s.fs.chownSync('/shared', 0, 50);
    s.fs.chmodSync('/shared', 0o640);
    const member = ukfs(s.k.newproc({ uid: 1000, gid: 1000, groups: [50] }));
    expect(member.readFileSync('/shared', 'utf8')).toBe('ours');
    expect(codeOf(() => member.writeFileSync('/shared', 'x'))).toBe('EACCES');
  });

  test('only the owner changes the mode, only the superuser the owner', () => {
    const owner = ukfs(s.k.newproc({ uid: 1000, gid: 1000 }));
    const other = ukfs(s.k.newproc({ uid: 1001, gid: 1001 }));
    owner.writeFileSync('/f', '');
    owner.chmodSync('/f', 0o604);
    expect(codeOf(() => other.chmodSync('/f', 0o777))).toBe('EPERM');
    expect(codeOf(() => owner.chownSync('/f', 1001, 1001))).toBe('EPERM');
    expect(owner.statSync('/f').mode & 0o777).toBe(0o604);
  });

  test('umask, current directory and descriptors are one process’s affair', () => {
    const [a, b] = [s.k.newproc(), s.k.newproc()];
    a.sys.umask(0o077);
    const [fa, fb] = [ukfs(a), ukfs(b)];
    fa.mkdirSync('/a');
    fb.mkdirSync('/b');
    expect(fa.statSync('/a').mode & 0o777).toBe(0o700);
    expect(fb.statSync('/b').mode & 0o777).toBe(0o755);
    a.sys.chdir('/a');
    fa.writeFileSync('here', '1');
    expect(fb.existsSync('/a/here')).toBe(true);
    expect(fb.existsSync('here')).toBe(false);
    expect(fa.realpathSync('here')).toBe('/a/here');
    const fd = fa.openSync('here', 'r');
    expect(codeOf(() => fb.fstatSync(fd))).toBe('EBADF');
  });
});

describe('sizes', () => {
  test('a file may be sparse and longer than 2 GiB and than 4 GiB', () => {
    const { fs } = s;
    const fd = fs.openSync('/big', 'w+');
    for (const at of [2 ** 31 - 2, 2 ** 31, 2 ** 32 + 5, 2 ** 40]) {
      expect(fs.writeSync(fd, 'mark', at)).toBe(4);
      const buf = new Uint8Array(4);
      expect(fs.readSync(fd, buf, 0, 4, at)).toBe(4);
      expect(Buffer.from(buf).toString()).toBe('mark');
    }
    const st = fs.fstatSync(fd, { bigint: true });
    expect(st.size).toBe(2n ** 40n + 4n);
    expect(Number(st.blocks) * 512).toBeLessThan(1 << 20);
    fs.ftruncateSync(fd, 2 ** 33);
    expect(fs.fstatSync(fd).size).toBe(2 ** 33);
    fs.closeSync(fd);
  });

  test('a file of more than 2 GiB is not read whole, as in Node', () => {
    const { fs } = s;
    fs.writeFileSync('/big', '');
    fs.truncateSync('/big', 2 ** 31);
    expect(codeOf(() => fs.readFileSync('/big'))).toBe('ERR_FS_FILE_TOO_LARGE');
  });

  test('a directory of 3000 names is listed whole, and removed', () => {
    const { fs } = s;
    fs.mkdirSync('/many');
    const names = Array.from({ length: 3000 }, (_, i) => `name-${i}`);
    for (const name of names) fs.writeFileSync(`/many/${name}`, '');
    expect(fs.readdirSync('/many').sort()).toEqual([...names].sort());
    fs.rmSync('/many', { recursive: true });
    expect(fs.existsSync('/many')).toBe(false);
  });

  test('a file that grows while it is read is read to its end', () => {
    const { fs } = s;
    const data = Buffer.alloc(300_000, 'abc');
    fs.writeFileSync('/f', data);
    expect(data.equals(fs.readFileSync('/f'))).toBe(true);
  });
});

describe('names are bytes', () => {
  test('names that are no UTF-8 survive readdir, cp and rm', () => {
    const { fs } = s;
    const name = Buffer.from([0x2f, 0x64, 0x2f, 0xff, 0xfe, 0x41]);
    fs.mkdirSync('/d');
    fs.writeFileSync(name, 'odd');
    fs.cpSync('/d', '/copy', { recursive: true });
    expect(fs.readdirSync('/copy', 'buffer')).toEqual([Buffer.from([0xff, 0xfe, 0x41])]);
    fs.rmSync('/d', { recursive: true });
    fs.rmSync('/copy', { recursive: true });
    expect(fs.existsSync('/d') || fs.existsSync('/copy')).toBe(false);
  });

  test('a name may have 255 bytes, whatever their characters', () => {
    const { fs } = s;
    fs.writeFileSync(`/${'é'.repeat(127)}x`, '');
    expect(codeOf(() => fs.writeFileSync(`/${'é'.repeat(128)}`, ''))).toBe('ENAMETOOLONG');
  });

  test('a path may have 4095 bytes, as on Linux', () => {
    const { fs } = s;
    const long = `/${'d'.repeat(194)}`.repeat(21);
    fs.mkdirSync(long, { recursive: true });
    expect([long.length, fs.realpathSync(long) === long, codeOf(() => fs.statSync(`${long}/`))]).toEqual([4095, true, 'ENAMETOOLONG']);
  });

  test('trees are copied and removed, however deep', () => {
    const { fs } = s;
    fs.mkdirSync('/t/a'.padEnd(1000, '/a'), { recursive: true });
    fs.cpSync('/t', '/copy', { recursive: true });
    expect(fs.readdirSync('/copy', { recursive: true }).length).toBe(499);
    for (const top of ['/t', '/copy']) fs.rmSync(top, { recursive: true });
    expect(fs.readdirSync('/')).toEqual([]);
  });

  test('the deepest tree that has a path is made, listed, met by patterns and removed', async () => {
    const { fs } = s;
    const deepest = '/t'.padEnd(4094, '/a');
    expect(fs.mkdirSync(deepest, { recursive: true })).toBe('/t');
    expect(codeOf(() => fs.mkdirSync(`${deepest}/a`, { recursive: true }))).toBe('ENAMETOOLONG');
    const found = fs.globSync('/t/**');
    expect([found.length, found[0], found.at(-1)]).toEqual([2047, '/t', deepest]);
    expect((await fs.promises.readdir('/t', { recursive: true })).length).toBe(2046);
    await fs.promises.rm('/t', { recursive: true });
    expect(fs.readdirSync('/')).toEqual([]);
  });
});

describe('what is read the quick way is what the long way gives', () => {
  test('of files of all lengths, and of what is none', async () => {
    const { fs } = s;
    for (const len of [0, 1, 4096, 65_537, 1 << 20, (1 << 20) + 1]) {
      const bytes = Buffer.alloc(len, 'grüße');
      fs.writeFileSync('/f', bytes);
      for (const read of [fs.readFileSync('/f'), await fs.promises.readFile('/f'), fs.readFileSync('/f', { flag: 'r' })]) {
        expect(Buffer.isBuffer(read) && bytes.equals(read)).toBe(true);
      }
      const text = bytes.toString('base64');
      expect([fs.readFileSync('/f', 'base64') === text, (await fs.promises.readFile('/f', { encoding: 'base64' })) === text]).toEqual([true, true]);
    }
    fs.mkdirSync('/d');
    expect([codeOf(() => fs.readFileSync('/d')), codeOf(() => fs.readdirSync('/f')), codeOf(() => fs.readFileSync('/f\0'))]).toEqual([
      'EISDIR', 'ENOTDIR', 'ERR_INVALID_ARG_VALUE',
    ]);
    const fd = fs.openSync('/f', 'r');
    expect(fd - fs.openSync('/f', 'r')).toBe(-1);
  });

  test('of directories with names of all kinds', async () => {
    const { fs } = s;
    const names = ['.x', '..x', '...', 'a', 'B', 'ü', 'z'.repeat(255), '日本', '\u{1f600}', '\ufffd', ...Array.from({ length: 200 }, (_, i) => 'y'.repeat(200) + i)];
    for (const name of names) fs.closeSync(fs.openSync(`/${name}`, 'w'));
    const sorted = names.map((name) => Buffer.from(name)).sort(Buffer.compare).map(String);
    expect(fs.readdirSync('/')).toEqual(sorted);
    expect(fs.readdirSync('/', { encoding: 'utf8' })).toEqual(sorted);
    expect(await fs.promises.readdir('/')).toEqual(sorted);
  });

  test('without keeping others from their turn', async () => {
    s.fs.writeFileSync('/f', 'x');
    let turned = false;
    setImmediate(() => {
      turned = true;
    });
    for (let i = 0; i < 2000; i++) await s.fs.promises.readFile('/f');
    expect(turned).toBe(true);
  });
});

describe('what is no file', () => {
  test('is not copied, and the error says what it is', () => {
    const p = s.k.newproc();
    p.sys.mkfifo('/fifo', 0o600);
    expect(codeOf(() => s.fs.cpSync('/fifo', '/copy'))).toBe('ERR_FS_CP_FIFO_PIPE');
    expect(codeOf(() => s.fs.cpSync('/', '/inside', { recursive: true }))).toBe('ERR_FS_CP_EINVAL');
    expect(s.fs.readdirSync('/')).toEqual(['fifo']);
  });
});

describe('FileHandle', () => {
  test('reads, writes, and closes once', async () => {
    const { promises } = s.fs;
    const handle = await promises.open('/f', 'w+');
    expect(await handle.write('hello world')).toEqual({ bytesWritten: 11, buffer: 'hello world' });
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(5), 0, 5, 6);
    expect([bytesRead, String(buffer)]).toEqual([5, 'world']);
    expect((await handle.read({ position: 0, length: 4 })).bytesRead).toBe(4);
    expect((await handle.stat()).size).toBe(11);
    await handle.truncate(5);
    await handle.appendFile('!');
    expect(await promises.readFile(handle, 'utf8')).toBe('');
    expect(await promises.readFile('/f', 'utf8')).toMatch(/^hello/);
    await handle.close();
    await handle.close();
    expect(handle.fd).toBe(-1);
    await expect(handle.stat()).rejects.toMatchObject({ code: 'EBADF' });
  });

  test('disposal closes it', async () => {
    const handle = await s.fs.promises.open('/f', 'w');
    const dispose = (Symbol as unknown as { asyncDispose?: symbol }).asyncDispose ?? Symbol.for('Symbol.asyncDispose');
    await (handle as unknown as Record<symbol, () => Promise<void>>)[dispose]?.();
    expect(handle.fd).toBe(-1);
  });
});

describe('waiting', () => {
  test('what would have to wait is EAGAIN in the synchronous form, and waits in the others', async () => {
    const p = s.k.newproc();
    p.sys.mkfifo('/fifo', 0o600);
    const fs = ukfs(p);
    const keep = fs.openSync('/fifo', 'r+');
    const reader = fs.openSync('/fifo', fs.constants.O_RDONLY);
    expect(codeOf(() => fs.readSync(reader, new Uint8Array(5)))).toBe('EAGAIN');
    const buf = Buffer.alloc(5);
    const waiting = new Promise<number>((resolve, reject) =>
      fs.read(reader, buf, 0, 5, null, (e: unknown, n: number) => (e ? reject(e as Error) : resolve(n))),
    );
    fs.writeSync(keep, 'there');
    expect([await waiting, buf.toString()]).toEqual([5, 'there']);
  });
});

describe('callbacks', () => {
  test('come after the call has returned, with Node’s arguments', async () => {
    const { fs } = s;
    const order: string[] = [];
    const got = await new Promise<unknown[]>((resolve) => {
      fs.writeFile('/f', 'x', (...args: unknown[]) => {
        order.push('callback');
        resolve(args);
      });
      order.push('returned');
    });
    expect(order).toEqual(['returned', 'callback']);
    expect(got).toEqual([null]);
    expect(await new Promise((resolve) => fs.exists('/f', resolve))).toBe(true);
  });

  test('without one the call is refused, and bad arguments are thrown at once', () => {
    const { fs } = s;
    expect(codeOf(() => (fs.stat as unknown as (path: string) => void)('/f'))).toBe('ERR_INVALID_ARG_TYPE');
    expect(codeOf(() => fs.stat(5 as never, () => undefined))).toBe('ERR_INVALID_ARG_TYPE');
  });
});

describe('options of the synchronous forms', () => {
  test('throwIfNoEntry: false gives undefined for what is not there, and for nothing else', () => {
    const { fs } = s;
    fs.writeFileSync('/f', '');
    expect(fs.statSync('/nothing', { throwIfNoEntry: false })).toBeUndefined();
    expect(fs.lstatSync('/nothing/below', { throwIfNoEntry: false })).toBeUndefined();
    expect(fs.statSync('/f/below', { throwIfNoEntry: false })).toBeUndefined();
  });

  test('exists never throws', () => {
    const { fs } = s;
    expect(fs.existsSync(undefined as never)).toBe(false);
    expect(fs.existsSync('\0')).toBe(false);
    expect(fs.existsSync('/')).toBe(true);
  });

  test('mkdtemp makes directories that were not there', () => {
    const { fs } = s;
    const [a, b] = [fs.mkdtempSync('/t-'), fs.mkdtempSync('/t-')];
    expect(a).toMatch(/^\/t-[A-Za-z0-9]{6}$/);
    expect(a).not.toBe(b);
    expect(fs.statSync(a).mode & 0o777).toBe(0o700);
  });
});

describe('as later versions of Node have it', () => {
  test('cp: a directory that is there may not be where nothing may be, and a link may replace one that means the same', () => {
    const { fs } = s;
    fs.mkdirSync('/a');
    fs.writeFileSync('/a/f', '');
    fs.symlinkSync('f', '/a/link');
    fs.cpSync('/a', '/b', { recursive: true });
    fs.cpSync('/a', '/b', { recursive: true });
    expect(fs.readlinkSync('/b/link')).toBe('/a/f');
    expect(codeOf(() => fs.cpSync('/a', '/b', { recursive: true, force: false, errorOnExist: true }))).toBe('ERR_FS_CP_EEXIST');
  });

  test('a Dir that is closed refuses by a promise, and is the only thing with a path of its kind', async () => {
    const dir = s.fs.opendirSync('/');
    await dir.close();
    await expect(dir.read()).rejects.toMatchObject({ code: 'ERR_DIR_CLOSED' });
    expect(codeOf(() => Object.getPrototypeOf(dir).path)).toBe('ERR_INVALID_THIS');
  });

  test('a file is read to where the caller has room for it', async () => {
    const { fs } = s;
    fs.writeFileSync('/f', 'text');
    const room = Buffer.alloc(6, '.');
    const options = (buffer: unknown): { encoding: 'utf8' } => ({ buffer, encoding: 'utf8' }) as never;
    expect([fs.readFileSync('/f', options(room)), room.toString()]).toEqual(['text', 'text..']);
    expect(await fs.promises.readFile('/f', options((size: number) => new DataView(new ArrayBuffer(size))))).toBe('text');
    for (const small of [new Uint8Array(3), () => new Uint8Array(3)]) expect(codeOf(() => fs.readFileSync('/f', options(small)))).toBe('ERR_INVALID_ARG_VALUE');
    for (const odd of [5, 'x', {}, () => 5]) expect(codeOf(() => fs.readFileSync('/f', options(odd)))).toBe('ERR_INVALID_ARG_TYPE');
  });

  test('stat may have been aborted, and statfs says how long a fragment is', async () => {
    const { fs } = s;
    const aborted = { signal: AbortSignal.abort() } as never;
    await expect(fs.promises.stat('/', aborted)).rejects.toMatchObject({ name: 'AbortError' });
    expect(await new Promise((resolve) => fs.stat('/', aborted, resolve))).toMatchObject({ name: 'AbortError' });
    const { bsize, frsize } = fs.statfsSync('/') as { bsize: number; frsize?: number };
    expect(frsize).toBe(bsize);
  });

  test('a place to read at leaves room for what is read', () => {
    const { fs } = s;
    const fd = fs.openSync('/f', 'w+');
    const bytes = Buffer.alloc(4);
    expect(fs.readSync(fd, bytes, 0, 4, 2n ** 63n - 5n)).toBe(0);
    expect(codeOf(() => fs.readSync(fd, bytes, 0, 4, 2n ** 63n - 4n))).toBe('ERR_OUT_OF_RANGE');
    expect(codeOf(() => fs.readSync(fd, bytes, 0, 0, 'x' as never))).toBe('ERR_INVALID_ARG_TYPE');
    fs.closeSync(fd);
  });
});

describe('types', () => {
  test('follow from the options, as Node’s do', async () => {
    const { fs } = s;
    fs.writeFileSync('/f', 'text');
    const text: string = fs.readFileSync('/f', 'utf8');
    const bytes: Uint8Array = fs.readFileSync('/f');
    const names: string[] = fs.readdirSync('/');
    const sizes: number[] = fs.readdirSync('/', { withFileTypes: true }).map((entry) => entry.name.length);
    const whole: bigint = fs.statSync('/f', { bigint: true }).size;
    const absent = fs.statSync('/none', { throwIfNoEntry: false });
    const later: string = await fs.promises.readFile('/f', { encoding: 'utf8' });
    const handle = await fs.promises.open('/f');
    const read: string = await handle.readFile('utf8');
    await handle.close();
    expect([text, bytes.length, names, sizes, whole, absent?.size, later, read]).toEqual([
      'text',
      4,
      ['f'],
      [1],
      4n,
      undefined,
      'text',
      'text',
    ]);
  });
});

describe('the module itself', () => {
  test('has the names that bundles export', async () => {
    const { UKFS_NAMES, UKFS_PROMISE_NAMES } = await import('@anykernel/ukfs');
    const { fs } = s;
    expect(UKFS_NAMES.filter((name) => (fs as unknown as Record<string, unknown>)[name] === undefined)).toEqual(['lchmod', 'lchmodSync']);
    expect(UKFS_NAMES.filter((name) => !(name in fs))).toEqual([]);
    expect(UKFS_PROMISE_NAMES.filter((name) => (fs.promises as unknown as Record<string, unknown>)[name] === undefined)).toEqual([]);
  });

  test('takes methods apart from their object', () => {
    const { writeFileSync, readFileSync } = s.fs;
    writeFileSync('/f', 'free');
    expect(readFileSync('/f', 'utf8')).toBe('free');
  });
});
