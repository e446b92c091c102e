/** The server of iperf3, protocol of version 3.1 and later: TCP, any number of streams, either direction. */
import { bytesOf, bytestrOf, getU32be, putU32be } from '@anykernel/lib-bytes';
import { AF_INET, AF_INET6, SOCK_STREAM, SOL_SOCKET, SO_REUSEADDR, sockaddrIn6 } from '@anykernel/lib-sys';
import type { Proc } from '@anykernel/rumpkern';
import { nowMs } from './ping.js';
import { type Tool, type ToolIo, ToolUsage, getopt, numberOption, reason, socketAddress, withSocket } from './tool.js';

const USAGE = 'usage: iperf3 -s [-16] [-p port]';

const TEST_START = 1;
const TEST_RUNNING = 2;
const TEST_END = 4;
const PARAM_EXCHANGE = 9;
const CREATE_STREAMS = 10;
const EXCHANGE_RESULTS = 13;
const DISPLAY_RESULTS = 14;
const COOKIE_LEN = 37;
/** Bytes of parameters or results that a client may send. */
const JSON_MAX = 65_536;
const STREAMS_MAX = 128;
const BLOCK_LEN = 131_072;

export const iperf3: Tool = {
  name: 'iperf3',
  usage: USAGE,
  about: 'the server of iperf3: how fast bytes go',
  async run(io, args) {
    const { options: o, rest } = getopt(USAGE, args, 's16', 'p');
    if (!o.has('s') || rest.length > 0) throw new ToolUsage(USAGE);
    const port = numberOption(o, 'p', 5201, 1, 65_535, USAGE);
    const family = o.has('6') ? AF_INET6 : AF_INET;
    return withSocket(io.p, SOCK_STREAM, 0, async (listener) => {
      io.p.sys.setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, Uint8Array.of(1, 0, 0, 0));
      io.p.sys.bind(listener, family === AF_INET6 ? sockaddrIn6(new Uint8Array(16), port) : socketAddress(0, port));
      io.p.sys.listen(listener, STREAMS_MAX);
      do await test(io, listener);
      while (!o.has('1'));
      return 0;
    }, family);
  },
};

interface Stream {
  readonly fd: number;
  bytes: number;
}

/** What a client asks for, as far as it matters here. */
interface Params {
  readonly tcp?: boolean;
  readonly parallel?: number;
  readonly reverse?: boolean;
}

/** One test; what goes wrong with it is said. */
async function test(io: ToolIo, listener: number): Promise<void> {
  const control = await io.p.call.accept(listener);
  const streams: Stream[] = [];
  try {
    await serve(io, listener, control, streams);
  } catch (e) {
    io.err(`iperf3: ${reason(e)}`);
  } finally {
    for (const s of streams) io.p.sys.close(s.fd);
    io.p.sys.close(control);
  }
}

async function serve(io: ToolIo, listener: number, control: number, streams: Stream[]): Promise<void> {
  const { p } = io;
  const state = (byte: number): Promise<number> => p.call.write(control, Uint8Array.of(byte));
  await readAll(p, control, COOKIE_LEN);
  await state(PARAM_EXCHANGE);
  const params = await readJson(p, control);
  const count = params.parallel ?? 1;
  if (params.tcp !== true || !(count >= 1 && count <= STREAMS_MAX)) throw new Error('only TCP, and 1 to 128 streams');
  await state(CREATE_STREAMS);
  for (let i = 0; i < count; i++) {
    const fd = await p.call.accept(listener);
    streams.push({ fd, bytes: 0 });
    await readAll(p, fd, COOKIE_LEN);
  }
  await state(TEST_START);
  await state(TEST_RUNNING);
  const start = nowMs(p);
  let over = false;
  for (const s of streams) void (params.reverse === true ? send(p, s, () => over) : receive(p, s));
  while ((await readAll(p, control, 1))[0] !== TEST_END);
  over = true;
  const seconds = (nowMs(p) - start) / 1000;
  const total = streams.reduce((sum, s) => sum + s.bytes, 0);
  const report = results(streams, seconds);
  // A client that reads a block waits for its end, or for that of the stream: it hears nothing else meanwhile.
  for (const s of streams.splice(0)) p.sys.close(s.fd);
  await state(EXCHANGE_RESULTS);
  await readJson(p, control);
  await writeJson(p, control, report);
  await state(DISPLAY_RESULTS);
  io.out(`${params.reverse === true ? 'sent' : 'received'} ${total} bytes in ${seconds.toFixed(2)} s: ${(total / 1e6 / seconds).toFixed(1)} MB/s`);
  await readAll(p, control, 1);
}

function results(streams: readonly Stream[], seconds: number): object {
  return {
    cpu_util_total: 0, cpu_util_user: 0, cpu_util_system: 0, sender_has_retransmits: 0, congestion_used: 'cubic',
    streams: streams.map((s, i) => ({ id: i === 0 ? 1 : i + 2, bytes: s.bytes, retransmits: -1, jitter: 0, errors: 0, packets: 0, start_time: 0, end_time: seconds })),
  };
}

async function readAll(p: Proc, fd: number, len: number): Promise<Uint8Array> {
  const b = new Uint8Array(len);
  for (let at = 0; at < len; ) {
    const n = await p.call.read(fd, b.subarray(at));
    if (n === 0) throw new Error('the client has gone');
    at += n;
  }
  return b;
}

async function readJson(p: Proc, fd: number): Promise<Params> {
  const len = getU32be(await readAll(p, fd, 4), 0);
  if (len > JSON_MAX) throw new Error('the client talks too much');
  const b = await readAll(p, fd, len);
  const value: unknown = JSON.parse(bytestrOf(b, 0, b.length));
  if (typeof value !== 'object' || value === null) throw new Error('the client sends no parameters');
  return value;
}

async function writeJson(p: Proc, fd: number, value: object): Promise<void> {
  const text = bytesOf(JSON.stringify(value));
  const b = new Uint8Array(4 + text.length);
  putU32be(b, 0, text.length);
  b.set(text, 4);
  for (let at = 0; at < b.length; ) at += await p.call.write(fd, b.subarray(at));
}

/** The end is an error of the side that closes first. */
async function send(p: Proc, s: Stream, over: () => boolean): Promise<void> {
  const block = new Uint8Array(BLOCK_LEN);
  try {
    while (!over()) s.bytes += await p.call.write(s.fd, block);
  } catch {
    return;
  }
}

async function receive(p: Proc, s: Stream): Promise<void> {
  const block = new Uint8Array(2 * BLOCK_LEN);
  try {
    for (let n = await p.call.read(s.fd, block); n > 0; n = await p.call.read(s.fd, block)) s.bytes += n;
  } catch {
    return;
  }
}
