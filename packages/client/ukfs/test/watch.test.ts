/** watch(): what happens in a directory and to a file, as on Linux, through kqueue. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type KernelName, type Subject, kernelOn } from './kernel.js';

/** What was told, sorted, as the order of names is the directory's affair. */
class Told {
  readonly lines: string[] = [];
  readonly tell = (event: string, name: unknown): void => {
    this.lines.push(`${event} ${String(name)}`);
  };

  /** What has been told since, after everything has had its turn. */
  async next(): Promise<string[]> {
    for (let i = 0; i < 8; i++) await new Promise((resolve) => setImmediate(resolve));
    return this.lines.splice(0).sort();
  }
}

describe.each(['tmpfs of a bare kernel, on Node', 'ext2fs, in the simulator'] as KernelName[])('on %s', (kernel) => {
  let s: Subject;
  let told: Told;
  beforeEach(() => {
    s = kernelOn(kernel);
    told = new Told();
    s.fs.mkdirSync('/w/sub/deep', { recursive: true });
    s.fs.writeFileSync('/w/f', 'one');
    s.fs.writeFileSync('/w/sub/g', 'two');
  });
  afterEach(() => s.k.halt());

  test('a directory: names come, go, get others, and contents change', async () => {
    const w = s.fs.watch('/w', told.tell);
    s.fs.writeFileSync('/w/new', 'x');
    expect(await told.next()).toEqual(['rename new']);
    s.fs.appendFileSync('/w/f', 'y');
    expect(await told.next()).toEqual(['change f']);
    s.fs.chmodSync('/w/f', 0o600);
    expect(await told.next()).toEqual(['change f']);
    s.fs.renameSync('/w/new', '/w/newer');
    expect(await told.next()).toEqual(['rename new', 'rename newer']);
    s.fs.renameSync('/w/newer', '/w/f');
    expect(await told.next()).toEqual(['rename f', 'rename newer']);
    s.fs.unlinkSync('/w/f');
    expect(await told.next()).toEqual(['rename f']);
    s.fs.closeSync(s.fs.openSync('/w/brief', 'w'));
    s.fs.unlinkSync('/w/brief');
    expect(await told.next()).toEqual(['rename brief', 'rename brief']);
    s.fs.writeFileSync('/w/sub/below', 'not told');
    expect(await told.next()).toEqual([]);
    const closed = new Promise((resolve) => w.once('close', () => resolve('closed')));
    w.close();
    s.fs.writeFileSync('/w/late', '');
    expect([await closed, await told.next()]).toEqual(['closed', []]);
  });

  test('what is to be ignored is not told: patterns, of the last name or of all, RegExps and functions', async () => {
    const ignore = ['*.log', 'sub/{a,b}', /\.tmp$/, (name: string) => name.startsWith('.')];
    const w = s.fs.watch('/w', { recursive: true, ignore }, told.tell);
    for (const name of ['x.log', 'sub/x.log', 'sub/a', 'sub/deep/a', 'x.tmp', '.x', 'sub/.x', '.log']) s.fs.symlinkSync('x', `/w/${name}`);
    expect(await told.next()).toEqual(['rename sub/.x', 'rename sub/deep/a']);
    w.close();
    for (const bad of [5, [5]]) expect(() => s.fs.watch('/w', { ignore: bad as never })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }));
    for (const bad of ['', ['']]) expect(() => s.fs.watch('/w', { ignore: bad })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }));
  });

  test('what is not there is watched in vain, where that is no error', async () => {
    expect(() => s.fs.watch('/none')).toThrow(expect.objectContaining({ code: 'ENOENT' }));
    const w = s.fs.watch('/none', { throwIfNoEntry: false }, told.tell);
    s.fs.writeFileSync('/none', '');
    expect(await told.next()).toEqual([]);
    w.close();
  });

  test('a tree: also what is made while it is watched', async () => {
    const w = s.fs.watch('/w', { recursive: true }, told.tell);
    s.fs.writeFileSync('/w/sub/g', 'more');
    expect(await told.next()).toEqual(['change sub/g']);
    s.fs.mkdirSync('/w/a/b', { recursive: true });
    expect(await told.next()).toEqual(['rename a', 'rename a/b']);
    s.fs.writeFileSync('/w/a/b/c', '');
    expect(await told.next()).toEqual(['rename a/b/c']);
    s.fs.appendFileSync('/w/a/b/c', 'x');
    expect(await told.next()).toEqual(['change a/b/c']);
    s.fs.rmSync('/w/a', { recursive: true });
    expect(await told.next()).toContain('rename a');
    w.close();
  });

  test('a file: its contents, its attributes, its end', async () => {
    const w = s.fs.watch('/w/f', { encoding: 'buffer' }, told.tell as never);
    s.fs.appendFileSync('/w/f', 'x');
    expect(await told.next()).toEqual(['change f']);
    s.fs.utimesSync('/w/f', 1, 2);
    expect(await told.next()).toEqual(['change f']);
    s.fs.renameSync('/w/f', '/w/other');
    expect(await told.next()).toContain('rename f');
    w.close();
  });

  test('nothing is left open when watchers close', async () => {
    const open = (): number => s.fs.readdirSync('/w').length + s.fs.openSync('/w/other', 'w');
    const first = open();
    const watchers = [s.fs.watch('/w', { recursive: true }, told.tell), s.fs.watch('/w/f', told.tell)];
    for (const w of watchers) w.close();
    expect(open()).toBe(first + 2);
  });

  test('an iterator gives events until it is aborted', async () => {
    const controller = new AbortController();
    const seen: unknown[] = [];
    const reading = (async () => {
      for await (const e of s.fs.promises.watch('/w', { signal: controller.signal })) {
        seen.push(e);
        controller.abort();
      }
    })();
    await told.next();
    s.fs.writeFileSync('/w/new', '');
    await expect(reading).rejects.toMatchObject({ name: 'AbortError', code: 'ABORT_ERR' });
    expect(seen).toEqual([{ eventType: 'rename', filename: 'new' }]);
    const never = s.fs.promises.watch('/w', { signal: AbortSignal.abort() })[Symbol.asyncIterator]();
    await expect(never.next()).rejects.toMatchObject({ name: 'AbortError' });
  });
});
