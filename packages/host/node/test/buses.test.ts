import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { hostNode, joinBus, refBus, shareBus, unrefBus } from '@anykernel/host-node';
import { type BusPort, Bus, SHMIF_HALF, initBus, isBus } from '@anykernel/shmif';
import { withFolder } from '@anykernel/tools-oracle';

function openBus(name: string): BusPort {
  const half = hostNode().half(SHMIF_HALF);
  if (half === undefined) throw new Error('this host has no buses');
  return half.open(name);
}

const ME = { lo: 1, hi: 2 };

function write(port: BusPort, bytes: Uint8Array): void {
  const bus = new Bus(port.memory);
  bus.lock();
  bus.begin(bytes.length, 0, 0, ME, 0);
  bus.put(bytes, 0, bytes.length);
  bus.unlock();
  port.ring();
}

/** The next packet's first byte, when it comes. */
function first(port: BusPort, timeoutMs = 100_000): Promise<number> {
  const bus = new Bus(port.memory);
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('no packet has come')), timeoutMs);
    port.listen(() => {
      bus.lock();
      const found = bus.next();
      bus.unlock();
      if (!found) return;
      clearTimeout(timer);
      resolve(bus.byteAt(0));
    });
  });
}

describe('a bus in memory', () => {
  test('is one for all hosts of the thread, and gone with its last member', async () => {
    const [a, b] = [openBus('lan'), openBus('lan')];
    initBus(a.memory);
    const got = first(b);
    write(a, Uint8Array.of(42));
    expect(await got).toBe(42);
    a.close();
    b.close();
    const c = openBus('lan');
    expect(isBus(c.memory)).toBe(false);
    c.close();
  });

  test('reaches another Worker, and a Worker reaches it, though both wait', async () => {
    const memory = shareBus('wide');
    const port = openBus('wide');
    initBus(port.memory);
    expect(() => joinBus('wide', memory)).toThrow('bus wide is there already');
    // The other side by hand: it answers each ring of the bell with a packet of its own.
    const worker = new Worker(
      `const { workerData: memory, parentPort } = require('node:worker_threads');
       const words = new Int32Array(memory);
       const bell = new Int32Array(memory, memory.byteLength - 64, 2);
       const before = Atomics.load(bell, 0);
       Atomics.add(bell, 1, 1);
       parentPort.postMessage('ready');
       Atomics.wait(bell, 0, before, 100_000);
       setTimeout(() => {
         const bytes = new Uint8Array(memory);
         const at = 32 + words[5] + 24 + words[(32 + words[5]) >> 2];
         new DataView(memory).setUint32(at, 1, true);
         bytes[at + 24] = bytes[at - 1] + 1;
         words[5] = at - 32;
         Atomics.add(bell, 0, 1);
         if (Atomics.load(bell, 1) > 1) Atomics.notify(bell, 0);
       }, 50);`,
      { eval: true, workerData: memory },
    );
    const timer = setTimeout(() => {}, 100_000);
    try {
      await new Promise((resolve) => worker.once('message', resolve));
      write(port, Uint8Array.of(7, 0, 0, 7));
      const got = first(port);
      expect(await got).toBe(8);
    } finally {
      clearTimeout(timer);
      await worker.terminate();
      port.close();
    }
  });
});

describe('a shared bus', () => {
  /** What Node's event loop waits for, of the kind that holds it. */
  const held = (): number => process.getActiveResourcesInfo().filter((what) => what === 'Timeout').length;

  test('keeps the thread alive while somebody of it is on it, until unrefBus, and again from refBus on', () => {
    const before = held();
    const alone = openBus('mine');
    expect(held()).toBe(before);
    shareBus('mine');
    expect(held()).toBe(before + 1);
    const port = openBus('mine');
    expect(held()).toBe(before + 1);
    unrefBus('mine');
    expect(held()).toBe(before);
    refBus('mine');
    expect(held()).toBe(before + 1);
    alone.close();
    expect(held()).toBe(before + 1);
    port.close();
    expect(held()).toBe(before);
  });

  test('is one that is there, and memory of one', () => {
    const alone = openBus('mine');
    for (const name of ['mine', 'none']) expect(() => unrefBus(name)).toThrow(`there is no shared bus ${name}`);
    expect(() => joinBus('other', new SharedArrayBuffer(4096))).toThrow('this is not the memory of a bus');
    alone.close();
  });

  test('rings nobody who has left, and those who stay on another', async () => {
    const [gone, stays] = ['gone', 'stays'].map((name) => {
      const memory = shareBus(name);
      const port = openBus(name);
      initBus(port.memory);
      return { memory, port, bell: new Int32Array(memory, memory.byteLength - 64, 2) };
    });
    let heard = 0;
    gone.port.listen(() => heard++);
    const rung = new Promise<void>((resolve) => stays.port.listen(resolve));
    gone.port.close();
    for (const { bell } of [gone, stays]) {
      Atomics.add(bell, 0, 1);
      Atomics.notify(bell, 0);
    }
    await rung;
    expect(heard).toBe(0);
    stays.port.close();
  });
});

describe('a bus file', () => {
  test('is made with the length and layout of NetBSD\'s, and others hear what is written', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'bus-'));
    const path = join(folder, 'bus');
    const [a, b] = [openBus(path), openBus(path)];
    initBus(a.memory);
    expect(isBus(b.memory)).toBe(true);
    const got = first(b);
    write(a, Uint8Array.of(99));
    expect(await got).toBe(99);
    const file = readFileSync(path);
    expect(file.length).toBe(1_048_576);
    expect(file.subarray(0, 8).toString('hex')).toBe('54d011ca03000000');
    expect(file[32 + 24 + 24]).toBe(99);
    a.close();
    b.close();
    rmSync(folder, { recursive: true });
  });

  test('of another length is EINVAL, and one that cannot be is an error of the host', () => {
    withFolder((folder) => {
      writeFileSync(join(folder, 'short'), 'no bus');
      expect(() => openBus(join(folder, 'short'))).toThrow(expect.objectContaining({ code: 'EINVAL' }));
      expect(() => openBus(join(folder, 'none', 'bus'))).toThrow(expect.objectContaining({ code: 'ENOENT' }));
      expect(() => openBus(folder + '/')).toThrow(expect.objectContaining({ code: 'EISDIR' }));
    });
  });
});
