/**
 * Programs on an `fs` whose results Node's own knows: streams, FileHandles, directories, signals, Blobs, watchers of names. Each writes down what came of
 * it.
 */
import type hostFs from 'node:fs';
import { showError } from './oracle.js';

type Fs = typeof hostFs;
export type Program = (fs: Fs, base: string, log: (line: unknown) => void) => Promise<void>;

/** The events of a stream, in their order, and what it read. */
function story(stream: NodeJS.EventEmitter, events: readonly string[], base: string): Promise<string[]> {
  const lines: string[] = [];
  return new Promise((resolve) => {
    for (const event of events) {
      stream.on(event, (value: unknown) => {
        if (event === 'error') lines.push(`${event}: ${showError(value, base)}`);
        else if (event === 'data') lines.push(`data ${String(value).length}`);
        else lines.push(event);
        if (event === 'close') resolve(lines);
      });
    }
  });
}

const READ_EVENTS = ['open', 'ready', 'data', 'end', 'error', 'close'];
const WRITE_EVENTS = ['open', 'ready', 'finish', 'error', 'close'];

async function said(promise: Promise<unknown>, base: string): Promise<string> {
  return promise.then(
    (value) => `= ${String(value)}`,
    (e: unknown) => `! ${showError(e, base)}`,
  );
}

function thrown(fn: () => unknown, base: string): string {
  try {
    return `= ${String(fn())}`;
  } catch (e) {
    return `! ${showError(e, base)}`;
  }
}

/** A stream that nobody is interested in. */
function settled(stream: { on(event: 'error', fn: () => void): unknown; destroy(): unknown }): string {
  stream.on('error', () => undefined);
  stream.destroy();
  return 'a stream';
}

