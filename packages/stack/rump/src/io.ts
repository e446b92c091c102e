/** Where a command's text goes and where its input comes from: the process's own streams, or a test's. */
import { read, readSync, writeSync } from 'node:fs';

export interface Io {
  out(bytes: Uint8Array): void;
  err(bytes: Uint8Array): void;
  /** Fills `buf` from the standard input; 0 at its end. */
  read(buf: Uint8Array): number;
  /** The same without anybody waiting but who asked: for what goes on while nothing is typed. */
  readLater?(buf: Uint8Array): Promise<number>;
  /** Somebody watches the error output: progress may be shown. */
  readonly watched: boolean;
  /** A terminal where lines can be edited; undefined: the input is a script. */
  readonly typed?: { readonly input: NodeJS.ReadableStream; readonly output: NodeJS.WritableStream };
}

/** The process's own. */
export const processIo: Io = {
  out: (bytes) => writeAll(1, bytes),
  err: (bytes) => writeAll(2, bytes),
  read: (buf) => readInput(0, buf),
  readLater: (buf) => readInputLater(0, buf),
  watched: process.stderr.isTTY === true,
  ...(process.stdin.isTTY === true && process.stdout.isTTY === true ? { typed: { input: process.stdin, output: process.stdout } } : {}),
};

/** Whoever reads our output has gone: nothing more is worth doing. */
export class OutputClosed extends Error {
  override name = 'OutputClosed';
}

/** Our output takes nothing more, for want of room for instance; the message says why. */
export class OutputFailed extends Error {
  override name = 'OutputFailed';
}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let off = 0; off < bytes.length; ) {
    try {
      off += writeSync(fd, bytes, off);
    } catch (e) {
      const code = (e as { code?: string }).code;
      if (code === 'EPIPE') throw new OutputClosed('the output is closed');
      if (code !== 'EAGAIN') throw new OutputFailed(`the output: ${(e as Error).message.replace(/^E[A-Z0-9]+: |, write$/g, '')}`);
      pause();
    }
  }
}

function readInput(fd: number, buf: Uint8Array): number {
  for (;;) {
    try {
      return readSync(fd, buf);
    } catch (e) {
      const code = (e as { code?: string }).code;
      if (code === 'EOF') return 0;
      if (code !== 'EAGAIN') throw e;
      pause();
    }
  }
}

/** Milliseconds until a descriptor that does not block is asked again. */
const AGAIN_MS = 10;

function readInputLater(fd: number, buf: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) => {
    const attempt = (): void =>
      read(fd, buf, 0, buf.length, null, (e, len) => {
        if (e === null) resolve(len);
        else if (e.code === 'EOF') resolve(0);
        else if (e.code === 'EAGAIN') setTimeout(attempt, AGAIN_MS);
        else reject(e);
      });
    attempt();
  });
}

/** The descriptor does not block, and is not ready: a millisecond, rather than a hot loop. */
function pause(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
}
