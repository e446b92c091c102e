/** Files that say how names are found, as text: resolv.conf(5), hosts(5). What is not understood is left out. */
import { AF_INET, AF_INET6, inet6Parse, inet6Text, inetParse, inetText } from '@anykernel/lib-sys';
import type { LookupAddress } from './lookup.js';

/** What resolv.conf(5) says. */
export interface Config {
  /** Addresses, as text. */
  readonly servers: readonly string[];
  /** Domains in which a short name is looked for. */
  readonly search: readonly string[];
  /** A name with so many dots is looked for as it is, first. */
  readonly ndots: number;
  /** For how long an answer is waited for, in milliseconds, and how often all servers are asked. */
  readonly timeoutMs: number;
  readonly attempts: number;
}

const SERVERS_MAX = 3;
const SEARCH_MAX = 6;
const NDOTS_MAX = 15;
const TIMEOUT_MAX = 30;
const ATTEMPTS_MAX = 5;

export function parseConfig(text: string): Config {
  const servers: string[] = [];
  let search: readonly string[] = [];
  let options: Readonly<Record<string, number>> = {};
  for (const [key, ...values] of linesOf(text, /[#;].*/)) {
    const server = key === 'nameserver' ? addressOf(values[0] ?? '') : undefined;
    if (server !== undefined && servers.length < SERVERS_MAX) servers.push(server.address);
    // The last one of them counts.
    if (key === 'search' || key === 'domain') search = values.slice(0, key === 'domain' ? 1 : SEARCH_MAX).map((name) => name.replace(/\.$/, '').toLowerCase());
    if (key === 'options') options = { ...options, ...Object.fromEntries(values.map((one) => one.split(':')).map(([name, value]) => [name, Number(value)])) };
  }
  const number = (name: string, otherwise: number, min: number, max: number): number => {
    const value = options[name];
    return value !== undefined && Number.isInteger(value) && value >= min ? Math.min(value, max) : otherwise;
  };
  return {
    servers,
    search,
    ndots: number('ndots', 1, 0, NDOTS_MAX),
    timeoutMs: 1000 * number('timeout', 5, 1, TIMEOUT_MAX),
    attempts: number('attempts', 2, 1, ATTEMPTS_MAX),
  };
}

/** Addresses of each name, in small letters, in the order of the file. */
export function parseHosts(text: string): ReadonlyMap<string, readonly LookupAddress[]> {
  const all = new Map<string, LookupAddress[]>();
  for (const [first, ...names] of linesOf(text, /#.*/)) {
    const address = addressOf(first as string);
    if (address === undefined) continue;
    for (const name of names.map((one) => one.toLowerCase())) {
      const known = all.get(name) ?? [];
      if (!known.some((one) => one.address === address.address)) known.push(address);
      all.set(name, known);
    }
  }
  return all;
}

/** An address in its usual form; IPv6 may have a zone. */
export function addressOf(text: string): LookupAddress | undefined {
  const four = inetParse(text);
  if (four !== undefined) return { address: inetText(four), family: 4 };
  const [bare, zone] = text.split('%', 2) as [string, string?];
  const six = inet6Parse(bare);
  return six === undefined ? undefined : { address: zone === undefined ? inet6Text(six) : `${inet6Text(six)}%${zone}`, family: 6 };
}

export function domainOf(one: LookupAddress): number {
  return one.family === 4 ? AF_INET : AF_INET6;
}

/** The words of lines, without comments. */
function linesOf(text: string, comment: RegExp): string[][] {
  return text.split('\n').map((line) => line.replace(comment, '').split(/\s+/).filter((word) => word !== '')).filter((words) => words.length > 0);
}
