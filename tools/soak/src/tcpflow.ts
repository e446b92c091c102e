/** A transfer over TCP, both ways at once: a stream of known bytes each, then the end of the stream. */
import { SHUT_WR, SOCK_STREAM, SOL_SOCKET, SO_ERROR, errnoByNumber } from '@anykernel/lib-sys';
import { Flow, patternAt, tryCall, tryVoid } from './flow.js';
import type { Node } from './node.js';

/** Who wants to connect tries as often, while the network lets nothing through. */
const CONNECTS_MAX = 8;
/** What connect() says when nobody answered. */
const UNANSWERED: ReadonlySet<string> = new Set(['ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'ENETDOWN', 'EHOSTDOWN', 'EADDRNOTAVAIL', 'ENOBUFS']);

/** One end of the connection. */
class End {
  sent = 0;
  got = 0;
  shut = false;
  eof = false;
  #connected = false;
  readonly #buf = new Uint8Array(16_384);

  constructor(
    readonly flow: TcpFlow,
    readonly node: Node,
    readonly fd: number,
    /** Bytes to send, to get, and which stream is its own. */
    readonly total: number,
    readonly expected: number,
    readonly salt: number,
  ) {}

  get over(): boolean {
    return this.shut && this.eof;
  }

  /** Goes on as far as it can. Returns an error's name. */
  step(): string | undefined {
    const failed = this.#connect() ?? this.#write() ?? this.#read();
    return failed === 'EAGAIN' || failed === 'ENOBUFS' ? undefined : failed;
  }

  /** Before it is connected it says so, or why it will not be. */
  #connect(): string | undefined {
    if (this.#connected) return undefined;
    const sys = this.node.p.bare;
    const word = new Uint8Array(4);
    const failed = tryCall(() => sys.getsockopt(this.fd, SOL_SOCKET, SO_ERROR, word));
    if (typeof failed === 'string') return failed;
    const error = errnoByNumber(word[0]);
    if (error !== undefined && word[0] !== 0) return error.code;
    const named = tryCall(() => sys.getpeername(this.fd).length);
    if (typeof named === 'string') return named;
    this.#connected = true;
    return undefined;
  }

  #write(): string | undefined {
    const { rng } = this.flow.world;
    const sys = this.node.p.bare;
    while (this.sent < this.total) {
      const b = new Uint8Array(Math.min(this.total - this.sent, 1 + rng.below(12_000)));
      for (let i = 0; i < b.length; i++) b[i] = patternAt(this.sent + i, this.salt);
      const n = tryCall(() => sys.write(this.fd, b));
      if (typeof n === 'string') return n === 'EAGAIN' || n === 'ENOBUFS' ? undefined : n;
      this.sent += n;
    }
    if (this.shut) return undefined;
    const failed = tryVoid(() => sys.shutdown(this.fd, SHUT_WR));
    if (failed !== undefined) return failed;
    this.shut = true;
    return undefined;
  }

  #read(): string | undefined {
    const sys = this.node.p.bare;
    for (let turns = 1 + this.flow.world.rng.below(8); turns > 0 && !this.eof; turns--) {
      const n = tryCall(() => sys.read(this.fd, this.#buf));
      if (typeof n === 'string') return n;
      if (n === 0) this.eof = true;
      for (let i = 0; i < n; i++) if (this.#buf[i] !== patternAt(this.got + i, this.salt ^ 1)) return `wrong byte at ${this.got + i}`;
      this.got += n;
    }
    if (this.eof && this.got !== this.expected) return `${this.got} bytes in place of ${this.expected}`;
    return undefined;
  }
}

export class TcpFlow extends Flow {
  #client: End | undefined;
  readonly #servers: End[] = [];
  #connects = 0;

  start(): void {
    const { server } = this;
    const fd = this.socket(server, SOCK_STREAM);
    server.p.bare.bind(fd, this.name(true));
    server.p.bare.listen(fd, 5);
    this.watch(() => this.#serve(fd));
    this.#connect();
  }

  #connect(): void {
    const { client, plan } = this;
    const fd = this.socket(client, SOCK_STREAM);
    const failed = tryVoid(() => client.p.bare.connect(fd, this.name()));
    const end = new End(this, client, fd, plan.up, plan.down, this.index * 2);
    this.#client = end;
    this.watch(() => this.#talk(end, failed === 'EINPROGRESS' ? undefined : failed));
  }

  /** The client's turn. */
  #talk(end: End, failed: string | undefined = end.step()): boolean {
    if (failed === undefined || failed === 'ENOTCONN') return this.#ended(end);
    if (end.sent > 0 || end.got > 0 || !UNANSWERED.has(failed)) return this.#fail('client', failed);
    if (++this.#connects === CONNECTS_MAX) return this.#fail('client', failed);
    this.close(end.node, end.fd);
    const { sim } = this.world;
    sim.at(sim.now + 1e9, () => this.#connect());
    return true;
  }

  #ended(end: End): boolean {
    if (!end.over) return false;
    this.close(end.node, end.fd);
    this.#check();
    return true;
  }

  /** The server's turn: whoever has connected is served. */
  #serve(listener: number): boolean {
    const { server, plan } = this;
    for (;;) {
      const fd = tryCall(() => server.p.bare.accept(listener));
      if (typeof fd === 'string') break;
      this.own(server, fd, true);
      this.#servers.push(new End(this, server, fd, plan.down, plan.up, this.index * 2 + 1));
    }
    for (const end of this.#servers) {
      if (end.over) continue;
      const failed = end.step();
      // A connection whose client had given up before it stood is nobody's.
      if (failed !== undefined && (end.got > 0 || this.#connects === 0)) return this.#fail('server', failed);
      if (end.over) this.close(server, end.fd);
    }
    this.#check();
    return this.done;
  }

  #check(): void {
    this.done ||= this.#client?.over === true && this.#servers.some((end) => end.over);
  }

  #fail(who: string, what: string): boolean {
    this.error = `${who}: ${what}`;
    return true;
  }

  get state(): string {
    const of = (end: End | undefined): string => (end === undefined ? 'none' : `sent ${end.sent}/${end.total} got ${end.got}/${end.expected}`);
    return `client ${of(this.#client)}; server ${this.#servers.map(of).join(', ')}`;
  }
}
