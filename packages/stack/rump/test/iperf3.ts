/** The server's part of iperf3's protocol (version 3.1 and later), on a process of a kernel: TCP, any number of streams, either direction. */
import { AF_INET, SOCK_STREAM, SOL_SOCKET, SO_REUSEADDR, sockaddrIn } from '@anykernel/lib-sys';
import type { Proc } from '@anykernel/rumpkern';

const TEST_START = 1;
const TEST_RUNNING = 2;
const TEST_END = 4;
const PARAM_EXCHANGE = 9;
const CREATE_STREAMS = 10;
const EXCHANGE_RESULTS = 13;
const DISPLAY_RESULTS = 14;
const COOKIE_LEN = 37;

interface Stream {
  readonly fd: number;
  bytes: number;
}

/** What a client asks for, as far as it matters here. */
interface Params {
  readonly parallel?: number;
  readonly reverse?: boolean;
}

/** Serves one test after another. */
export async function iperf3Server(p: Proc, port: number): Promise<void> {
  const listener = p.sys.socket(AF_INET, SOCK_STREAM, 0);
  p.sys.setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, Uint8Array.of(1, 0, 0, 0));
  p.sys.bind(listener, sockaddrIn(0, port));
  p.sys.listen(listener, 16);
  for (;;) {
    const control = await p.call.accept(listener);
    try {
      await serve(p, listener, control);
    } catch (e) {
      console.error('iperf3:', (e as Error).message);
    }
    p.sys.close(control);
  }
}

async function readAll(p: Proc, fd: number, len: number): Promise<Buffer> {
  const b = Buffer.alloc(len);
  for (let at = 0; at < len; ) {
    const n = await p.call.read(fd, b.subarray(at));
    if (n === 0) throw new Error('the connection has ended');
    at += n;
  }
  return b;
}

async function readJson(p: Proc, fd: number): Promise<Params> {
  const len = (await readAll(p, fd, 4)).readUInt32BE();
  return JSON.parse((await readAll(p, fd, len)).toString()) as Params;
}

async function writeJson(p: Proc, fd: number, value: object): Promise<void> {
  const text = Buffer.from(JSON.stringify(value));
  const len = Buffer.alloc(4);
  len.writeUInt32BE(text.length);
  await p.call.write(fd, Buffer.concat([len, text]));
}

async function serve(p: Proc, listener: number, control: number): Promise<void> {
  const state = (byte: number): Promise<number> => p.call.write(control, Uint8Array.of(byte));
  await readAll(p, control, COOKIE_LEN);
  await state(PARAM_EXCHANGE);
  const params = await readJson(p, control);
  await state(CREATE_STREAMS);
  const streams: Stream[] = [];
  for (let i = 0; i < (params.parallel ?? 1); i++) {
    const fd = await p.call.accept(listener);
    await readAll(p, fd, COOKIE_LEN);
    streams.push({ fd, bytes: 0 });
  }
  await state(TEST_START);
  await state(TEST_RUNNING);
  const start = performance.now();
  let over = false;
  const work = streams.map((s) => (params.reverse ? send(p, s, () => over) : receive(p, s)));
  while ((await readAll(p, control, 1))[0] !== TEST_END);
  over = true;
  const seconds = (performance.now() - start) / 1000;
  await state(EXCHANGE_RESULTS);
  await readJson(p, control);
  await writeJson(p, control, {
    cpu_util_total: 0, cpu_util_user: 0, cpu_util_system: 0, sender_has_retransmits: 0, congestion_used: 'cubic',
    streams: streams.map((s, i) => ({ id: i === 0 ? 1 : i + 2, bytes: s.bytes, retransmits: -1, jitter: 0, errors: 0, packets: 0, start_time: 0, end_time: seconds })),
  });
  await state(DISPLAY_RESULTS);
  await readAll(p, control, 1);
  for (const s of streams) p.sys.close(s.fd);
  await Promise.all(work);
}

async function send(p: Proc, s: Stream, over: () => boolean): Promise<void> {
  const block = Buffer.alloc(131_072);
  try {
    // Whole blocks: the client reads nothing less, and nothing else meanwhile.
    while (!over()) {
      for (let at = 0; at < block.length; ) at += await p.call.write(s.fd, block.subarray(at));
      s.bytes += block.length;
    }
  } catch {
    // The client closes first.
  }
}

async function receive(p: Proc, s: Stream): Promise<void> {
  const block = Buffer.alloc(262_144);
  try {
    for (let n = await p.call.read(s.fd, block); n > 0; n = await p.call.read(s.fd, block)) s.bytes += n;
  } catch {
    // Ours was closed.
  }
}
