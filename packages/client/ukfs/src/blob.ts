/** openAsBlob(): a file as a Blob, whose bytes are read when they are asked for, piece by piece. */
import { ERR, O_CLOEXEC, O_RDONLY, S_ISDIR, type Stat } from '@anykernel/lib-sys';
import { type PathLike, toPath } from './args.js';
import { invalidArgType, systemError } from './errors.js';
import { type Op, type Runner, attempt, call } from './run.js';

export interface BlobOptions {
  /** The media type that the Blob says it has. */
  readonly type?: string;
}

/** A file as it was when it was opened. */
interface Source {
  readonly runner: Runner;
  readonly path: string | Uint8Array;
  readonly st: Stat;
}

/** Bytes read at a time. */
const CHUNK = 65536;

function toType(options: BlobOptions | undefined): string {
  const type = options?.type ?? '';
  if (typeof type !== 'string') throw invalidArgType('options.type', 'of type string', type);
  return type;
}

/** The Blob of a file. ENOENT, EACCES, EISDIR. */
export function* openBlob(runner: Runner, path: PathLike, options?: BlobOptions): Op<Blob> {
  const type = toType(options);
  const p = toPath(path);
  const st = yield* call('stat', [p], 'open');
  yield* call('access', [p, 4], 'open');
  if (S_ISDIR(st.mode)) throw systemError(ERR.EISDIR, 'open', p);
  return new FileBlob({ runner, path: p, st }, 0, st.size, type);
}

/** What reading a file ends with that is not any more what it was. */
function notReadable(): Error {
  return new DOMException('The blob could not be read', 'NotReadableError');
}

class FileBlob extends Blob {
  readonly #source: Source;
  readonly #start: number;
  readonly #end: number;

  constructor(source: Source, start: number, end: number, type: string) {
    super([], { type });
    this.#source = source;
    this.#start = start;
    this.#end = end;
    Object.defineProperty(this, 'size', { value: end - start, configurable: true });
  }

  override slice(start = 0, end: number = this.size, type = ''): Blob {
    const at = (index: number): number => Math.min(this.size, Math.max(0, index < 0 ? this.size + index : index));
    const from = at(start);
    return new FileBlob(this.#source, this.#start + from, this.#start + Math.max(from, at(end)), type);
  }

  override stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    let at = this.#start;
    const pull = async (controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>): Promise<void> => {
      if (at < this.#end) {
        const bytes = await this.#read(at, Math.min(this.#end, at + CHUNK));
        at += bytes.length;
        controller.enqueue(bytes);
      }
      if (at >= this.#end) controller.close();
    };
    return new ReadableStream({ pull }) as ReadableStream<Uint8Array<ArrayBuffer>>;
  }

  override async arrayBuffer(): Promise<ArrayBuffer> {
    return (await this.bytes()).buffer;
  }

  override async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return this.#read(this.#start, this.#end);
  }

  override async text(): Promise<string> {
    return new TextDecoder().decode(await this.bytes());
  }

  async #read(start: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
    const out = new Uint8Array(end - start);
    if (!(await this.#source.runner.run(fill(this.#source, start, out)))) throw notReadable();
    return out;
  }
}

/** Fills `out` from the file; false: it is another one meanwhile, or has changed. */
function* fill({ path, st }: Source, start: number, out: Uint8Array): Op<boolean> {
  const fd = yield* attempt('open', [path, O_RDONLY | O_CLOEXEC, 0]);
  if (typeof fd !== 'number') return false;
  try {
    const now = yield* call('fstat', [fd]);
    const same = now.size === st.size && now.mtime === st.mtime && now.mtimeNsec === st.mtimeNsec && now.ino === st.ino;
    if (!same) return false;
    for (let n = 0; n < out.length; ) {
      const got = yield* call('pread', [fd, out.subarray(n), start + n], 'read');
      if (got === 0) return false;
      n += got;
    }
    return true;
  } finally {
    yield* attempt('close', [fd]);
  }
}