export const PROGRAMS: Readonly<Record<string, Program>> = {
  async 'a stream reads a file, or a part of it'(fs, base, log) {
    fs.writeFileSync(`${base}/f`, 'x'.repeat(200_000));
    log(await story(fs.createReadStream(`${base}/f`), READ_EVENTS, base));
    log(await story(fs.createReadStream(`${base}/f`, { start: 10, end: 19, encoding: 'utf8' }), READ_EVENTS, base));
    log(await story(fs.createReadStream(`${base}/f`, { highWaterMark: 150_000 }), READ_EVENTS, base));
    log(await story(fs.createReadStream(`${base}/nothing`), READ_EVENTS, base));
    log(await story(fs.createReadStream(base), READ_EVENTS, base));
    const stream = fs.createReadStream(`${base}/f`, 'latin1');
    log([stream.path === `${base}/f`, stream.bytesRead, stream.pending]);
    let bytes = 0;
    for await (const piece of stream) bytes += (piece as string).length;
    log([bytes, stream.bytesRead, stream instanceof fs.ReadStream, stream.constructor.name]);
  },

  async 'a stream writes a file, appends, writes into it'(fs, base, log) {
    const write = async (options?: object, ...pieces: string[]): Promise<void> => {
      const stream = fs.createWriteStream(`${base}/f`, options);
      const told = story(stream, WRITE_EVENTS, base);
      for (const piece of pieces) stream.write(piece);
      stream.end();
      log(await told);
      log([stream.bytesWritten, fs.readFileSync(`${base}/f`, 'utf8'), stream instanceof fs.WriteStream]);
    };
    await write(undefined, 'one ', 'two ', 'three');
    await write({ flags: 'a' }, '!');
    await write({ flags: 'r+', start: 4 }, 'TWO');
    await write({ flags: 'wx' }, 'no');
    await write({ flush: true, mode: 0o600 }, 'flushed');
  },

  async 'streams refuse what makes no sense'(fs, base, log) {
    fs.writeFileSync(`${base}/f`, 'x');
    for (const options of [5, true, { start: 'x' }, { start: 5, end: 2 }, { end: -1 }, { encoding: 'no-such' }, { fd: 'x' }, { fs: 5 }, { fs: {} }]) {
      for (const create of [fs.createReadStream, fs.createWriteStream]) log(thrown(() => settled(create(`${base}/f`, options as never)), base));
    }
    log(thrown(() => fs.createReadStream(undefined as never), base));
  },

  async 'a signal ends a stream'(fs, base, log) {
    fs.writeFileSync(`${base}/f`, 'x'.repeat(500_000));
    const controller = new AbortController();
    const stream = fs.createReadStream(`${base}/f`, { signal: controller.signal });
    stream.once('data', () => controller.abort());
    log((await story(stream, ['error', 'close'], base)).map((line) => line.slice(0, 40)));
  },

  async 'a FileHandle does what its file can, and closes once'(fs, base, log) {
    const h = await fs.promises.open(`${base}/f`, 'w+', 0o640);
    (h as unknown as NodeJS.EventEmitter).on('close', () => log('closed'));
    log(await said(h.writeFile('hello world'), base));
    log(await said(h.appendFile('!'), base));
    const { bytesRead, buffer } = await h.read(Buffer.alloc(5), 0, 5, 0);
    log([bytesRead, String(buffer)]);
    log((await h.read({ position: 6 })).bytesRead);
    log((await h.write('J', 0)).bytesWritten);
    log((await h.writev([Buffer.from('ab'), Buffer.from('c')], 1)).bytesWritten);
    const two = [Buffer.alloc(2), Buffer.alloc(3)];
    log([(await h.readv(two, 0)).bytesRead, two.map(String)]);
    await h.truncate(4);
    await h.chmod(0o600);
    await h.utimes(10, 20);
    await h.sync();
    await h.datasync();
    const st = await h.stat();
    log([st.size, st.mode.toString(8), st.mtimeMs, (await h.stat({ bigint: true })).size]);
    log(await said(h.readFile('utf8'), base));
    await Promise.all([h.close(), h.close()]);
    log(h.fd);
    for (const name of ['stat', 'readFile', 'sync', 'read'] as const) log(await said((h[name] as () => Promise<unknown>)(), base));
    log(await said(h.close(), base));
  },

  async 'a FileHandle gives streams, lines and a web stream'(fs, base, log) {
    fs.writeFileSync(`${base}/f`, 'one\ntwo\r\nthree');
    const lines: string[] = [];
    const h = await fs.promises.open(`${base}/f`);
    for await (const line of h.readLines()) lines.push(line);
    log([lines, h.fd]);
    const kept = await fs.promises.open(`${base}/f`);
    const part: string[] = [];
    for await (const piece of kept.createReadStream({ start: 4, end: 6, encoding: 'utf8', autoClose: false })) part.push(piece as string);
    log([part, kept.fd > 0]);
    await kept.close();
  },

  async 'a stream on a FileHandle closes it'(fs, base, log) {
    const h = await fs.promises.open(`${base}/f`, 'w');
    const stream = h.createWriteStream();
    stream.end('written');
    log(await story(stream, ['finish', 'close'], base));
    log([h.fd, fs.readFileSync(`${base}/f`, 'utf8')]);
    const r = await fs.promises.open(`${base}/f`);
    const reading = fs.createReadStream('', { fd: r as never, encoding: 'utf8' });
    log(await story(reading, ['data', 'end', 'close'], base));
    log(r.fd);
  },

  async 'a web stream reads a FileHandle'(fs, base, log) {
    fs.writeFileSync(`${base}/f`, 'y'.repeat(70_000));
    const h = await fs.promises.open(`${base}/f`);
    let bytes = 0;
    for await (const piece of h.readableWebStream({ type: 'bytes' } as never) as unknown as AsyncIterable<Uint8Array>) bytes += piece.byteLength;
    log(bytes);
    log(thrown(() => h.readableWebStream(), base));
    await h.close();
    log(thrown(() => h.readableWebStream(), base));
  },

  async 'a Dir is read entry by entry'(fs, base, log) {
    for (const name of ['a', 'b', 'c']) fs.mkdirSync(`${base}/d/${name}`, { recursive: true });
    fs.writeFileSync(`${base}/d/a/f`, '');
    const names: string[] = [];
    const dir = fs.opendirSync(`${base}/d`);
    for (let e = dir.readSync(); e !== null; e = dir.readSync()) names.push(`${e.name} ${e.isDirectory()} ${e.parentPath === `${base}/d`}`);
    log(names.sort());
    log([dir.path === `${base}/d`, dir.readSync()]);
    dir.closeSync();
    log(thrown(() => dir.closeSync(), base));
    log(thrown(() => dir.readSync(), base));
    log(await said(dir.close(), base));
    const found: string[] = [];
    for await (const e of await fs.promises.opendir(`${base}/d`, { bufferSize: 1, recursive: true })) found.push(`${e.parentPath}/${e.name}`.replace(base, ''));
    log(found.sort());
    log(await said(fs.promises.opendir(`${base}/nothing`), base));
    log(await said(fs.promises.opendir(`${base}/d/a/f`), base));
    for (const bufferSize of [0, -1, 'x', 1.5]) log(thrown(() => fs.opendirSync(`${base}/d`, { bufferSize: bufferSize as never }), base));
    log(thrown(() => new (fs.Dir as never as new () => unknown)(), base));
  },

  async 'synchronous work on a Dir in use is refused'(fs, base, log) {
    const dir = fs.opendirSync(base);
    const pending = dir.read();
    log(thrown(() => dir.readSync(), base));
    log(thrown(() => dir.closeSync(), base));
    log(await pending);
    await dir.close();
  },

  async 'signals end whole-file operations'(fs, base, log) {
    fs.writeFileSync(`${base}/f`, 'x'.repeat(100));
    const aborted = AbortSignal.abort();
    const short = async (p: Promise<unknown>): Promise<void> => log((await said(p, base)).replace(/, code: 20/, '').slice(0, 80));
    await short(fs.promises.readFile(`${base}/f`, { signal: aborted }));
    await short(fs.promises.writeFile(`${base}/g`, 'x', { signal: aborted }));
    const soon = new AbortController();
    process.nextTick(() => soon.abort());
    await short(fs.promises.readFile(`${base}/f`, { signal: soon.signal }));
    for (const signal of ['x', {}, null]) await short(fs.promises.readFile(`${base}/f`, { signal: signal as never }));
    const told = await new Promise((resolve) => fs.readFile(`${base}/f`, { signal: aborted }, resolve));
    log((told as Error).name);
    log(String(fs.readFileSync(`${base}/f`, { signal: aborted } as never)).length);
  },

  async 'pieces of an iterable are written one after another'(fs, base, log) {
    async function* pieces(): AsyncGenerator<string | Uint8Array> {
      yield 'one ';
      yield new Uint8Array([0x32, 0x20]);
      yield 'three';
    }
    await fs.promises.writeFile(`${base}/f`, pieces());
    await fs.promises.appendFile(`${base}/f`, ['!', '!'] as never);
    log(fs.readFileSync(`${base}/f`, 'utf8'));
    log(await said(fs.promises.writeFile(`${base}/f`, [1] as never), base));
    log(thrown(() => fs.writeFileSync(`${base}/f`, ['x'] as never), base));
    async function* failing(): AsyncGenerator<string> {
      yield 'begun';
      throw new Error('no more');
    }
    log(await said(fs.promises.writeFile(`${base}/f`, failing()), base));
    log(fs.readFileSync(`${base}/f`, 'utf8'));
  },

  async 'a file is a Blob'(fs, base, log) {
    fs.writeFileSync(`${base}/f`, 'hello world');
    const blob = await fs.openAsBlob(`${base}/f`, { type: 'text/plain' });
    log([blob.size, blob.type, blob instanceof Blob, await blob.text(), await blob.slice(6).text(), await blob.slice(-5, -1).text()]);
    log((await blob.arrayBuffer()).byteLength);
    fs.writeFileSync(`${base}/f`, 'changed since');
    log((await said(blob.text(), base)).slice(0, 30));
    log(thrown(() => fs.openAsBlob(`${base}/f`, { type: 5 as never }), base));
  },

  async 'a name is watched that is not there, comes, and goes'(fs, base, log) {
    const seen: string[] = [];
    await new Promise<void>((resolve) => {
      fs.watchFile(`${base}/f`, { interval: 5 }, (now, was) => {
        seen.push(`${was.size} ${was.nlink} -> ${now.size} ${now.nlink}`);
        if (seen.length === 1) fs.writeFileSync(`${base}/f`, 'four');
        if (seen.length === 2) fs.unlinkSync(`${base}/f`);
        if (seen.length === 3) resolve();
      });
    });
    fs.unwatchFile(`${base}/f`);
    log(seen);
    log(thrown(() => fs.watchFile(`${base}/f`, undefined as never), base));
    log(thrown(() => fs.watchFile(5 as never, () => undefined), base));
    log(thrown(() => fs.watch(`${base}/nothing`), base));
    log(thrown(() => fs.watch(base, { persistent: 'x' } as never).close(), base));
    log(thrown(() => fs.watch(base, { encoding: 'x' } as never), base));
  },

  async 'cp asks a filter that is asynchronous'(fs, base, log) {
    fs.mkdirSync(`${base}/d/e`, { recursive: true });
    fs.writeFileSync(`${base}/d/one`, '1');
    fs.writeFileSync(`${base}/d/two`, '2');
    await fs.promises.cp(`${base}/d`, `${base}/c`, { recursive: true, filter: async (from) => !from.endsWith('two') });
    log(fs.readdirSync(`${base}/c`));
    log(thrown(() => fs.cpSync(`${base}/d`, `${base}/c2`, { recursive: true, filter: (async () => true) as never }), base).slice(0, 60));
  },

  async 'callbacks are called in a turn of their own, and what they throw is the program\'s'(fs, base, log) {
    const order: string[] = [];
    await new Promise<void>((resolve) => {
      fs.stat(base, () => {
        order.push('callback');
        resolve();
      });
      process.nextTick(() => order.push('tick'));
      queueMicrotask(() => order.push('microtask'));
      order.push('after');
    });
    log(order);
    for (const bad of [undefined, 5, {}]) log(thrown(() => fs.stat(base, bad as never), base));
    log(thrown(() => fs.readFile(base, 'utf8', undefined as never), base));
    log(thrown(() => (fs.rename as (...args: unknown[]) => void)(base, `${base}/x`), base));
  },
};
