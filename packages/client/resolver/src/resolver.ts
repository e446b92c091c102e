/**
 * What dns.lookup() is for programs of a machine, for programs on a kernel: a name is looked for in /etc/hosts of its file system, and then asked for at the servers of
 * its /etc/resolv.conf, through its own sockets.
 *
 * The files are read for each name, so that changes count at once. Nothing is remembered: that is for a server on the way.
 */
import { Buffer } from 'node:buffer';
import { O_RDONLY, SOCK_CLOEXEC, SOCK_DGRAM } from '@anykernel/lib-sys';
import type { Proc } from '@anykernel/rumpkern';
import type { Answer, DecodedPacket } from 'dns-packet';
import { type RecordType, ask, serverName } from './ask.js';
import { type Config, addressOf, domainOf, parseConfig, parseHosts } from './config.js';
import { type Lookup, type LookupAddress, type LookupOptions, lookupError } from './lookup.js';

export interface ResolverOptions {
  /** In place of what /etc/resolv.conf says. */
  readonly config?: Partial<Config>;
  /** The port of servers, 53. */
  readonly port?: number;
}

/** Of getaddrinfo(3), as Node has them. */
const V4MAPPED = 8;
const ALL = 16;
const FILE_MAX = 1 << 20;
const NAME_MAX = 253;
const CNAMES_MAX = 16;
const NXDOMAIN = 'NXDOMAIN';
const LOOPBACK: readonly LookupAddress[] = [
  { address: '::1', family: 6 },
  { address: '127.0.0.1', family: 4 },
];

/** A lookup for process `p`: errors are those of dns.lookup(), ENOTFOUND and EAI_AGAIN. Without servers a name that /etc/hosts does not have is not found. */
export function resolver(p: Proc, options: ResolverOptions = {}): Lookup {
  return (hostname, how, callback) => {
    new Search(p, hostname, how, options).addresses().then(
      (found) => process.nextTick(() => (how.all === true ? callback(null, found) : callback(null, (found[0] as LookupAddress).address, found[0]?.family))),
      (error: Error) => process.nextTick(() => callback(error)),
    );
  };
}

/** One name that is looked for. */
class Search {
  /** A server did not answer, or did not want to. */
  #unsure = false;

  constructor(
    readonly p: Proc,
    readonly hostname: string,
    readonly how: LookupOptions,
    readonly options: ResolverOptions,
  ) {}

