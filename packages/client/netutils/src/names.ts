/**
 * Names for numbers: of hosts, services and users, from /etc/hosts, /etc/services and /etc/passwd of the kernel's file system.
 *
 * A kernel without files, or without those, knows `localhost` and `root`. Who has asked for numbers (-n) uses NUMBERS.
 */
import { bytestrOf } from '@anykernel/lib-bytes';
import { AF_INET, AF_INET6, O_RDONLY, inet6Parse, inet6Text, inetParse } from '@anykernel/lib-sys';
import type { Proc } from '@anykernel/rumpkern';

/** Bytes of such a file that are looked at. */
const FILE_MAX = 1 << 20;

export class Names {
  /** Addresses of a name, in the order of the file. */
  readonly #addresses = new Map<string, string[]>();
  readonly #hosts = new Map<string, string>();
  readonly #ports = new Map<string, number>();
  readonly #services = new Map<string, string>();
  readonly #users = new Map<number, string>();

  /** Of the texts of the three files. */
  constructor(hosts: string, services: string, users: string) {
    for (const [address, ...names] of lines(hosts)) this.#addHost(canonical(address), names);
    for (const [name, port, ...aliases] of lines(services)) this.#addService([name, ...aliases], port ?? '');
    for (const line of users.split('\n')) {
      const [name, , uid] = line.split(':');
      if (uid !== undefined && /^\d+$/.test(uid) && !this.#users.has(Number(uid))) this.#users.set(Number(uid), name);
    }
    if (!this.#addresses.has('localhost')) this.#addresses.set('localhost', ['127.0.0.1', '::1']);
  }

  #addHost(address: string | undefined, names: readonly string[]): void {
    if (address === undefined || names.length === 0) return;
    if (!this.#hosts.has(address)) this.#hosts.set(address, names[0]);
    for (const name of names) this.#addresses.set(name.toLowerCase(), [...(this.#addresses.get(name.toLowerCase()) ?? []), address]);
  }

  #addService(names: readonly string[], text: string): void {
    const [, port, protocol] = /^(\d+)\/(\w+)$/.exec(text) ?? [];
    if (port === undefined) return;
    for (const name of names) this.#ports.set(`${name}/${protocol}`, Number(port));
    if (!this.#services.has(text)) this.#services.set(text, names[0]);
  }

  /** An address of `text` of that family as text, if it is a name that has one; otherwise `text` itself. */
  numeric(text: string, family: number): string {
    const all = this.#addresses.get(text.toLowerCase()) ?? [];
    return all.find((address) => familyOf(address) === family) ?? text;
  }

  /** The family of an address or a name, the first one of its addresses; undefined: it is neither. */
  familyOf(text: string): number | undefined {
    return familyOf(this.#addresses.get(text.toLowerCase())?.[0] ?? text);
  }

  /** The name of an address, or the address. */
  host(address: string): string {
    return this.#hosts.get(address) ?? address;
  }

  /** The port of a service's name or number; undefined: it is neither. */
  port(text: string, protocol: 'tcp' | 'udp'): number | undefined {
    if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
    return this.#ports.get(`${text}/${protocol}`);
  }

  service(port: number, protocol: string): string {
    return this.#services.get(`${port}/${protocol}`) ?? String(port);
  }

  user(uid: number): string {
    return this.#users.get(uid) ?? (uid === 0 && this.#users.size === 0 ? 'root' : String(uid));
  }
}

/** Numbers stay numbers; of names, `localhost` is known. */
export const NUMBERS: Names = new Names('', '', '');

/** The names that a process sees. */
export async function namesOf(p: Proc): Promise<Names> {
  return new Names(await text(p, '/etc/hosts'), await text(p, '/etc/services'), await text(p, '/etc/passwd'));
}

/** A file as a byte string; empty if it cannot be read, or there are no files. */
async function text(p: Proc, path: string): Promise<string> {
  let fd: number;
  try {
    fd = await p.call.open(path, O_RDONLY, 0);
  } catch {
    return '';
  }
  try {
    let all = '';
    const buf = new Uint8Array(16_384);
    for (let len = await p.call.read(fd, buf); len > 0 && all.length < FILE_MAX; len = await p.call.read(fd, buf)) all += bytestrOf(buf, 0, len);
    return all;
  } catch {
    return '';
  } finally {
    await p.call.close(fd);
  }
}

/** The words of each line, comments taken off. */
function lines(all: string): string[][] {
  return all.split('\n').map((line) => line.replace(/#.*/, '').split(/\s+/).filter((word) => word !== '')).filter((words) => words.length > 0);
}

function canonical(address: string): string | undefined {
  if (inetParse(address) !== undefined) return address;
  const six = inet6Parse(address);
  return six === undefined ? undefined : inet6Text(six);
}

function familyOf(address: string): number | undefined {
  if (inetParse(address) !== undefined) return AF_INET;
  return inet6Parse(address.split('%')[0]) === undefined ? undefined : AF_INET6;
}