  /** At least one. ENOTFOUND, EAI_AGAIN. */
  async addresses(): Promise<LookupAddress[]> {
    const all = await this.#inOrder(await this.#find());
    const { family, hints = 0 } = this.how;
    const wanted = family === 'IPv4' ? 4 : family === 'IPv6' ? 6 : (family ?? 0);
    const fit = all.filter((one) => wanted === 0 || one.family === wanted);
    if (wanted === 6 && (hints & V4MAPPED) !== 0 && (fit.length === 0 || (hints & ALL) !== 0)) {
      fit.push(...all.filter((one) => one.family === 4).map((one) => ({ address: `::ffff:${one.address}`, family: 6 })));
    }
    if (fit.length === 0) throw lookupError(this.hostname, this.#unsure ? 'EAI_AGAIN' : 'ENOTFOUND');
    return fit;
  }

  async #find(): Promise<readonly LookupAddress[]> {
    const name = this.hostname.toLowerCase();
    const address = addressOf(this.hostname);
    if (address !== undefined) return [address];
    const known = parseHosts(await this.#text('/etc/hosts')).get(name);
    if (known !== undefined) return known;
    // RFC 6761 6.3: nobody is asked for these.
    if (name === '' || /^(.*\.)?localhost\.?$/.test(name)) return LOOPBACK;
    const config = { ...parseConfig(await this.#text('/etc/resolv.conf')), ...this.options.config };
    for (const candidate of candidates(name, config)) {
      const found = await this.#resolve(candidate, config);
      if (found.length > 0) return found;
    }
    return [];
  }

  /** Both kinds of addresses of a whole name. */
  async #resolve(name: string, config: Config): Promise<LookupAddress[]> {
    const { family } = this.how;
    const types: RecordType[] = family === 4 || family === 'IPv4' ? ['A'] : ['AAAA', 'A'];
    const answers = await Promise.all(types.map((type) => this.#answer(name, type, config)));
    return answers.flatMap((answer, i) => (answer === undefined ? [] : addressesIn(answer, name, types[i] as RecordType)));
  }

  /** What the first server that knows something says. */
  async #answer(name: string, type: RecordType, { servers, attempts, timeoutMs }: Config): Promise<DecodedPacket | undefined> {
    for (let attempt = 0; attempt < attempts; attempt++) {
      for (const server of servers.map(addressOf)) {
        const answer = server && (await ask(this.p, server, this.options.port ?? 53, name, type, timeoutMs));
        const { rcode } = (answer ?? {}) as { rcode?: string };
        if (rcode === 'NOERROR' || rcode === NXDOMAIN) return answer;
      }
    }
    this.#unsure ||= servers.length > 0;
    return undefined;
  }

  /** Those first to which there is a way, IPv6 before IPv4 (RFC 6724 6, rule 1). */
  async #inOrder(all: readonly LookupAddress[]): Promise<LookupAddress[]> {
    const ways = all.length < 2 ? [] : await Promise.all(all.map((one) => this.#isReachable(one)));
    return [...all.filter((_one, i) => ways[i] !== false), ...all.filter((_one, i) => ways[i] === false)];
  }

  async #isReachable(one: LookupAddress): Promise<boolean> {
    const { p } = this;
    let fd = -1;
    try {
      fd = await p.call.socket(domainOf(one), SOCK_DGRAM | SOCK_CLOEXEC, 0);
      await p.call.connect(fd, serverName(one));
      return true;
    } catch {
      return false;
    } finally {
      if (fd >= 0) p.sys.close(fd);
    }
  }

  /** A file; empty if it cannot be read, or there are no files. */
  async #text(path: string): Promise<string> {
    const { call, sys } = this.p;
    let fd = -1;
    try {
      fd = await call.open(path, O_RDONLY, 0);
      const parts: Uint8Array[] = [];
      const buf = new Uint8Array(16_384);
      for (let len = await call.read(fd, buf), all = 0; len > 0 && all < FILE_MAX; len = await call.read(fd, buf)) {
        parts.push(buf.slice(0, len));
        all += len;
      }
      return Buffer.concat(parts).toString();
    } catch {
      return '';
    } finally {
      if (fd >= 0) sys.close(fd);
    }
  }
}

/** The whole names that a name may stand for, in their order (resolv.conf(5), ndots and search). */
function candidates(name: string, { search, ndots }: Config): string[] {
  const dots = name.split('.').length - 1;
  const within = search.map((domain) => `${name}.${domain}`);
  const all = name.endsWith('.') ? [name.slice(0, -1)] : dots >= ndots ? [name, ...within] : [...within, name];
  return all.filter((one) => one.length <= NAME_MAX && one.split('.').every((label) => label.length > 0 && label.length <= 63));
}

/** The addresses that an answer has for a name, or for the one that it stands for (RFC 1034 3.6.2). */
function addressesIn(packet: DecodedPacket, name: string, type: RecordType): LookupAddress[] {
  const answers: readonly Answer[] = packet.answers ?? [];
  const same = (one: Answer, wanted: string): boolean => one.name.toLowerCase() === wanted.toLowerCase();
  let owner = name;
  for (let i = 0; i < CNAMES_MAX; i++) {
    const alias = answers.find((one) => one.type === 'CNAME' && same(one, owner));
    if (alias === undefined) break;
    owner = String((alias as { data: string }).data);
  }
  const texts = answers.filter((one) => one.type === type && same(one, owner)).map((one) => addressOf(String((one as { data: string }).data)));
  return texts.filter((one) => one !== undefined);
}
